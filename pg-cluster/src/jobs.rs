//! Jobs: begun, waited for, and asked what they found.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use jiff::Timestamp;
use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams, LogParams, PostParams},
};

use crate::{
    cluster::Cluster,
    names,
    pods::{blocked, last_words},
    progress::{self, Wait, until},
};

/// Lines of what a run that failed said last.
const LAST_WORDS: i64 = 12;

impl Cluster {
    pub async fn jobs(&self) -> Result<Vec<Job>> {
        Ok(self.api::<Job>().list(&ListParams::default()).await.context("list the jobs")?.items)
    }

    /// One of these jobs that still writes to main's volume, whoever waits for it.
    pub async fn writing(&self, words: &[&str]) -> Result<Option<String>> {
        let names: Vec<_> = words.iter().map(|word| names::task(&self.env, word)).collect();
        let jobs = self.jobs().await?;
        let mut working = jobs.iter().filter(|job| works(job)).map(ResourceExt::name_any);
        Ok(working.find(|name| names.contains(name)))
    }

    /// Refuses to start a PostgreSQL beside the one that recovers, on the same files.
    pub async fn refuse_beside_recovery(&self) -> Result<()> {
        if let Some(upgrade) = self.agreed().await?.upgrade {
            bail!(upgrade.words());
        }
        let Some(job) = self.writing(&["restore", "clone"]).await? else { return Ok(()) };
        bail!(
            "the job {job} still writes to main's volume: run the same `pg-cluster restore` or `clone` again, which goes on with it, or delete \
             the job and wait until its pod is gone"
        )
    }

    /// Starts a job, or goes on with one of its name that still works: somebody was interrupted
    /// while he waited for it. One that has ended makes room.
    pub async fn start(&self, job: Job) -> Result<String> {
        let (name, api) = (job.name_any(), self.api::<Job>());
        if api.get_opt(&name).await.context("look for the job")?.is_some() {
            if matches!(self.look_at(&name).await?, Wait::For(_)) {
                progress::warn(&format!("{name} was begun before, and goes on"));
                return Ok(name);
            }
            self.forget(&name).await?;
        }
        let made = api.create(&PostParams::default(), &job).await;
        made.with_context(|| format!("start the job {name}"))?;
        Ok(name)
    }

    /// Waits for a job's end. What comes back is its pod's last word, or why it failed; the outer
    /// error is that it is not over.
    pub async fn finish(&self, what: &str, job: &str, timeout: Duration) -> Result<Result<String>> {
        let ended = until(what, timeout, async || self.look_at(job).await).await?;
        Ok(match ended {
            Ended::Well(word) => Ok(word),
            Ended::Badly(why) => Err(anyhow!("{what} failed: {why}")),
        })
    }

    async fn look_at(&self, job: &str) -> Result<Wait<Ended>> {
        let found = self.api::<Job>().get_opt(job).await.context("look at the job")?;
        let Some(found) = found else {
            return Ok(Wait::Over(Ended::Badly("the job is gone".to_owned())));
        };
        if works(&found) {
            let said = self.last_line(job).await.unwrap_or_default();
            return Ok(Wait::For(if said.is_empty() { "its pod".to_owned() } else { said }));
        }
        let word = self.last_word(job).await?;
        Ok(Wait::Over(if has(&found, "Complete") { Ended::Well(word) } else { Ended::Badly(word) }))
    }

    async fn pods_of(&self, job: &str) -> Result<Vec<Pod>> {
        let params = ListParams::default().labels(&format!("batch.kubernetes.io/job-name={job}"));
        let mut pods = self.api::<Pod>().list(&params).await.context("list the job's pods")?.items;
        pods.sort_by_key(|pod| pod.creation_timestamp().map(|time| time.0));
        Ok(pods)
    }

    async fn last_line(&self, job: &str) -> Result<String> {
        let Some(pod) = self.pods_of(job).await?.pop() else { return Ok(String::new()) };
        if let Some(why) = blocked(&pod) {
            return Ok(why);
        }
        let params = LogParams { tail_lines: Some(1), ..LogParams::default() };
        let text = self.api::<Pod>().logs(&pod.name_any(), &params).await?;
        Ok(text.trim().chars().take(160).collect())
    }

    /// What the container left for whoever asks, else the end of its log.
    pub async fn last_word(&self, job: &str) -> Result<String> {
        let Some(pod) = self.pods_of(job).await?.pop() else {
            return Ok("its pod is gone".to_owned());
        };
        let mut word = blocked(&pod).unwrap_or_else(|| last_words(&pod));
        if word.is_empty() {
            let params = LogParams { tail_lines: Some(LAST_WORDS), ..LogParams::default() };
            word = self.api::<Pod>().logs(&pod.name_any(), &params).await.unwrap_or_default();
        }
        Ok(word.trim().to_owned())
    }

    pub async fn forget(&self, job: &str) -> Result<()> {
        let deleted = self.api::<Job>().delete(job, &DeleteParams::background()).await;
        deleted.with_context(|| format!("delete the job {job}"))?;
        Ok(())
    }
}

fn has(job: &Job, wanted: &str) -> bool {
    let conditions = job.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|c| c.type_ == wanted && c.status == "True")
}

/// Whether a job has not ended yet.
fn works(job: &Job) -> bool {
    !has(job, "Complete") && !has(job, "Failed")
}

/// The job of a task that ended last, and whether it did its work.
pub fn newest(jobs: &[Job], task: &str) -> Option<(String, Timestamp, bool)> {
    let ended = |job: &Job| {
        let name = job.name_any();
        let number = name.strip_prefix(task)?.strip_prefix('-')?;
        let status = job.status.as_ref()?;
        let end =
            status.conditions.iter().flatten().find(|c| {
                ["Complete", "Failed"].contains(&c.type_.as_str()) && c.status == "True"
            })?;
        let at = end.last_transition_time.as_ref()?.0;
        number.bytes().all(|b| b.is_ascii_digit()).then_some((name, at, end.type_ == "Complete"))
    };
    jobs.iter().filter_map(ended).max_by_key(|(_, at, _)| *at)
}

enum Ended {
    Well(String),
    Badly(String),
}

/// As long as the names that a `CronJob` gives.
pub fn job_name(cluster: &Cluster, word: &str) -> String {
    format!("{}-{}", names::task(&cluster.env, word), Timestamp::now().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_works_until_it_has_done_so_or_failed() {
        let job = |condition: &str, status: &str| -> Job {
            let conditions = serde_json::json!([{ "type": condition, "status": status }]);
            serde_json::from_value(serde_json::json!({ "status": { "conditions": conditions } }))
                .unwrap()
        };
        assert!(works(&Job::default()) && works(&job("Suspended", "True")));
        assert!(works(&job("Failed", "False")));
        assert!(!works(&job("Failed", "True")) && !works(&job("Complete", "True")));
    }
}
