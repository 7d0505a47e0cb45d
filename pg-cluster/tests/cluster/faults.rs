//! What takes away more than a process: the network, the disk, what somebody wrote or deleted.

use std::time::Duration;

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, Secret};
use kube::{ResourceExt, api::DeleteParams};

use crate::{
    cut::{Cut, lock_ran_out},
    fixture::Database,
    watch::{Watch, amiss, unprotected},
};

/// Writes that stand still for longer are not just slow.
const STILL: Duration = Duration::from_secs(5);
/// Seconds for a restart that cannot succeed.
const VAIN: &str = "15";

/// The primary alone does not reach the API server.
pub async fn api_partition(watch: &mut Watch) {
    let old = watch.old.clone();
    let cut = Cut::from_api(&watch.database, |member| member == old).await;
    leads_on_without_its_lock(watch).await;
    drop(cut);
}

/// No member reaches it.
pub async fn api_outage(watch: &mut Watch) {
    let cut = Cut::from_api(&watch.database, |_| true).await;
    leads_on_without_its_lock(watch).await;
    drop(cut);
}

async fn leads_on_without_its_lock(watch: &mut Watch) {
    lock_ran_out(&watch.database).await;
    watch.writes_go_on().await;
    let status = watch.see(unprotected);
    assert_eq!(status["primary"], *watch.old, "{status:#}");
}

/// The members do not reach each other, so that commits wait until Patroni gives the standby up.
pub async fn peer_partition(watch: &mut Watch) {
    let cut = Cut::apart(&watch.database).await;
    watch.writer.stands_still_for(STILL).await;
    watch.until("a primary alone", unprotected);
    watch.writes_go_on().await;
    watch.see(unprotected);
    drop(cut);
}

/// Something takes all of the primary's volume, until PostgreSQL finds no room for WAL.
pub async fn full_disk(watch: &mut Watch) {
    /// More than there is in segments that are used again.
    const BURST: &str = "set statement_timeout = '20s';
        select pg_logical_emit_message(true, '', repeat('x', 1 << 20)) from generate_series(1, 400)";
    watch.database.shell(&watch.old, "cat /dev/zero > $PGDATA/../fill").await;
    watch.see(amiss);
    let (database, old) = (watch.database.clone(), watch.old.clone());
    watch.until("another primary", |status| {
        let leads = status["primary"].as_str();
        if leads == Some(&*old) {
            database.run(&["psql", "--", "-XAtqc", BURST]);
        }
        leads.is_some_and(|leads| leads != old)
    });
    watch.writes_go_on().await;
    watch.see(amiss);
    watch.database.shell(&watch.old, "rm $PGDATA/../fill").await;
}

/// An image that is not there. The first replica that gets it does not start.
pub async fn bad_image(watch: &mut Watch) {
    let image = Database::image();
    written_wrong(watch, &format!("image = \"{image}"), &format!("image = \"{image}-gone")).await;
}

/// A setting that PostgreSQL takes and does not start with.
pub async fn bad_setting(watch: &mut Watch) {
    let some = "parameters.shared_buffers";
    let wrong = "parameters.shared_preload_libraries = \"pg_stat_statements,gone\"";
    written_wrong(watch, some, &format!("{wrong}\n{some}")).await;
}

/// Somebody brings it about, and takes it back by correcting the file.
async fn written_wrong(watch: &mut Watch, part: &str, wrong: &str) {
    let right = watch.database.edit(part, wrong);
    tokio::task::block_in_place(|| watch.database.must(&["init"]));
    watch.see(amiss);
    let restart = ["restart", "--timeout", VAIN];
    let restarted = tokio::task::block_in_place(|| watch.database.run(&restart));
    assert!(!restarted.status.success(), "{wrong} is taken");
    watch.see(unprotected);
    watch.writes_go_on().await;
    watch.database.write("postgres.toml", &right);
    tokio::task::block_in_place(|| watch.database.must(&["init"]));
}

/// The primary's node goes with its disk: the pod without a word, and the volume for good.
pub async fn lost_volume(watch: &mut Watch) {
    let claims = watch.database.api::<PersistentVolumeClaim>();
    let claim = format!("data-{}", watch.old);
    let lost = claims.get(&claim).await.unwrap().uid();
    claims.delete(&claim, &DeleteParams::default()).await.unwrap();
    watch.see(amiss);
    let at_once = DeleteParams::default().grace_period(0);
    watch.database.api::<Pod>().delete(&watch.old, &at_once).await.unwrap();
    watch.until_another_leads();
    watch.writes_go_on().await;
    watch.database.until_healthy();
    assert_ne!(claims.get(&claim).await.unwrap().uid(), lost);
}

/// The passwords of Patroni's users are gone, and a replica that starts anew misses them.
pub async fn lost_secret(watch: &mut Watch) {
    let name = format!("{}-credentials", watch.database.name);
    let secrets = watch.database.api::<Secret>();
    secrets.delete(&name, &DeleteParams::default()).await.unwrap();
    watch.see(amiss);
    let pods = watch.database.pods().await;
    let replicas = pods.iter().map(ResourceExt::name_any).filter(|name| *name != watch.old);
    for replica in replicas {
        let at_once = DeleteParams::default().grace_period(0);
        watch.database.api::<Pod>().delete(&replica, &at_once).await.unwrap();
    }
    watch.until("a primary alone", unprotected);
    watch.writes_go_on().await;
    watch.see(unprotected);
    // The primary has them still.
    tokio::task::block_in_place(|| watch.database.must(&["init"]));
}
