//! The migrations of a version, run in the cluster: a Job made from the chart's
//! suspended CronJob, as `kubectl create job --from` makes one.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{
    ConfigMapProjection, Pod, ProjectedVolumeSource, Volume, VolumeProjection,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{ListParams, LogParams, PostParams};

use super::target::Target;

/// Long enough for an index over a large table.
const TIMEOUT: Duration = Duration::from_mins(15);
const LOOK: Duration = Duration::from_millis(300);
/// The volume of the CronJob's pods that holds the SQL files.
const VOLUME: &str = "migrations";

/// Runs the migrations in ConfigMaps, and waits until they are through.
pub async fn run(target: &Target, config_maps: impl Iterator<Item = &str>) -> Result<()> {
    let jobs = target.api::<Job>();
    let job = jobs
        .create(&PostParams::default(), &job(target, config_maps).await?)
        .await
        .context("start the migrations")?;
    let name = job.metadata.name.unwrap_or_default();
    let end = Instant::now() + TIMEOUT;
    loop {
        let job = jobs.get(&name).await.with_context(|| format!("look at the Job {name}"))?;
        let conditions = job.status.and_then(|status| status.conditions).unwrap_or_default();
        let holds = |kind| conditions.iter().any(|c| c.type_ == kind && c.status == "True");
        if holds("Complete") {
            return Ok(());
        }
        if holds("Failed") {
            bail!(
                "the migrations failed, nothing was swapped: {}",
                log(target, &name).await.unwrap_or_else(|error| format!("{error:#}"))
            );
        }
        if Instant::now() > end {
            bail!(
                "the Job {name} has taken {} min: look at it with kubectl, and push again when it is through",
                TIMEOUT.as_secs() / 60
            );
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn job(target: &Target, config_maps: impl Iterator<Item = &str>) -> Result<Job> {
    let name = format!("{}-migrate", target.app);
    let template = target
        .api::<CronJob>()
        .get_opt(&name)
        .await
        .with_context(|| format!("read the CronJob {name}"))?
        .ok_or_else(|| {
            anyhow!(
                "there is no CronJob {name} to run the migrations with: deploy the edge tier first"
            )
        })?;
    let template = template.spec.context("the CronJob has no spec")?.job_template;
    let metadata = template.metadata.unwrap_or_default();
    let mut spec = template.spec.context("the CronJob has no Job")?;
    let pod = spec.template.spec.as_mut().context("the CronJob has no pod")?;
    let volume = pod.volumes.iter_mut().flatten().find(|volume| volume.name == VOLUME);
    let volume = volume.with_context(|| format!("the CronJob {name} has no volume {VOLUME}"))?;
    let source = |name: &str| VolumeProjection {
        config_map: Some(ConfigMapProjection {
            name: name.to_owned(),
            ..ConfigMapProjection::default()
        }),
        ..VolumeProjection::default()
    };
    // All of them together are one folder.
    let projected = ProjectedVolumeSource {
        sources: Some(config_maps.map(source).collect()),
        ..ProjectedVolumeSource::default()
    };
    *volume = Volume { name: VOLUME.into(), projected: Some(projected), ..Volume::default() };
    let metadata = ObjectMeta {
        generate_name: Some(format!("{name}-")),
        labels: metadata.labels,
        annotations: metadata.annotations,
        ..ObjectMeta::default()
    };
    Ok(Job { metadata, spec: Some(spec), status: None })
}

/// The last words of a Job's last pod.
async fn log(target: &Target, job: &str) -> Result<String> {
    let pods = target.api::<Pod>();
    let selector = format!("batch.kubernetes.io/job-name={job}");
    let mut found = pods.list(&ListParams::default().labels(&selector)).await?.items;
    found.sort_by_key(|pod| pod.metadata.creation_timestamp.clone());
    let last = found.pop().context("its pods are gone")?.metadata.name.unwrap_or_default();
    let params = LogParams { tail_lines: Some(5), ..LogParams::default() };
    let log = pods.logs(&last, &params).await.with_context(|| format!("read the log of {last}"))?;
    Ok(log.trim().to_owned())
}
