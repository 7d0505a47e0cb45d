//! Another primary while there is none, at the price of what only the old one has.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::confirm;
use crate::{
    cli::Global, cluster::Cluster, conditions, health::Report, observe, progress, progress::until,
};

pub struct Plan {
    pub to: String,
    pub accept_data_loss: bool,
    pub timeout: Duration,
}

pub async fn run(cluster: &Cluster, global: &Global, plan: &Plan) -> Result<()> {
    let report = observe::members(cluster).await?;
    let to = &plan.to;
    ensure!(
        report.primary.is_none(),
        "{} is primary: `pg-cluster switchover --to {to}` moves it, and loses nothing",
        report.primary.as_deref().unwrap_or_default()
    );
    let candidate = report.members.iter().find(|member| member.name == *to);
    let answer = candidate
        .with_context(|| format!("{to} is no member"))?
        .answer
        .as_ref()
        .with_context(|| format!("{to} does not answer, so it cannot take over"))?;
    let agreed = cluster.agreed().await?;
    let loss = if agreed.synchronous.iter().any(|name| name == to) {
        format!("{to} has every acknowledged write")
    } else {
        format!("what may be lost: {}", may_be_lost(&report, to, answer.received_at.as_deref()))
    };
    progress::warn(&loss);
    ensure!(
        plan.accept_data_loss,
        "{loss}: if that is better than to wait for the old primary, pass --accept-data-loss"
    );
    if global.dry_run {
        progress::done("failover", &format!("would promote {to}"));
        return Ok(());
    }
    if !global.yes {
        confirm(&format!("promote {to}; {loss}"), to)?;
    }
    cluster.post_failover(to).await?;
    let primary =
        until("a primary that takes writes", plan.timeout, || conditions::primary(cluster));
    progress::done(&primary.await?, "is primary");
    Ok(())
}

fn may_be_lost(report: &Report, to: &str, received_at: Option<&str>) -> String {
    let since = received_at.unwrap_or("an unknown time");
    let others = report.members.iter().filter(|member| member.name != to);
    let silent: Vec<_> =
        others.filter(|member| member.answer.is_none()).map(|member| &*member.name).collect();
    format!(
        "every write since {since}, when {to} last heard of the primary; {} may have them and give no answer",
        if silent.is_empty() { "nobody here".to_owned() } else { silent.join(", ") }
    )
}
