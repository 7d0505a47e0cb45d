//! What each pod says of itself: `/status` of its admin port, through a
//! port-forward of the API server, so that nothing has to be exposed.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use futures::future::join_all;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;

use super::target::Target;
use crate::release::Digest;
use crate::rollout::report::{Live, Quarantined, Status};

const TIMEOUT: Duration = Duration::from_secs(5);
const PORT_NAME: &str = "admin";

/// A pod that runs or is about to.
pub struct Member {
    pub name: String,
    /// Its status, or why there is none.
    pub status: Result<Status, String>,
}

impl Member {
    /// What it serves, as far as is known.
    pub fn live(&self) -> Option<&Live> {
        self.status.as_ref().ok()?.live.as_ref()
    }

    pub fn serves(&self, digest: Digest) -> bool {
        self.live().is_some_and(|live| live.digest == digest)
    }

    /// Its refusal of a version, if it refused it.
    pub fn refusal(&self, digest: Digest) -> Option<&Quarantined> {
        self.status.as_ref().ok()?.quarantine.iter().find(|entry| entry.digest == digest)
    }
}

/// All pods of the edge tier, by name, without those that are on their way out.
pub async fn all(target: &Target) -> Result<Vec<Member>> {
    let selector =
        format!("app.kubernetes.io/name={},app.kubernetes.io/component=edge", target.app);
    let pods = target
        .api::<Pod>()
        .list(&ListParams::default().labels(&selector))
        .await
        .context("list the pods")?;
    let alive = pods.items.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
    let mut members = join_all(alive.map(|pod| member(target, pod))).await;
    members.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(members)
}

async fn member(target: &Target, pod: Pod) -> Member {
    let name = pod.metadata.name.clone().unwrap_or_default();
    let status = match tokio::time::timeout(TIMEOUT, ask(target, &name, &pod)).await {
        Ok(Ok(status)) => Ok(status),
        Ok(Err(error)) => Err(format!("{error:#}")),
        Err(_) => Err(format!("no answer within {} s", TIMEOUT.as_secs())),
    };
    Member { name, status }
}

async fn ask(target: &Target, name: &str, pod: &Pod) -> Result<Status> {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    if phase != Some("Running") {
        bail!("it is {}", phase.unwrap_or("unknown").to_lowercase());
    }
    let port = admin_port(pod).context("it has no port called admin")?;
    let mut forward =
        target.api::<Pod>().portforward(name, &[port]).await.context("forward its admin port")?;
    let stream = forward.take_stream(port).context("take the forwarded stream")?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .context("speak HTTP with it")?;
    let request = http::Request::get("/status")
        .header(http::header::HOST, "localhost")
        .body(Empty::<Bytes>::new())?;
    let answer = async {
        let response = sender.send_request(request).await.context("ask for its status")?;
        let body = response.into_body().collect().await.context("read its status")?.to_bytes();
        serde_json::from_slice(&body).context("understand its status")
    };
    tokio::select! {
        answer = answer => answer,
        // It ends after the answer; before that, something is wrong.
        _ = connection => bail!("the connection ended early"),
    }
}

fn admin_port(pod: &Pod) -> Option<u16> {
    let containers = &pod.spec.as_ref()?.containers;
    let mut ports = containers.iter().flat_map(|container| container.ports.iter().flatten());
    let port = ports.find(|port| port.name.as_deref() == Some(PORT_NAME))?;
    u16::try_from(port.container_port).ok()
}
