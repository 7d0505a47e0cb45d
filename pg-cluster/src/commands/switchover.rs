//! Another primary, in order: nothing acknowledged is lost, and the old one follows.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use serde_json::json;

use super::init;
use crate::{
    cli::Global,
    cluster::Cluster,
    conditions,
    env::SynchronousMode,
    health::{Report, SyncState, streams},
    observe,
    progress::{self, Wait, until},
};

const LIMIT: Duration = Duration::from_mins(2);

pub async fn run(cluster: &Cluster, global: &Global, to: Option<String>) -> Result<()> {
    // It works on what main's volume has, as the newest.
    if let Some(upgrade) = cluster.agreed().await?.upgrade {
        bail!(upgrade.words());
    }
    let report = observe::members(cluster).await?;
    let primary = report.leader("there is nobody to take over from")?.to_owned();
    let to = match to {
        Some(to) => to,
        None => candidate(&report)?,
    };
    ensure!(
        report.members.iter().any(|member| member.name == to),
        "{to} is no member: name one of {}",
        report.members.iter().map(|member| member.name.as_str()).collect::<Vec<_>>().join(", ")
    );
    if to == primary {
        progress::done(&to, "is primary already");
        return Ok(());
    }
    if global.dry_run {
        progress::done("switchover", &format!("would go from {primary} to {to}"));
        return Ok(());
    }
    let off = cluster.env.replication.synchronous_mode == SynchronousMode::Off;
    let widen = !off && !cluster.agreed().await?.synchronous.contains(&to);
    let moved = async {
        if widen {
            make_synchronous(cluster, &primary, &to).await?;
        }
        cluster.post_switchover(&primary, &to).await?;
        until(&format!("{to} as primary"), LIMIT, || became(cluster, &to)).await
    };
    let moved = moved.await;
    // Also after a failure: what was widened for this is not to stay.
    if widen && let Some(leader) = cluster.agreed().await?.leader {
        init::ensure_dynamic(cluster, &leader, LIMIT).await?;
    }
    moved?;
    conditions::until_streaming(cluster, LIMIT).await
}

/// Patroni only promotes a synchronous standby, so a member that is none becomes one more first.
async fn make_synchronous(cluster: &Cluster, primary: &str, to: &str) -> Result<()> {
    let all = json!({ "synchronous_node_count": cluster.env.replica.count });
    cluster.patch_dynamic(primary, &all).await?;
    until(&format!("{to} to hold every acknowledged write"), LIMIT, async || {
        let synchronous = cluster.agreed().await?.synchronous;
        let holds = synchronous.iter().any(|name| name == to);
        Ok(Wait::unless(holds, synchronous.join(", ")))
    })
    .await
}

/// Home if the primary is away, else to the synchronous standby.
fn candidate(report: &Report) -> Result<String> {
    let others = || {
        report
            .members
            .iter()
            .filter(|member| Some(&member.name) != report.primary.as_ref() && streams(member))
    };
    let home = others().find(|member| member.home == "main");
    let standby = home
        .or_else(|| others().find(|member| member.sync.is_some_and(SyncState::is_synchronous)))
        .or_else(|| others().next());
    standby
        .map(|member| member.name.clone())
        .context("no member streams, so nobody can take over: see `pg-cluster status`")
}

async fn became(cluster: &Cluster, to: &str) -> Result<Wait<()>> {
    Ok(match observe::members(cluster).await?.primary {
        Some(primary) if primary == to => Wait::Over(()),
        other => Wait::For(format!("primary is {}", other.unwrap_or_else(|| "nobody".to_owned()))),
    })
}
