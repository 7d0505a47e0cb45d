//! The archive of WAL and backups, as pgBackRest sees it.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::ResourceExt;
use serde::{Deserialize, Serialize};

use tokio::time::timeout;

use crate::{
    cluster::Cluster,
    exec::PASSWORD,
    health::archive::{Archive, Drill, FailedJob},
    jobs::{job_name, newest},
    objects::{
        names,
        schedule::{self, Task},
    },
    progress::{self, Wait, until},
};

/// Of a bucket that answers; one that doesn't is asked again.
const LIMIT: Duration = Duration::from_mins(2);
/// A status does not wait for an archive that is away.
const ASK_LIMIT: Duration = Duration::from_secs(10);

/// A backup that is whole.
#[derive(Debug, Serialize)]
pub struct Backup {
    pub name: String,
    /// full, diff or incr.
    pub kind: String,
    pub began: Timestamp,
    pub ended: Timestamp,
    /// Of the database, and of what it takes in the archive.
    pub bytes: u64,
    pub archived_bytes: u64,
    pub wal_from: Option<String>,
    pub wal_to: Option<String>,
    /// Some of its pages did not fit their checksums.
    pub damaged: bool,
}

#[derive(Deserialize)]
struct Stanza {
    #[serde(default)]
    backup: Vec<Entry>,
    status: Status,
}

#[derive(Deserialize)]
struct Status {
    code: i32,
    message: String,
}

#[derive(Deserialize)]
struct Entry {
    label: String,
    #[serde(rename = "type")]
    kind: String,
    timestamp: Span,
    info: Info,
    archive: Range,
    #[serde(default)]
    error: Option<bool>,
}

#[derive(Deserialize)]
struct Span {
    start: i64,
    stop: i64,
}

#[derive(Deserialize)]
struct Info {
    size: u64,
    repository: Size,
}

#[derive(Deserialize)]
struct Size {
    #[serde(default)]
    delta: u64,
}

#[derive(Deserialize)]
struct Range {
    start: Option<String>,
    stop: Option<String>,
}

/// pgBackRest's words for a stanza in order, and for one without a backup yet.
const IN_ORDER: i32 = 0;
const NO_BACKUP: i32 = 2;

/// What `pgbackrest info --output=json` says.
pub fn parse_info(text: &str) -> Result<Vec<Backup>> {
    let stanzas: Vec<Stanza> = serde_json::from_str(text).context("read what pgBackRest lists")?;
    let Some(stanza) = stanzas.into_iter().next() else { return Ok(Vec::new()) };
    if ![IN_ORDER, NO_BACKUP].contains(&stanza.status.code) {
        bail!("the archive can't be read: {}", stanza.status.message);
    }
    let time = |seconds| Timestamp::from_second(seconds).context("read a backup's time");
    let whole = |entry: Entry| {
        Ok(Backup {
            name: entry.label,
            kind: entry.kind,
            began: time(entry.timestamp.start)?,
            ended: time(entry.timestamp.stop)?,
            bytes: entry.info.size,
            archived_bytes: entry.info.repository.delta,
            wal_from: entry.archive.start,
            wal_to: entry.archive.stop,
            damaged: entry.error == Some(true),
        })
    };
    stanza.backup.into_iter().map(whole).collect()
}

const ANOTHER_DATABASE: &str = "the archive is of another database of this name: bring that back with `pg-cluster restore --at latest`, or name another prefix under [backup]";

impl Cluster {
    /// Archives what was written until now.
    pub async fn archive_now(&self, primary: &str, limit: Duration) -> Result<()> {
        let checked = self.pgbackrest(primary, "--archive-timeout=60 check", limit).await;
        checked.context("archive what was written last; `--at` a time goes without it").map(|_| ())
    }

    pub async fn pgbackrest(&self, pod: &str, arguments: &str, limit: Duration) -> Result<String> {
        let script = format!(
            "{PASSWORD} pgbackrest --stanza={} {arguments} 2>&1 < /dev/null",
            self.env.name
        );
        let script =
            format!("said=$({script}) && echo \"$said\" || {{ echo \"$said\" >&2; exit 1; }}");
        self.shell(pod, &script, "", limit).await
    }

    pub async fn backups(&self, pod: &str) -> Result<Vec<Backup>> {
        parse_info(
            &self.pgbackrest(pod, "--log-level-console=off info --output=json", LIMIT).await?,
        )
    }

    /// Makes the archive ready and sees that a segment of WAL arrives there.
    pub async fn ensure_archive(&self, leader: &str, timeout: Duration) -> Result<()> {
        if self.env.backup.is_none() {
            return Ok(());
        }
        let present = self.shell(
            leader,
            "test -e /etc/pgbackrest/pgbackrest.conf && echo yes || echo no",
            "",
            LIMIT,
        );
        if present.await?.trim() != "yes" {
            progress::warn(
                "nothing is archived yet: the members run without [backup]; run `pg-cluster restart`, and then init",
            );
            return Ok(());
        }
        until("the archive", timeout, async || {
            Ok(match self.pgbackrest(leader, "stanza-create", LIMIT).await {
                Ok(_) => Wait::Over(Ok(())),
                Err(error) if format!("{error:#}").contains("do not match the database") => {
                    Wait::Over(Err(anyhow!(ANOTHER_DATABASE)))
                }
                Err(error) => Wait::For(said(&error)),
            })
        })
        .await??;
        let works = "select coalesce(last_archived_time > coalesce(last_failed_time, '-infinity'), false) from pg_stat_archiver;";
        if self.sql(leader, "postgres", works, LIMIT).await?.trim() != "t" {
            until("WAL in the archive", timeout, async || {
                Ok(match self.pgbackrest(leader, "--archive-timeout=30 check", LIMIT).await {
                    Ok(_) => Wait::Over(()),
                    Err(error) => Wait::For(said(&error)),
                })
            })
            .await?;
        }
        if self.backups(leader).await?.is_empty() && !self.is_running(Task::Full).await? {
            let job = schedule::job(&self.env, Task::Full, job_name(self, Task::Full.word()));
            let name = self.start(job).await?;
            progress::done(&name, "takes the first backup; `pg-cluster backup list` shows it");
        }
        Ok(())
    }

