//! The archive of WAL and backups, as pgBackRest sees it.

mod info;

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::ResourceExt;

use tokio::time::timeout;

pub use self::info::{Backup, known_fault, position};
use crate::{
    cluster::Cluster,
    exec::PASSWORD,
    health::archive::{Archive, Drill, FailedJob},
    jobs::{job_name, newest},
    names,
    objects::{
        archive::CONFIG_PATH,
        schedule::{self, Task},
    },
    pods,
    progress::{self, Wait, until},
};

/// Of a bucket that answers; one that doesn't is asked again.
const LIMIT: Duration = Duration::from_mins(2);
/// A status does not wait for an archive that is away.
const ASK_LIMIT: Duration = Duration::from_secs(10);

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
        Ok(self.listed(pod).await?.backups)
    }

    pub async fn listed(&self, pod: &str) -> Result<info::Listed> {
        let text =
            self.pgbackrest(pod, "--log-level-console=off info --output=json", LIMIT).await?;
        info::parse(&text)
    }

    /// The timeline on which a moment was lived. Another restore may have begun a newer one since.
    pub async fn timeline_at(&self, pod: &str, folder: &str, time: Timestamp) -> Result<i64> {
        let list = format!(
            "--log-level-console=off repo-ls --filter='[.]history$' --output=json archive/{}/{folder}",
            self.env.name
        );
        info::timeline_at(&self.pgbackrest(pod, &list, LIMIT).await?, time)
    }

    /// Has the archive take the WAL of the database as it is now, which is another one after an upgrade or the
    /// way back.
    pub async fn follow(&self, leader: &str, timeout: Duration) -> Result<()> {
        if self.env.backup.is_none() {
            return Ok(());
        }
        until("the archive of this database", timeout, async || {
            Ok(match self.pgbackrest(leader, "stanza-upgrade", LIMIT).await {
                Ok(_) => Wait::Over(()),
                Err(error) => Wait::For(said(&error)),
            })
        })
        .await
    }

    /// Takes a full backup of the database as it is now, unless there is one.
    pub async fn ensure_backup(&self, leader: &str, timeout: Duration) -> Result<()> {
        if self.env.backup.is_none() {
            return Ok(());
        }
        let listed = self.listed(leader).await?;
        if !listed.backups.iter().any(|backup| backup.database == listed.database) {
            // One that was begun before goes on: a second one would end older backups the sooner.
            let name = names::task(&self.env, "backup-of-new");
            let job = self.start(schedule::job(&self.env, Task::Full, name)).await?;
            self.finish("the backup", &job, timeout).await??;
            self.forget(&job).await?;
        }
        Ok(())
    }

    /// Runs one of the jobs now and waits for its end.
    pub async fn take(&self, task: Task, timeout: Duration) -> Result<String> {
        let name = job_name(self, task.word());
        let job = self.start(schedule::job(&self.env, task, name)).await?;
        let what = match task {
            Task::Full | Task::Differential => "the backup",
            Task::Drill => "the restore drill",
        };
        let word = self.finish(what, &job, timeout).await??;
        // What a drill found is what `status` reads.
        if task != Task::Drill {
            self.forget(&job).await?;
        }
        Ok(word)
    }

    /// Makes the archive ready and sees that a segment of WAL arrives there.
    pub async fn ensure_archive(&self, leader: &str, timeout: Duration) -> Result<()> {
        if self.env.backup.is_none() {
            return Ok(());
        }
        let script = format!("test -e {CONFIG_PATH} && echo yes || echo no");
        let present = self.shell(leader, &script, "", LIMIT);
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
                // A key or a cipher that was put right reaches a member later; this does not mend itself.
                Err(error) if format!("{error:#}").contains("is missing on repo") => {
                    Wait::Over(Err(anyhow!("the archive can't be written: {}", said(&error))))
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

    /// The S3 server of the cluster's own shows the certificate that it has started with.
    pub async fn renew_repository(&self, timeout: Duration) -> Result<()> {
        if self.env.backup.as_ref().is_none_or(|backup| backup.own.is_none()) {
            return Ok(());
        }
        let (name, secret) =
            (format!("{}-0", names::repository(&self.env)), names::certificate(&self.env));
        let look = async || self.find::<Pod>(&name).await;
        let (Some(pod), Some(certificate)) = (look().await?, self.whole_secret(&secret).await?)
        else {
            return Ok(());
        };
        if !pods::started_before(&pod, changed(&certificate)) {
            return Ok(());
        }
        self.delete_pod(&pod).await?;
        until(&format!("{name} with its certificate"), timeout, async || {
            let is_new = |new: &Pod| new.uid() != pod.uid() && pods::is_ready(new);
            Ok(Wait::unless(look().await?.as_ref().is_some_and(is_new), "its new pod"))
        })
        .await
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

    /// What the archive and the jobs say, asked from the leader; None without `[backup]`.
    pub async fn archive(&self, leader: Option<&str>) -> Option<Archive> {
        self.env.backup.as_ref()?;
        let mut seen = Archive::default();
        match timeout(ASK_LIMIT, self.ask_archive(leader, &mut seen)).await {
            Ok(Ok(())) => {}
            // What could be asked before counts all the same.
            Ok(Err(error)) => seen.unasked = Some(said(&error)),
            Err(_) => seen.unasked = Some(format!("no answer within {} s", ASK_LIMIT.as_secs())),
        }
        Some(seen)
    }

    async fn ask_archive(&self, leader: Option<&str>, seen: &mut Archive) -> Result<()> {
        seen.drill = self.verdict().await?;
        let jobs = self.jobs().await?;
        let first = format!("{}-0", names::main(&self.env));
        let info::Listed { backups, database } = self.listed(leader.unwrap_or(&first)).await?;
        seen.backups = backups.len();
        seen.last_backup = backups.iter().map(|backup| backup.ended).max();
        // Timelines begin anew with each database.
        let full = backups.iter().filter(|it| it.kind == "full" && it.database == database);
        seen.full_from = full.filter_map(|backup| backup.wal_from.clone()).max();
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
        Ok(())
    }

    /// What the last drill found.
    async fn verdict(&self) -> Result<Option<Drill>> {
        let name = names::task(&self.env, Task::Drill.word());
        let map = self.find::<ConfigMap>(&name).await?;
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

/// When somebody last changed a Secret.
fn changed(secret: &Secret) -> Option<Timestamp> {
    let times = secret.metadata.managed_fields.iter().flatten().filter_map(|by| by.time.clone());
    times.map(|time| time.0).max()
}

/// The line that says what was wrong.
fn said(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    if let Some(fault) = known_fault(&text) {
        return fault.to_owned();
    }
    let lines = text.lines().filter(|line| line.contains("ERROR") || line.contains("HINT"));
    let short = lines.take(2).map(str::trim).collect::<Vec<_>>().join(" ");
    if short.is_empty() { text } else { short }
}
