//! The pods of an edge tier, as the API server and their admin ports tell of them.

use crate::edge::{APP, Edge};
use crate::load::Samples;
use crate::node::{must, until};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{DeleteParams, ListParams, LogParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ADMIN_PORT: u16 = 9090;

impl Edge {
    /// The pods that serve, but not those that are on their way out.
    pub async fn pods(&self) -> Vec<Pod> {
        let ours = format!("app.kubernetes.io/name={APP},app.kubernetes.io/component=edge");
        let pods = self.namespace.api::<Pod>().list(&ListParams::default().labels(&ours)).await;
        let pods = pods.unwrap().items.into_iter();
        pods.filter(|pod| pod.metadata.deletion_timestamp.is_none()).collect()
    }

    /// Each pod's name and how often its container was started again.
    pub async fn lives(&self) -> Vec<(String, i32)> {
        let pods = self.pods().await.into_iter();
        let mut lives: Vec<_> = pods.map(|pod| (pod.name_any(), restarts(&pod))).collect();
        lives.sort();
        lives
    }

    /// Asks a pod's admin port.
    pub async fn ask(&self, pod: &str, path: &str) -> String {
        let api = self.namespace.api::<Pod>();
        let mut forward = api.portforward(pod, &[ADMIN_PORT]).await.unwrap();
        let mut stream = forward.take_stream(ADMIN_PORT).unwrap();
        let request = format!("GET {path} HTTP/1.0\r\nHost: {pod}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        assert!(head.contains(" 200 "), "{pod}{path}: {answer}");
        body.to_owned()
    }

    pub async fn status(&self, pod: &str) -> Value {
        serde_json::from_str(&self.ask(pod, "/status").await).unwrap()
    }

    /// That every request was answered as it should be. Where one was not, the pods tell why first.
    pub async fn all_succeeded(&self, samples: &Samples) {
        if !samples.failures().is_empty() {
            let last = LogParams { tail_lines: Some(20), ..LogParams::default() };
            for pod in self.pods().await {
                let log = self.namespace.api::<Pod>().logs(&pod.name_any(), &last).await;
                eprintln!("{}: {}", pod.name_any(), log.unwrap_or_else(|error| error.to_string()));
            }
        }
        samples.all_succeeded();
    }

    /// What every pod holds in memory, in bytes, by name.
    pub async fn memory(&self) -> Vec<(String, f64)> {
        let mut memory = vec![];
        for (pod, _) in self.lives().await {
            let metrics = self.ask(&pod, "/metrics").await;
            let line = metrics
                .lines()
                .find(|line| line.starts_with("runtime_host_process_resident_memory_bytes"));
            let bytes = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
            memory.push((pod, bytes.expect("a pod tells its memory")));
        }
        memory
    }

    /// Waits until so many pods are ready, none is on its way in or out, and all are of the last revision.
    /// The pods themselves are asked as well: the Deployment hears a moment later of one that is deleted.
    pub async fn settles(&self, pods: i32) {
        until(&format!("{pods} ready pods"), async || {
            let deployment = self.namespace.api::<Deployment>().get(APP).await.ok()?;
            let (generation, status) = (deployment.metadata.generation, deployment.status?);
            let settled = status.observed_generation == generation
                && [status.replicas, status.ready_replicas, status.updated_replicas]
                    == [Some(pods); 3];
            let ours = ListParams::default().labels("app.kubernetes.io/component=edge");
            let all = self.namespace.api::<Pod>().list(&ours).await.ok()?.items;
            let stay =
                all.iter().all(|pod| pod.metadata.deletion_timestamp.is_none() && is_ready(pod));
            (settled && stay && i32::try_from(all.len()) == Ok(pods)).then_some(())
        })
        .await;
    }

    pub async fn delete_pod(&self, name: &str) {
        self.namespace.api::<Pod>().delete(name, &DeleteParams::default()).await.unwrap();
    }

    pub async fn scale(&self, pods: i32) {
        let patch = Patch::Merge(json!({ "spec": { "replicas": pods } }));
        let api = self.namespace.api::<Deployment>();
        api.patch_scale(APP, &PatchParams::default(), &patch).await.unwrap();
        self.settles(pods).await;
    }

    /// A rolling update, as a change of the chart or of the image makes one.
    pub async fn roll(&self, pods: i32) {
        let mut command = self.namespace.node.kubectl(&self.namespace.name);
        command.args(["rollout", "restart", "deployment", APP]);
        must(command).await;
        self.settles(pods).await;
    }
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|it| it.type_ == "Ready" && it.status == "True")
}

fn restarts(pod: &Pod) -> i32 {
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    statuses.into_iter().flatten().map(|status| status.restart_count).sum()
}
