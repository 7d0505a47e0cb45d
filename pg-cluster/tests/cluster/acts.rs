//! What may happen to a pair, while writes go on.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

use crate::{
    disk::Disk,
    faults,
    fixture::{Database, Program},
    watch::{Outcome, Watch, amiss, member, unprotected},
};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Act {
    Switchover,
    Delete,
    Kill,
    Freeze,
    ApiPartition,
    PeerPartition,
    ApiOutage,
    FullDisk,
    BadImage,
    BadSetting,
    LostVolume,
    LostSecret,
}

/// A finalizer that keeps a deleted pod visible.
const HOLD: &str = "todoozle.dev/test";

/// Does it to whoever is primary, and to nobody else unless it says so. At the end the pair is whole
/// again, by itself or by the verbs that a user has.
pub async fn endure(database: &Arc<Database>, act: Act) -> Outcome {
    let mut watch = Watch::start(database).await;
    match act {
        Act::Switchover => switchover(&mut watch).await,
        Act::Delete => delete(&mut watch).await,
        Act::Kill => kill(&mut watch).await,
        Act::Freeze => freeze(&mut watch).await,
        Act::ApiPartition => faults::api_partition(&mut watch).await,
        Act::PeerPartition => faults::peer_partition(&mut watch).await,
        Act::ApiOutage => faults::api_outage(&mut watch).await,
        Act::FullDisk => faults::full_disk(&mut watch).await,
        Act::BadImage => faults::bad_image(&mut watch).await,
        Act::BadSetting => faults::bad_setting(&mut watch).await,
        Act::LostVolume => faults::lost_volume(&mut watch).await,
        Act::LostSecret => faults::lost_secret(&mut watch).await,
    }
    watch.end().await
}

/// A full disk is one of its own, which only a new cluster gets.
pub async fn endure_full_disk() -> Outcome {
    let database = Database::new("full").await;
    let disk = Disk::of(&database).await;
    database.must(&["init"]);
    let database = Arc::new(database);
    let outcome = endure(&database, Act::FullDisk).await;
    Arc::into_inner(database).expect("no writer is left").end().await;
    disk.end().await;
    outcome
}

async fn switchover(watch: &mut Watch) {
    tokio::task::block_in_place(|| watch.database.must(&["switchover"]));
    let old = watch.old.clone();
    watch.see(|status| status["primary"] != *old);
    watch.writes_go_on().await;
    tokio::task::block_in_place(|| watch.database.must(&["switchover", "--to", &watch.old]));
}

async fn delete(watch: &mut Watch) {
    let (pods, old) = (watch.database.api::<Pod>(), watch.old.clone());
    let finalizers = async |all: &[&str]| {
        let patch = Patch::Merge(json!({ "metadata": { "finalizers": all } }));
        pods.patch(&old, &PatchParams::default(), &patch).await.unwrap();
    };
    // What is deleted stays to be looked at until it is let go.
    finalizers(&[HOLD]).await;
    pods.delete(&old, &DeleteParams::default()).await.unwrap();
    watch.until_another_leads();
    watch.writes_go_on().await;
    let status = watch.see(unprotected);
    assert_eq!(member(&status, &old)["state"], "stopping", "{status:#}");
    finalizers(&[]).await;
}

async fn kill(watch: &mut Watch) {
    let (database, old) = (watch.database.clone(), watch.old.clone());
    let started = ["psql", "--", "-XAtc", "select pg_postmaster_start_time()"];
    let before = tokio::task::block_in_place(|| database.must(&started));
    database.shell(&old, "kill -9 $(head -n 1 $PGDATA/postmaster.pid)").await;
    // Whoever asks late may find it well again, and it is, if it was started anew.
    let is_back = || {
        let now = tokio::task::block_in_place(|| database.run(&started));
        now.status.success() && now.stdout != before.as_bytes()
    };
    watch.see(|status| amiss(status) || status["primary"] != *old || is_back());
}

async fn freeze(watch: &mut Watch) {
    watch.database.signal(&watch.old, "STOP", Program::All).await;
    // While it stands still, and before another takes over, nobody can call this healthy.
    watch.see(amiss);
    watch.until_another_leads();
    watch.see(unprotected);
    watch.writes_go_on().await;
    watch.database.signal(&watch.old, "CONT", Program::All).await;
}
