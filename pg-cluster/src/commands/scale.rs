//! Another number of replicas. Volumes of members that go stay.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::init;
use crate::{cli::Global, cluster::Cluster, objects::names, progress};

pub async fn run(
    cluster: Cluster,
    global: &Global,
    replicas: i32,
    timeout: Duration,
) -> Result<()> {
    let configured = cluster.env.replica.count.get();
    let cluster = Cluster { env: cluster.env.with_replicas(replicas)?, ..cluster };
    let leader = cluster.agreed().await?.leader;
    ensure!(
        leader.as_ref().is_none_or(|leader| names::pods(&cluster.env).contains(leader)),
        "{} is primary and would go: run `pg-cluster switchover` first",
        leader.unwrap_or_default()
    );
    if global.dry_run {
        return super::diff::run(&cluster, global).await;
    }
    init::run(&cluster, global, timeout).await?;
    if replicas != configured {
        progress::warn(&format!(
            "write count = {replicas} under [replica] in postgres.toml, or the next init brings back {configured}"
        ));
    }
    Ok(())
}
