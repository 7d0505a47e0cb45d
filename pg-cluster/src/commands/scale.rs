//! Another number of replicas. Volumes of members that go stay.

use std::time::Duration;

use anyhow::Result;

use super::init;
use crate::{cli::Global, cluster::Cluster, progress, wrong_usage::OrWrongUsage};

pub async fn run(
    cluster: Cluster,
    global: &Global,
    replicas: i32,
    timeout: Duration,
) -> Result<()> {
    let configured = cluster.env.replica.count.get();
    let cluster = Cluster { env: cluster.env.with_replicas(replicas).or_wrong_usage()?, ..cluster };
    init::guard(&cluster, &cluster.agreed().await?).await?;
    if global.dry_run {
        return Box::pin(super::diff::run(&cluster, global)).await;
    }
    Box::pin(init::run(&cluster, global, timeout)).await?;
    if replicas != configured {
        progress::warn(&format!(
            "write count = {replicas} under [replica] in postgres.toml, or the next init brings back {configured}"
        ));
    }
    Ok(())
}
