//! An outage of the API server, as the members see it.

use std::time::{Duration, Instant, SystemTime};

use k8s_openapi::api::core::v1::Pod;
use tokio::time::interval;

use crate::{acts::Act, cut::Cut, fixture::Database, survival::survives};

const PACE: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_mins(4);

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
    database.must(&["init"]);
    let timeline = database.status()["timeline"].clone();
    let database = survives(database, &[Act::ApiPartition, Act::ApiOutage]).await;
    assert_eq!(database.status()["timeline"], timeline, "somebody was promoted");

    // It is the mode that does it: without it the same outage ends all writing.
    database.configure("replication.failsafe_mode = false");
    database.must(&["init"]);
    let outage = Cut::from_api(&database, |_| true).await;
    database.until("no primary", |status| status["verdict"] == "no_primary");
    starts_once(&database, "alone-replica-0").await;
    drop(outage);
    database.until_healthy();
    database.end().await;
}
