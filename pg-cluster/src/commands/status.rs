//! Prints what is observed, once or again and again.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use kit::say;
use tokio::time::{error::Elapsed, timeout};

use crate::{
    cli::Output,
    cluster::Cluster,
    health::{Member, Report, Role, Verdict, archive::Archive},
    observe,
    why::why,
};

/// For the first answer of the API server.
const API_LIMIT: Duration = Duration::from_secs(30);
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

pub async fn run(cluster: &Cluster, output: Output, watch: bool) -> Result<u8> {
    loop {
        let report = match observed(cluster).await {
            Err(error) if is_unanswered(&error) => {
                let advice = format!("no member could be asked: {}", why(&error));
                match output {
                    Output::Text => say::note(format_args!("unknown: {advice}")),
                    Output::Json => {
                        say::line(json(&Report::unasked(&cluster.env, Timestamp::now(), advice))?)?;
                    }
                }
                return Ok(Verdict::Unknown.exit_code());
            }
            other => other?,
        };
        // One whose pods may not be made is there.
        if report.members.is_empty() && cluster.refused().await.is_none() {
            cluster.refuse_beside_recovery().await?;
            bail!(
                "there is no cluster {} in namespace {}: run `pg-cluster init`",
                report.name,
                report.namespace
            );
        }
        let text = match output {
            Output::Text => text(&report),
            Output::Json => json(&report)?,
        };
        if !(say::line(text)? && watch) {
            return Ok(report.verdict.exit_code());
        }
        tokio::select! {
            () = tokio::time::sleep(WATCH_INTERVAL) => {}
            _ = tokio::signal::ctrl_c() => return Ok(report.verdict.exit_code()),
        }
    }
}

fn json(report: &Report) -> Result<String> {
    serde_json::to_string(report).context("write the status as JSON")
}

/// Whether the API server let nobody ask, or is not reached.
fn is_unanswered(error: &anyhow::Error) -> bool {
    let unanswered = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<kube::Error>().is_some() || cause.downcast_ref::<Elapsed>().is_some()
    };
    error.chain().any(unanswered)
}

/// Answers such as 503 are asked for again for minutes, which is too long without a word.
async fn observed(cluster: &Cluster) -> Result<Report> {
    let silent = || format!("the API server of {} is not ready", cluster.env.context);
    let agreed = timeout(API_LIMIT, cluster.agreed()).await.with_context(silent)??;
    observe::report(cluster, &agreed).await
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
    let version =
        report.version.as_ref().map_or(String::new(), |version| format!("PostgreSQL {version}, "));
    let mut lines = vec![
        format!(
            "{} in {}: {version}primary {primary}{since}{timeline}{days}{}",
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
        match &archive.unasked {
            Some(_) => "unknown".to_owned(),
            None => or_none(archive.last_backup),
        },
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
        member.state.to_string()
    };
    [
        member.name.clone(),
        member.home.clone(),
        member.role.map_or("-", Role::word).to_owned(),
        state,
        or_dash(lag),
        or_dash(slot),
        or_dash(member.sync.map(|sync| sync.to_string())),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_let_in_knows_nothing_and_what_is_wrong_here_has_failed() {
        let status = kube::core::Status::failure("forbidden", "Forbidden").with_code(403).boxed();
        let error = anyhow::Error::new(kube::Error::Api(status)).context("list the pods");
        assert!(is_unanswered(&error));
        assert!(!is_unanswered(&anyhow::anyhow!("write the status as JSON")));
    }
}
