//! The truth at this moment: asked of each member, not read from labels.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1};
use kube::{Api, ResourceExt, api::ListParams};

use crate::{
    ask, certificate,
    cli::Output,
    cluster::Cluster,
    health::{self, Member, Report, archive::Archive, nodes::Node},
    objects::{HomeSet, names},
    tls,
};

const WATCH_INTERVAL: Duration = Duration::from_secs(1);

pub async fn run(cluster: &Cluster, output: Output, watch: bool) -> Result<u8> {
    loop {
        let report = report(cluster).await?;
        ensure!(
            !report.members.is_empty(),
            "there is no cluster {} in namespace {}: run `pg-cluster init`",
            report.name,
            report.namespace
        );
        match output {
            Output::Text => println!("{}", text(&report)),
            Output::Json => {
                println!("{}", serde_json::to_string(&report).context("write the status as JSON")?);
            }
        }
        if !watch {
            return Ok(report.verdict.exit_code());
        }
        tokio::select! {
            () = tokio::time::sleep(WATCH_INTERVAL) => {}
            _ = tokio::signal::ctrl_c() => return Ok(report.verdict.exit_code()),
        }
    }
}

/// What the members say, and the archive.
pub async fn report(cluster: &Cluster) -> Result<Report> {
    let members = async {
        let report = members(cluster).await?;
        let nodes = nodes(cluster, &report.members).await?;
        anyhow::Ok((report, nodes))
    };
    let (members, archive) = tokio::join!(members, cluster.archive());
    let (mut report, nodes) = members?;
    report.archive = archive;
    report.judge_archive(&cluster.env);
    report.judge_nodes(&cluster.env, &nodes);
    Ok(report)
}

/// Enough to know whether a cluster has more than one place.
const SOME_NODES: u32 = 100;

/// The members' nodes and some others; none for whoever may not read them.
async fn nodes(cluster: &Cluster, members: &[Member]) -> Result<Vec<Node>> {
    let api = Api::<v1::Node>::all(cluster.client.clone());
    let label = &*cluster.env.main.spread;
    let mut nodes = match api.list(&ListParams::default().limit(SOME_NODES)).await {
        Err(error) if is_forbidden(&error) => return Ok(Vec::new()),
        listed => listed.context("list the nodes")?.items,
    };
    for name in members.iter().filter_map(|member| member.node.as_ref()) {
        if !nodes.iter().any(|node| node.name_any() == *name) {
            let node = api.get_opt(name).await.with_context(|| format!("read the node {name}"))?;
            nodes.extend(node);
        }
    }
    let known = |node: v1::Node| {
        let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
        let ready = |condition: &v1::NodeCondition| {
            condition.type_ == "Ready" && condition.status == "True"
        };
        Node {
            name: node.name_any(),
            place: node.labels().get(label).cloned(),
            ready: conditions.into_iter().flatten().any(ready),
        }
    };
    Ok(nodes.into_iter().map(known).collect())
}

/// What the members say: enough for who waits for them, and it waits for no bucket.
pub async fn members(cluster: &Cluster) -> Result<Report> {
    let env = &cluster.env;
    let server = names::certificate(env);
    let (pods, agreed, pem, revisions) = tokio::try_join!(
        cluster.pods(),
        cluster.agreed(),
        cluster.secret_or_none(&server, "tls.crt"),
        revisions(cluster),
    )?;
    let digest = pem.as_deref().map(certificate::digest_of);
    let mut members = join_all(pods.iter().map(|pod| ask::member(cluster, pod))).await;
    for (member, pod) in members.iter_mut().zip(&pods) {
        let own = pod.labels().get("controller-revision-hash");
        member.outdated = own.is_some_and(|own| !revisions.contains(own));
        member.certificate = certificate::state(member, digest.as_deref());
    }
    health::join(&mut members);
    let now = Timestamp::now();
    let days_left =
        pem.map(|pem| tls::expiry(&pem)).transpose()?.map(|end| tls::days_left(end, now));
    let judged =
        health::judge(env, &members, agreed.leader.as_deref(), &agreed.synchronous, days_left);
    let (verdict, advice) = if agreed.is_paused() { health::with_pause(judged) } else { judged };
    let primary = health::primary(&members);
    Ok(Report {
        name: env.name.to_string(),
        namespace: env.namespace().to_owned(),
        at: now,
        verdict,
        advice,
        primary_since: agreed
            .since
            .filter(|_| primary.map(|member| &member.name) == agreed.leader.as_ref()),
        timeline: primary.and_then(|member| member.timeline),
        synchronous_commit: primary
            .and_then(|member| Some(member.answer.as_ref()?.synchronous_commit.clone())),
        primary: primary.map(|member| member.name.clone()),
        certificate_days_left: days_left,
        archive: None,
        members,
    })
}