    /// Waits for the backup without which the archived WAL leads nowhere. Later ones have their schedule.
    pub async fn first_backup(&self, leader: &str, timeout: Duration) -> Result<()> {
        if self.env.backup.is_none() {
            return Ok(());
        }
        until("the first backup", timeout, async || {
            if !self.backups(leader).await?.is_empty() {
                return Ok(Wait::Over(Ok(())));
            }
            let jobs = self.jobs().await?;
            let task = names::task(&self.env, Task::Full.word());
            match newest(&jobs, &task) {
                Some((job, _, false)) => {
                    Ok(Wait::Over(Err(anyhow!("{job} failed: {}", self.last_word(&job).await?))))
                }
                Some(_) | None => Ok(Wait::For("the job".to_owned())),
            }
        })
        .await?
    }

    /// What the archive and the jobs say; None without `[backup]`.
    pub async fn archive(&self, leader: Option<&str>, pods: &[Pod]) -> Result<Option<Archive>> {
        if self.env.backup.is_none() {
            return Ok(None);
        }
        let mut seen = Archive::default();
        let first = pods.first().map(ResourceExt::name_any);
        if let Some(pod) = leader.map(str::to_owned).or(first) {
            match timeout(ASK_LIMIT, self.backups(&pod)).await {
                Ok(Ok(backups)) => {
                    seen.backups = backups.len();
                    seen.last_backup = backups.iter().map(|backup| backup.ended).max();
                }
                Ok(Err(error)) => seen.unasked = Some(said(&error)),
                Err(_) => {
                    seen.unasked = Some(format!("no answer within {} s", ASK_LIMIT.as_secs()));
                }
            }
        }
        seen.drill = self.verdict().await?;
        let jobs = self.jobs().await?;
        for task in [Task::Full, Task::Differential] {
            let last = newest(&jobs, &names::task(&self.env, task.word()));
            if let Some((name, ended, false)) = last
                && seen.last_backup.is_none_or(|backup| backup < ended)
            {
                // The pod may be gone, with its node.
                let word = self.last_word(&name).await.unwrap_or_default();
                seen.failed_job = Some(FailedJob { name, word });
            }
        }
        Ok(Some(seen))
    }

    /// What the last drill found.
    async fn verdict(&self) -> Result<Option<Drill>> {
        let name = names::task(&self.env, Task::Drill.word());
        let map = self.api::<ConfigMap>().get_opt(&name).await;
        let map = map.with_context(|| format!("read the ConfigMap {name}"))?;
        let Some(data) = map.and_then(|map| map.data) else { return Ok(None) };
        let text = |key| data.get(key).cloned().unwrap_or_default();
        let ended = text("ended").parse().with_context(|| format!("read when {name} ended"))?;
        Ok(Some(Drill { ended, passed: text("passed") == "true", word: text("word") }))
    }

    async fn is_running(&self, task: Task) -> Result<bool> {
        let prefix = names::task(&self.env, task.word());
        let jobs = self.jobs().await?;
        Ok(jobs.iter().any(|job| {
            job.name_any().starts_with(&prefix)
                && job.status.as_ref().is_some_and(|status| status.active.unwrap_or(0) > 0)
        }))
    }
}

/// The line that says what was wrong.
fn said(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    let lines = text.lines().filter(|line| line.contains("ERROR") || line.contains("HINT"));
    let short = lines.take(2).map(str::trim).collect::<Vec<_>>().join(" ");
    if short.is_empty() { text } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pgbackrest_lists_is_read() {
        let text = r#"[{"archive":[],"backup":[{"archive":{"start":"000000010000000000000003","stop":"000000010000000000000004"},
            "backrest":{"format":5,"version":"2.55.1"},"database":{"id":1,"repo-key":1},"error":false,
            "info":{"delta":23,"repository":{"delta":7,"size":9},"size":40},"label":"20261126-010000F","lsn":{"start":"0/3000028","stop":"0/4000050"},
            "prior":null,"reference":null,"timestamp":{"start":1795654800,"stop":1795654860},"type":"full"}],
            "cipher":"aes-256-cbc","db":[],"name":"a","repo":[],"status":{"code":0,"lock":{},"message":"ok"}}]"#;
        let [backup] = &parse_info(text).unwrap()[..] else { panic!("one backup") };
        assert_eq!(
            (&*backup.name, &*backup.kind, backup.damaged),
            ("20261126-010000F", "full", false)
        );
        assert_eq!((backup.bytes, backup.archived_bytes), (40, 7));
        assert_eq!(backup.ended.as_second() - backup.began.as_second(), 60);
    }

    #[test]
    fn an_archive_without_a_backup_is_no_error_and_one_that_cannot_be_read_is() {
        let none = r#"[{"backup":[],"name":"a","status":{"code":2,"message":"no valid backups"}}]"#;
        assert!(parse_info(none).unwrap().is_empty());
        let broken = r#"[{"backup":[],"name":"a","status":{"code":99,"message":"other"}}]"#;
        assert!(parse_info(broken).unwrap_err().to_string().contains("other"));
    }
}
