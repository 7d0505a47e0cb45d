//! An outage of the API server, as the members see it. Only a node of our own can be cut off like that.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::ResourceExt;

use tokio::time::interval;

use crate::{fixture::Database, writer::Writer};

const PACE: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_mins(2);

/// While it lives, no member reaches the API server.
struct Outage;

impl Outage {
    async fn of(database: &Database) -> Self {
        let pods = database.pods().await;
        let addresses: Vec<_> =
            pods.iter().filter_map(|pod| pod.status.as_ref()?.pod_ip.as_deref()).collect();
        assert_eq!(addresses.len(), 2);
        assert!(cut(&addresses), "tests/cluster/cut failed");
        Self
    }
}

impl Drop for Outage {
    fn drop(&mut self) {
        cut(&[]);
    }
}

fn cut(addresses: &[&str]) -> bool {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cluster/cut");
    let status = Command::new(script).args(addresses).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Waits until the leader's lock ran out, because nobody could renew it.
async fn lock_ran_out(database: &Database) {
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

/// Patroni answers no probe before it has reached the API server, and must be given the time. A
/// container that is killed for it would come back minutes after the outage.
async fn starts_once(database: &Database, pod: &str) {
    /// Longer than a probe would have waited for an answer.
    const LONGER: Duration = Duration::from_secs(45);
    let container = async || {
        let pod = database.api::<Pod>().get(pod).await.unwrap();
        let all = pod.status.unwrap().container_statuses.unwrap_or_default();
        all.into_iter().find(|container| container.name == "postgres").unwrap()
    };
    let before = container().await.restart_count;
    database.shell(pod, "kill 1").await;
    let (began, mut pace) = (Instant::now(), interval(PACE));
    loop {
        pace.tick().await;
        let now = container().await;
        assert!(now.restart_count <= before + 1, "it is started again and again");
        let since = now.state.and_then(|state| state.running?.started_at);
        let age = since.and_then(|since| SystemTime::now().duration_since(since.0.into()).ok());
        if now.restart_count == before + 1 && age.is_some_and(|age| age > LONGER) {
            assert_eq!(now.started, Some(false), "Patroni answers without the API server");
            return;
        }
        assert!(began.elapsed() < PATIENCE, "the container does not start");
    }
}

pub async fn failsafe_mode_carries_the_primary_through_an_outage_of_the_api_server() {
    let database = Database::new("alone").await;
    assert!(cut(&[]), "nobody is cut off at first");
    database.must(&["init"]);
    let database = Arc::new(database);
    let timeline = database.status()["timeline"].clone();
    let mut writer = Writer::start(&database).await;
    writer.goes_on_for(50).await;

    let outage = Outage::of(&database).await;
    lock_ran_out(&database).await;
    writer.goes_on_for(50).await;
    let status = tokio::task::block_in_place(|| database.status());
    assert_eq!((&status["primary"], &status["timeline"]), (&"alone-main-0".into(), &timeline));
    drop(outage);
    database.until_healthy();
    assert_eq!(database.status()["timeline"], timeline, "somebody was promoted");
    writer.finish(&database).await;

    // It is the mode that does it: without it the same outage ends all writing.
    database.configure("replication.failsafe_mode = false");
    tokio::task::block_in_place(|| database.must(&["init"]));
    let outage = Outage::of(&database).await;
    database.until("no primary", |status| status["verdict"] == "no_primary");
    starts_once(&database, "alone-replica-0").await;
    drop(outage);
    database.until_healthy();
    Arc::into_inner(database).expect("no writer is left").end().await;
}
