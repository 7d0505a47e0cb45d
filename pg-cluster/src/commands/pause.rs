//! Patroni told to do nothing by itself, and to begin again.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{cli::Global, cluster::Cluster, progress};

/// `pause` is what Patroni is to do.
pub async fn run(cluster: &Cluster, global: &Global, pause: bool) -> Result<()> {
    let (verb, now) = if pause { ("pause", "paused") } else { ("resume", "at work") };
    let agreed = cluster.agreed().await?;
    if agreed.is_paused() == pause {
        progress::done("Patroni", &format!("is {now} already"));
        return Ok(());
    }
    if global.dry_run {
        progress::done(verb, &format!("would have Patroni {now}"));
        return Ok(());
    }
    let pods = cluster.pods().await?;
    let any = || pods.first().and_then(|pod| pod.metadata.name.clone());
    let member = agreed.leader.or_else(any).context("there is no member to tell")?;
    let value = if pause { json!(true) } else { Value::Null };
    cluster.patch_dynamic(&member, &json!({ "pause": value })).await?;
    progress::done("Patroni", &format!("is {now}"));
    if pause {
        progress::warn("nobody takes over while it is paused: `pg-cluster resume` ends that");
    }
    Ok(())
}