/// What the sets would make a pod from now.
async fn revisions(cluster: &Cluster) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for home in [HomeSet::Main, HomeSet::Replica] {
        let name = home.name(&cluster.env);
        let set = cluster.api::<StatefulSet>().get_opt(&name).await;
        let set = set.with_context(|| format!("read the StatefulSet {name}"))?;
        all.extend(set.and_then(|set| set.status?.update_revision));
    }
    Ok(all)
}

fn text(report: &Report) -> String {
    let mut rows = vec![
        ["MEMBER", "HOME", "ROLE", "STATE", "LAG", "SLOT", "SYNC", "DISK", "NODE", "RESTARTS"]
            .map(str::to_owned),
    ];
    rows.extend(report.members.iter().map(row));
    let primary = report.primary.as_deref().unwrap_or("none");
    let since = report.primary_since.map_or(String::new(), |since| format!(", since {since:.0}"));
    let timeline =
        report.timeline.map_or(String::new(), |timeline| format!(", timeline {timeline}"));
    let days = report
        .certificate_days_left
        .map_or(String::new(), |days| format!("\ncertificate ends in {days} days"));
    let mut lines = vec![
        format!(
            "{} in {}: primary {primary}{since}{timeline}{days}{}",
            report.name,
            report.namespace,
            report.archive.as_ref().map(in_archive).unwrap_or_default()
        ),
        table(&rows),
    ];
    lines.push(match report.advice.as_slice() {
        [] => report.verdict.words().to_owned(),
        advice => format!("{}: {}", report.verdict.words(), advice.join("; ")),
    });
    lines.join("\n")
}

/// What one asks of a backup: when was the last, how much would be lost, has it been restored?
fn in_archive(archive: &Archive) -> String {
    let or_none = |time: Option<Timestamp>| {
        time.map_or_else(|| "none".to_owned(), |time| format!("{time:.0}"))
    };
    let until = archive.archiver.as_ref().and_then(|archiver| archiver.archived_at);
    let drill = archive.drill.as_ref().map_or_else(
        || "none".to_owned(),
        |drill| format!("{:.0}, {}", drill.ended, if drill.passed { "passed" } else { "failed" }),
    );
    format!(
        "\narchive: last backup {}, WAL until {}, last restore drill {drill}",
        or_none(archive.last_backup),
        or_none(until)
    )
}

fn row(member: &Member) -> [String; 10] {
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let lag = member
        .lag_bytes
        .map(|lag| format!("{} / {:.1} s", bytes(lag), member.lag_seconds.unwrap_or(0.0)));
    let slot = member
        .slot
        .as_ref()
        .map(|slot| format!("{slot} holds {}", bytes(member.slot_holds_bytes.unwrap_or(0))));
    let disk = member
        .disk_used_bytes
        .zip(member.disk_total_bytes)
        .map(|(used, total)| format!("{} %", used * 100 / total.max(1)));
    let state = if member.pending_restart || member.outdated {
        format!("{}, restart pending", member.state)
    } else {
        member.state.clone()
    };
    [
        member.name.clone(),
        member.home.clone(),
        member.role.unwrap_or("-").to_owned(),
        state,
        or_dash(lag),
        or_dash(slot),
        or_dash(member.sync.clone()),
        or_dash(disk),
        or_dash(member.node.clone()),
        member.restarts.to_string(),
    ]
}

fn table(rows: &[[String; 10]]) -> String {
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..10).map(width).collect();
    let line = |row: &[String; 10]| {
        row.iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect::<Vec<_>>()
            .join("  ")
            .trim_end()
            .to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

pub fn bytes(count: i64) -> String {
    match count {
        ..1024 => format!("{count} B"),
        1024..1_048_576 => format!("{} kB", count / 1024),
        1_048_576..1_073_741_824 => format!("{} MB", count / 1_048_576),
        _ => format!("{} GB", count / 1_073_741_824),
    }
}

impl Cluster {
    /// Whoever may not read Secrets still gets a status, without the expiry.
    async fn secret_or_none(&self, name: &str, key: &str) -> Result<Option<String>> {
        match self.secret(name, key).await {
            Err(error) if error.downcast_ref::<kube::Error>().is_some_and(is_forbidden) => Ok(None),
            other => other,
        }
    }
}

fn is_forbidden(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 403)
}
