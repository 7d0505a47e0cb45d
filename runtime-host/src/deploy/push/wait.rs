//! Waiting until every pod serves a version, or one of them says why it won't.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::apps::v1::Deployment;

use super::pods::{Member, Pods};
use super::target::Target;
use crate::deploy::release::Release;
use crate::terminal::progress;

/// Between two looks at the pods.
const LOOK: Duration = Duration::from_millis(200);

/// Waits until as many pods as the Deployment wants serve `release`; gives
/// their number.
pub async fn until_live(target: &Target, release: &Release, limit: Duration) -> Result<usize> {
    let wanted = replicas(target).await?;
    let step = progress::step(format!("Waiting until {wanted} pods serve {}", release.digest));
    let end = Instant::now() + limit;
    let mut edge = Pods::of(target);
    loop {
        let pods = edge.look().await?;
        if let Some((pod, reason)) = refusal(&pods, release) {
            bail!("{pod} refuses {}: {reason}; the version before goes on serving", release.digest);
        }
        let behind: Vec<String> =
            pods.iter().filter(|pod| !pod.serves(release.digest)).map(why_not).collect();
        if behind.is_empty() && pods.len() >= wanted {
            step.done(&format!("{} pods serve {}", pods.len(), release.digest));
            return Ok(pods.len());
        }
        if Instant::now() > end {
            let missing = if behind.is_empty() {
                format!("{} of {wanted} pods are there", pods.len())
            } else {
                behind.join("; ")
            };
            bail!("after {} s not all pods serve {}: {missing}", limit.as_secs(), release.digest);
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn replicas(target: &Target) -> Result<usize> {
    let deployment = target
        .api::<Deployment>()
        .get_opt(&target.app)
        .await
        .context("read the Deployment")?
        .with_context(|| {
            format!("there is no Deployment {} to wait for: deploy the edge tier first", target.app)
        })?;
    let replicas = deployment.spec.and_then(|spec| spec.replicas).unwrap_or(1);
    Ok(usize::try_from(replicas).unwrap_or(0))
}

fn refusal<'a>(pods: &'a [Member], release: &Release) -> Option<(&'a str, &'a str)> {
    pods.iter().find_map(|pod| {
        let entry = pod.refusal(release.digest)?;
        let now = entry.generation >= release.generation;
        now.then_some((pod.name.as_str(), entry.reason.as_str()))
    })
}

fn why_not(pod: &Member) -> String {
    let reason = match &pod.status {
        Err(error) => error.clone(),
        Ok(status) => status
            .problem
            .clone()
            .or_else(|| status.source_problem.clone())
            .unwrap_or_else(|| "it is still at it".into()),
    };
    format!("{}: {reason}", pod.name)
}
