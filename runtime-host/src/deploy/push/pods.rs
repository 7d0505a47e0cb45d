//! What each pod says of itself: `/status` of its admin port, through a
//! port-forward of the API server, so that nothing has to be exposed.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use futures::future::join_all;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Portforwarder};
use kube::{Api, ResourceExt as _};
use tokio::task::JoinSet;

use super::target::Target;
use crate::deploy::rollout::report::{Live, Quarantined, Status};
use crate::digest::Digest;

const TIMEOUT: Duration = Duration::from_secs(5);
const PORT_NAME: &str = "admin";
/// The label by which a Deployment tells its pods apart.
pub const TEMPLATE: &str = "pod-template-hash";

/// A pod that runs or is about to.
pub struct Member {
    pub name: String,
    /// The Deployment's template that it was made from, by its hash.
    pub template: Option<String>,
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

/// The pods of the edge tier. The connection to a pod stays open from one look to the
/// next, since the API server, the kubelet and the pod's runtime all work to open one.
pub struct Pods<'a> {
    target: &'a Target,
    open: HashMap<String, Forward>,
}

impl<'a> Pods<'a> {
    pub fn of(target: &'a Target) -> Self {
        Self { target, open: HashMap::new() }
    }

    /// All of them, by name, without those that are on their way out.
    pub async fn look(&mut self) -> Result<Vec<Member>> {
        let app = &self.target.app;
        let selector = format!("app.kubernetes.io/name={app},app.kubernetes.io/component=edge");
        let api = self.target.api::<Pod>();
        let pods =
            api.list(&ListParams::default().labels(&selector)).await.context("list the pods")?;
        let alive = pods.items.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
        let asked = alive.map(|pod| {
            let open = self.open.remove(&pod.name_any());
            let api = &api;
            async move { (tokio::time::timeout(TIMEOUT, ask(api, pod, open)).await, pod) }
        });
        let mut members = vec![];
        for (answer, pod) in join_all(asked).await {
            let (name, template) = (pod.name_any(), pod.labels().get(TEMPLATE).cloned());
            let status = match answer {
                Ok(Ok((status, forward))) => {
                    self.open.insert(name.clone(), forward);
                    Ok(status)
                }
                Ok(Err(error)) => Err(format!("{error:#}")),
                Err(_) => Err(format!("no answer within {} s", TIMEOUT.as_secs())),
            };
            members.push(Member { name, template, status });
        }
        members.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(members)
    }
}

async fn ask(api: &Api<Pod>, pod: &Pod, open: Option<Forward>) -> Result<(Status, Forward)> {
    let mut forward = match open.filter(|forward| !forward.sender.is_closed()) {
        Some(forward) => forward,
        None => Forward::open(api, pod).await?,
    };
    Ok((forward.status().await?, forward))
}

/// A connection to a pod's admin port.
struct Forward {
    sender: SendRequest<Empty<Bytes>>,
    /// What moves its bytes, for as long as it is not dropped.
    _connection: JoinSet<()>,
    _forwarder: Portforwarder,
}

impl Forward {
    async fn open(api: &Api<Pod>, pod: &Pod) -> Result<Self> {
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        if phase != Some("Running") {
            bail!("it is {}", phase.unwrap_or("unknown").to_lowercase());
        }
        let port = admin_port(pod).context("it has no port called admin")?;
        let mut forwarder =
            api.portforward(&pod.name_any(), &[port]).await.context("forward its admin port")?;
        let stream = forwarder.take_stream(port).context("take the forwarded stream")?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .context("speak HTTP with it")?;
        let mut tasks = JoinSet::new();
        tasks.spawn(async {
            // A request that is under way fails with it, and says why.
            let _ = connection.await;
        });
        Ok(Self { sender, _connection: tasks, _forwarder: forwarder })
    }

    async fn status(&mut self) -> Result<Status> {
        self.sender.ready().await.context("speak HTTP with it")?;
        let request = http::Request::get("/status")
            .header(http::header::HOST, "localhost")
            .body(Empty::new())?;
        let response = self.sender.send_request(request).await.context("ask for its status")?;
        let body = response.into_body().collect().await.context("read its status")?.to_bytes();
        serde_json::from_slice(&body).context("understand its status")
    }
}

fn admin_port(pod: &Pod) -> Option<u16> {
    let containers = &pod.spec.as_ref()?.containers;
    let mut ports = containers.iter().flat_map(|container| container.ports.iter().flatten());
    let port = ports.find(|port| port.name.as_deref() == Some(PORT_NAME))?;
    u16::try_from(port.container_port).ok()
}
