//! Waiting for the verdict of every pod on a version.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use kube::ResourceExt as _;
use kube::api::ListParams;

use super::pods::{Member, Pods, TEMPLATE};
use super::target::Target;
use crate::deploy::args::Until;
use crate::deploy::release::Release;
use crate::digest::Digest;
use crate::error::Unserved;
use crate::terminal::progress;

/// The annotation by which a Deployment numbers its templates.
const REVISION: &str = "deployment.kubernetes.io/revision";
/// Between two looks at the pods.
const LOOK: Duration = Duration::from_millis(200);

/// Waits until as many pods as the Deployment wants have come so far with `release`; gives their
/// number.
pub async fn wait(
    target: &Target,
    release: &Release,
    until: Until,
    limit: Duration,
) -> Result<usize> {
    let digest = release.digest;
    let mut wanted = Wanted::read(target).await?;
    let what = match until {
        Until::Live => format!("serve {digest}"),
        Until::Passed => format!("have served {digest} through its probation"),
    };
    let step = progress::step(format!("Waiting until {} pods {what}", wanted.replicas));
    let end = Instant::now() + limit;
    let mut edge = Pods::of(target);
    loop {
        let mut pods = edge.look().await?;
        // Those of an earlier template are about to go, whatever they think of the version.
        pods.retain(|pod| wanted.template.is_none() || pod.template == wanted.template);
        if let Some(refusal) = refusal(&pods, release).filter(|_| wanted.is_seen) {
            return Err(Unserved::Refused(refusal).into());
        }
        let behind: Vec<String> =
            pods.iter().filter_map(|pod| why_not(pod, digest, until)).collect();
        if behind.is_empty() && pods.len() >= wanted.replicas && wanted.is_seen {
            step.done(&format!("{} pods {what}", pods.len()));
            return Ok(pods.len());
        }
        if Instant::now() > end {
            let missing = if behind.is_empty() {
                format!("{} of {} pods are there", pods.len(), wanted.replicas)
            } else {
                behind.join("; ")
            };
            let late = format!("after {} s not all pods {what}: {missing}", limit.as_secs());
            return Err(Unserved::Late(late).into());
        }
        tokio::time::sleep(LOOK).await;
        wanted = Wanted::read(target).await?;
    }
}

/// What the Deployment asks for.
struct Wanted {
    replicas: usize,
    /// The hash of its newest template.
    template: Option<String>,
    /// Its controller has seen what was changed last.
    is_seen: bool,
}

impl Wanted {
    async fn read(target: &Target) -> Result<Self> {
        let deployment = target
            .api::<Deployment>()
            .get_opt(&target.app)
            .await
            .context("read the Deployment")?
            .with_context(|| {
                format!(
                    "there is no Deployment {} to wait for: deploy the edge tier first",
                    target.app
                )
            })?;
        let selector = format!("app.kubernetes.io/name={}", target.app);
        let sets = target.api::<ReplicaSet>();
        let sets = sets.list(&ListParams::default().labels(&selector)).await;
        let sets = sets.context("list the ReplicaSets")?.items;
        let revision = deployment.annotations().get(REVISION);
        let newest = sets.iter().find(|set| set.annotations().get(REVISION) == revision);
        let template = newest.and_then(|set| set.labels().get(TEMPLATE).cloned());
        let seen = deployment.status.and_then(|status| status.observed_generation);
        let replicas = deployment.spec.and_then(|spec| spec.replicas).unwrap_or(1);
        Ok(Self {
            replicas: usize::try_from(replicas).unwrap_or(0),
            template,
            is_seen: seen >= deployment.metadata.generation,
        })
    }
}

/// What a pod has against the version.
fn refusal(pods: &[Member], release: &Release) -> Option<String> {
    pods.iter().find_map(|pod| {
        let entry = pod.refusal(release.digest)?;
        let now = entry.generation >= release.generation;
        let did = if entry.taken_back { "took back" } else { "refuses" };
        now.then(|| {
            format!(
                "{} {did} {}: {}; the version before goes on serving",
                pod.name, release.digest, entry.reason
            )
        })
    })
}

/// Why a pod has not come so far, if it hasn't.
fn why_not(pod: &Member, digest: Digest, until: Until) -> Option<String> {
    let reason = match &pod.status {
        Err(error) => error.clone(),
        Ok(_) if pod.serves(digest) => match until {
            Until::Passed if pod.live()?.on_probation => "it is on probation".to_owned(),
            _ => return None,
        },
        Ok(status) => status
            .problem
            .clone()
            .or_else(|| status.source_problem.clone())
            .unwrap_or_else(|| "it is still at it".into()),
    };
    Some(format!("{}: {reason}", pod.name))
}
