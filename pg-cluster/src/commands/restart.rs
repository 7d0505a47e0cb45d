//! New pods, one at a time: replicas first, then a switchover, then the old primary.
//! What needs one is read from the members, so a second run goes on where the first ended.

use std::time::Duration;

use anyhow::{Result, bail, ensure};

use super::{renew::renew, switchover};
use crate::{
    cli::Global,
    cluster::Cluster,
    conditions,
    health::{self, Credentials, Member, Report, Verdict},
    observe,
    progress::{self, until},
};

pub struct Plan {
    /// Also members that wait for nothing.
    pub all: bool,
    pub timeout: Duration,
}

pub async fn run(cluster: &Cluster, global: &Global, plan: &Plan) -> Result<()> {
    let report = observe::members(cluster).await?;
    let primary = report.leader("nothing is restarted")?.to_owned();
    if cluster.env.members() < 2 {
        cluster.refuse_without_volumes().await?;
    }
    ensure!(
        !cluster.agreed().await?.is_paused(),
        "Patroni is paused and starts no PostgreSQL in a new pod: run `pg-cluster resume` first"
    );
    let (mut replicas, mut leaders): (Vec<_>, Vec<_>) = report
        .members
        .iter()
        .filter(|member| plan.all || waits(member))
        .map(|member| member.name.clone())
        .partition(|name| *name != primary);
    if replicas.is_empty() && leaders.is_empty() {
        progress::done("restart", "no member waits for one; --all restarts every member");
        return Ok(());
    }
    if global.dry_run {
        replicas.append(&mut leaders);
        progress::done("restart", &format!("would restart {}", replicas.join(", then ")));
        return Ok(());
    }
    let (idle, working): (Vec<_>, Vec<_>) = replicas
        .iter()
        .partition(|name| report.members.iter().any(|m| m.name == **name && locked_out(m)));
    // They don't stream until they have their new passwords, so this takes nobody away.
    for name in &idle {
        renew(cluster, name, plan.timeout).await?;
    }
    // Whoever was locked out follows now, and will be synchronous again.
    if report.members.iter().any(has_old_passwords) {
        whole(cluster, plan.timeout).await?;
    }
    may_begin(cluster, &observe::members(cluster).await?)?;
    for name in working {
        replace(cluster, name, plan.timeout).await?;
    }
    if !leaders.is_empty() {
        // With the password that it started with, it could not follow another primary: its pod goes at
        // once, and hands over as it does.
        let refused = report.members.iter().any(|m| m.name == primary && has_old_passwords(m));
        if cluster.env.members() > 1 && !refused {
            switchover::run(cluster, global, None).await?;
        }
        replace(cluster, &primary, plan.timeout).await?;
    }
    lower(cluster, &[replicas, leaders].concat(), plan.timeout).await?;
    let leader = cluster.agreed().await?.leader;
    // They may have been restarted for it.
    if let Some(leader) = &leader {
        cluster.close_to_clients(leader).await?;
        cluster.ensure_archive(leader, plan.timeout).await?;
    }
    if let Some(leader) = leader.filter(|leader| *leader != primary) {
        progress::done(
            "next",
            &format!("{leader} is primary now; `pg-cluster switchover` moves it"),
        );
    }
    Ok(())
}

/// Whether it runs on old settings: its pod's, or PostgreSQL's.
fn waits(member: &Member) -> bool {
    member.outdated || member.pending_restart || has_old_passwords(member)
}

fn has_old_passwords(member: &Member) -> bool {
    member.credentials == Credentials::Old
}

fn locked_out(member: &Member) -> bool {
    has_old_passwords(member) && !health::streams(member)
}

/// Each step takes a member away, so it must not be the last that holds everything.
pub fn may_begin(cluster: &Cluster, report: &Report) -> Result<()> {
    if let Some(why) = health::unreadable(&report.members) {
        bail!("a restart would take the cluster away: {why}");
    }
    let promised = cluster.env.replication.promises_durability() && cluster.env.members() > 1;
    ensure!(
        !promised || report.verdict <= Verdict::Degraded,
        "the cluster is {}, and a restart would take another member away: {}",
        report.verdict.words(),
        report.advice.join("; ")
    );
    Ok(())
}

/// Has a member's pod replaced and waits until its successor does the same work.
async fn replace(cluster: &Cluster, name: &str, timeout: Duration) -> Result<()> {
    renew(cluster, name, timeout).await?;
    whole(cluster, timeout).await
}

async fn whole(cluster: &Cluster, timeout: Duration) -> Result<()> {
    until("a primary that takes writes", timeout, || conditions::primary(cluster)).await?;
    conditions::until_streaming(cluster, timeout).await
}

/// A replica may not run with less of some parameters (`max_connections`, …) than its primary,
/// so Patroni keeps the old value in all of them until the primary has restarted in place. After
/// that it is the replicas' turn again.
async fn lower(cluster: &Cluster, restarted: &[String], timeout: Duration) -> Result<()> {
    let report = observe::members(cluster).await?;
    let primary = report.members.iter().find(|m| Some(&m.name) == report.primary.as_ref());
    let Some(primary) = primary.filter(|member| member.pending_restart) else { return Ok(()) };
    cluster.post_restart(&primary.name).await?;
    progress::done(&primary.name, "restarted in place, for a lower value");
    whole(cluster, timeout).await?;
    for name in restarted.iter().filter(|name| **name != primary.name) {
        replace(cluster, name, timeout).await?;
    }
    Ok(())
}
