//! What happens to pods and to Kubernetes itself, while requests come in.

use crate::database::only_writes_were_put_off;
use crate::edge::{APP, Edge};
use crate::load::Load;
use crate::node::until;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::DeleteParams;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tests::wasm;

/// Deletes every pod in turn, each in order.
async fn delete_the_pods(edge: &Edge) {
    for (pod, _) in edge.lives().await {
        edge.delete_pod(&pod).await;
        edge.settles(3).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_when_pods_come_and_go() {
    let Some(edge) = Edge::deployed(3).await else { return };
    let mut load = Load::start(&edge.origin().await);
    load.goes_on_for(3).await;
    delete_the_pods(&edge).await;
    load.goes_on_for(3).await;
    edge.roll(3).await;
    load.goes_on_for(3).await;
    for pods in [1, 5, 1] {
        edge.scale(pods).await;
        load.goes_on_for(3).await;
    }
    let samples = load.end().await;
    eprintln!("{} requests while pods came and went", samples.0.len());
    samples.all_succeeded();
    edge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make test-edge"]
async fn reads_go_on_while_the_api_server_is_down_for_a_minute() {
    let Some(edge) = Edge::deployed(3).await else { return };
    let lives = edge.lives().await;
    let mut load = Load::start(&edge.origin().await);
    load.goes_on_for(3).await;
    let Some(frozen) = Frozen::control_plane(&edge).await else {
        load.end().await;
        return edge.end().await;
    };
    load.goes_on_for(60).await;
    frozen.thaw(&edge).await;
    load.goes_on_for(5).await;
    // What was pushed meanwhile would have waited; what comes now is taken.
    edge.push(&wasm::version_called("thawed!")).await;
    load.goes_on_for(3).await;
    // When the API server is back, a standby may find the leader's lock expired before the
    // primary renews it; then writes are put off for the two seconds of a failover.
    only_writes_were_put_off("an outage of the API server", &load.end().await);
    assert_eq!(edge.lives().await, lives, "a pod was replaced or started again");
    edge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_pointer_a_pod_serves_what_it_has_until_the_next_push() {
    let Some(edge) = Edge::deployed(3).await else { return };
    let lives = edge.lives().await;
    let mut load = Load::start(&edge.origin().await);
    load.goes_on_for(3).await;
    let maps = edge.namespace.api::<ConfigMap>();
    maps.delete(&format!("{APP}-live"), &DeleteParams::default()).await.unwrap();
    for (pod, _) in &lives {
        until(&format!("{pod} to miss its pointer"), async || {
            let status = edge.status(pod).await;
            status["sourceProblem"].as_str()?.contains("push a component").then_some(())
        })
        .await;
    }
    load.goes_on_for(10).await;
    edge.push(&wasm::version_called("pointed")).await;
    load.goes_on_for(3).await;
    load.end().await.all_succeeded();
    assert_eq!(edge.lives().await, lives, "a pod was replaced or started again");
    edge.end().await;
}

/// The processes of a node of ours that stand still; they go on at the end, whatever that is.
struct Frozen {
    api_server: Vec<Pid>,
    controllers: Vec<Pid>,
}

impl Frozen {
    /// The API server, and with it the controllers, which would take its silence for the nodes'.
    /// None where they are out of reach, or somebody else's.
    async fn control_plane(edge: &Edge) -> Option<Self> {
        let url = edge.namespace.node.config().await.cluster_url;
        let address = format!("--bind-address\0{}\0", url.host()?);
        let api_server = processes("kube-apiserver", |pid| read(pid, "cmdline").contains(&address));
        let node = |pid| std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
        let beside =
            |pid| api_server.first().is_some_and(|first| node(pid) == node(first.as_raw()));
        let controllers = processes("kube-controller-manager", beside);
        if api_server.is_empty() {
            eprintln!("*** SKIPPED: the API server's process is not on this machine ***");
            return None;
        }
        let frozen = Self { api_server, controllers };
        frozen.signal(Signal::SIGSTOP);
        Some(frozen)
    }

    fn signal(&self, signal: Signal) {
        for pid in self.api_server.iter().chain(&self.controllers) {
            let _ = kill(*pid, signal);
        }
    }

    /// The API server first; the controllers once the node has told it that it lives.
    async fn thaw(self, edge: &Edge) {
        for pid in &self.api_server {
            kill(*pid, Signal::SIGCONT).unwrap();
        }
        let leases: Api<Lease> = Api::namespaced(edge.namespace.client.clone(), "kube-node-lease");
        let renewed = async || {
            let all = leases.list(&kube::api::ListParams::default()).await.ok()?;
            all.items.first()?.spec.as_ref()?.renew_time.clone()
        };
        let before = until("the node's lease", renewed).await;
        until("the node to renew its lease", async || {
            renewed().await.filter(|time| *time > before)
        })
        .await;
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.signal(Signal::SIGCONT);
    }
}

/// Processes of this name on this machine that are the right ones.
fn processes(name: &str, right: impl Fn(i32) -> bool) -> Vec<Pid> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let named = |pid: i32| {
        let command = read(pid, "cmdline");
        command.split('\0').next().unwrap_or_default().rsplit('/').next() == Some(name)
    };
    pids.filter(|pid| named(*pid) && right(*pid)).map(Pid::from_raw).collect()
}

fn read(pid: i32, file: &str) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default()
}
