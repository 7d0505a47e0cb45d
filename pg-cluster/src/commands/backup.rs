//! Backups into the archive, what is there, and whether it can be read.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::json;

use super::{print, status};
use crate::{
    archive::Backup,
    cli::{BackupAction, Global, Kind},
    cluster::Cluster,
    objects::schedule::Task,
    observe, progress,
    wrong_usage::OrWrongUsage,
};

pub async fn run(cluster: &Cluster, global: &Global, action: &BackupAction) -> Result<()> {
    if cluster.env.backup.is_none() {
        return Err(anyhow!(
            "{} has no archive: add [backup] to postgres.toml, or see `pg-cluster export` for a dump",
            cluster.env.name
        ))
        .or_wrong_usage();
    }
    match *action {
        BackupAction::Now { kind, timeout } => {
            let task = match kind {
                Kind::Full => Task::Full,
                Kind::Diff => Task::Differential,
            };
            work(cluster, global, task, timeout).await.map(|_| ())
        }
        BackupAction::Drill { timeout } => {
            let word = work(cluster, global, Task::Drill, timeout).await?;
            let found: serde_json::Value = serde_json::from_str(&word).unwrap_or_default();
            let text = format!(
                "the newest backup can be restored: up to {}, {} rows, {} bytes, every index looked through, {} s",
                found["until"]
                    .as_str()
                    .filter(|until| !until.is_empty())
                    .unwrap_or("the backup's end"),
                found["rows"],
                found["bytes"],
                found["seconds"]
            );
            if !global.dry_run {
                print(global.output, &text, &found)?;
            }
            Ok(())
        }
        BackupAction::List => list(cluster, global).await,
        BackupAction::Verify { timeout } => verify(cluster, timeout).await,
    }
}

/// Runs one of the jobs now and waits for its end.
async fn work(cluster: &Cluster, global: &Global, task: Task, timeout: Duration) -> Result<String> {
    if global.dry_run {
        progress::done(task.word(), "would be started");
        return Ok(String::new());
    }
    cluster.take(task, timeout).await
}

async fn somebody(cluster: &Cluster) -> Result<String> {
    let report = observe::members(cluster).await?;
    let member = report.answering();
    let member =
        member.with_context(|| format!("no member answers: {}", report.advice.join("; ")))?;
    Ok(member.name.clone())
}

async fn list(cluster: &Cluster, global: &Global) -> Result<()> {
    let backups = cluster.backups(&somebody(cluster).await?).await?;
    let line = |backup: &Backup| {
        format!(
            "{:<34} {:<5} {:.0}  {:>4} s  {:>9} of {:>9}  {}{}",
            backup.name,
            backup.kind,
            backup.began,
            backup.ended.duration_since(backup.began).as_secs(),
            status::bytes(i64::try_from(backup.archived_bytes).unwrap_or(i64::MAX)),
            status::bytes(i64::try_from(backup.bytes).unwrap_or(i64::MAX)),
            backup.wal_from.as_deref().unwrap_or("-"),
            if backup.damaged { "  pages that do not fit their checksums" } else { "" },
        )
    };
    let text = if backups.is_empty() {
        "there is no backup yet: run `pg-cluster backup now`".to_owned()
    } else {
        backups.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    print(global.output, &text, &json!({ "backups": backups }))?;
    Ok(())
}

async fn verify(cluster: &Cluster, timeout: Duration) -> Result<()> {
    let began = Instant::now();
    let said = cluster
        .pgbackrest(&somebody(cluster).await?, "verify --output=text --verbose", timeout)
        .await?;
    if !said.contains("status: ok") {
        bail!("the archive is not whole: {}", said.trim());
    }
    progress::done(
        "the archive",
        &format!("every file is whole, {:.1} s", began.elapsed().as_secs_f32()),
    );
    Ok(())
}
