//! Members that do not reach the API server, or each other. Only on a node of our own can they be cut off like that.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant, SystemTime},
};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use tokio::time::interval;

use crate::fixture::Database;

const PACE: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_mins(2);

/// It is over when this is dropped.
pub struct Cut;

impl Cut {
    /// Keeps the members that are meant from the API server.
    pub async fn from_api(database: &Database, meant: impl Fn(&str) -> bool) -> Self {
        Self::of(&addresses(database, meant).await)
    }

    /// Keeps all members from each other.
    pub async fn apart(database: &Database) -> Self {
        let all = addresses(database, |_| true).await;
        Self::of(&[vec!["--apart".to_owned()], all].concat())
    }

    fn of(arguments: &[String]) -> Self {
        assert!(cut(arguments), "tests/cluster/cut failed");
        Self
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        cut(&[]);
    }
}

async fn addresses(database: &Database, meant: impl Fn(&str) -> bool) -> Vec<String> {
    let mut pods = database.pods().await;
    pods.retain(|pod| meant(&pod.name_any()));
    pods.into_iter().map(|pod| pod.status.unwrap().pod_ip.unwrap()).collect()
}

fn cut(arguments: &[String]) -> bool {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cluster/cut");
    let status = Command::new(script).args(arguments).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Waits until the leader's lock ran out, because nobody could renew it.
pub async fn lock_ran_out(database: &Database) {
    let (began, mut pace) = (Instant::now(), interval(PACE));
    loop {
        pace.tick().await;
        let name = format!("{}-leader", database.name);
        let lock = database.api::<ConfigMap>().get(&name).await.unwrap();
        let seconds = |key: &str| lock.annotations()[key].clone();
        let renewed: Timestamp = seconds("renewTime").parse().unwrap();
        let age = SystemTime::now().duration_since(renewed.into()).unwrap_or_default();
        if age.as_secs() > seconds("ttl").parse().unwrap() {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "the lock is renewed in spite of the outage");
    }
}
