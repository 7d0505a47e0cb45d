//! What happens to pods and to Kubernetes itself, while requests come in.

use crate::database::only_writes_were_put_off;
use crate::edge::{APP, Edge};
use crate::load::{Load, Samples};
use crate::node::until;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::DeleteParams;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::time::Duration;
use tests::wasm;
use tokio::task::JoinSet;

/// Deletes every pod in turn, each in order.
async fn delete_the_pods(edge: &Edge) {
    for (pod, _) in edge.lives().await {
        edge.delete_pod(&pod).await;
        edge.settles(3).await;
    }
}

pub async fn no_request_fails_when_pods_come_and_go() {
    let edge = Edge::kept().await;
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
    edge.all_succeeded(&samples).await;
    edge.scale(3).await;
    edge.keep();
}

/// Requests through an outage of the API server, and a push after it.
async fn through(outage: impl AsyncFnOnce(&Edge) -> Outage) -> Samples {
    let edge = Edge::deployed(3).await;
    let lives = edge.lives().await;
    let mut load = Load::start(&edge.origin().await);
    load.goes_on_for(3).await;
    let outage = outage(&edge).await;
    load.goes_on_for(60).await;
    outage.end(&edge).await;
    load.goes_on_for(5).await;
    // What was pushed meanwhile would have waited; what comes now is taken.
    edge.push(&wasm::version_called("thawed!")).await;
    load.goes_on_for(3).await;
    let samples = load.end().await;
    assert_eq!(edge.lives().await, lives, "a pod was replaced or started again");
    edge.end().await;
    samples
}

pub async fn no_request_fails_while_the_api_server_is_down_for_a_minute() {
    let samples = through(Outage::down).await;
    eprintln!("{} requests through an outage of the API server", samples.0.len());
    samples.all_succeeded();
}

pub async fn reads_go_on_while_the_api_server_is_frozen_for_a_minute() {
    let samples = through(Outage::frozen).await;
    // When it thaws it may carry out an update that Patroni had given up, and Patroni takes the
    // change for somebody else's: it starts PostgreSQL again, and writes wait for that.
    only_writes_were_put_off("an API server that froze", &samples);
}

pub async fn without_its_pointer_a_pod_serves_what_it_has_until_the_next_push() {
    let edge = Edge::kept().await;
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
    edge.all_succeeded(&load.end().await).await;
    assert_eq!(edge.lives().await, lives, "a pod was replaced or started again");
    edge.keep();
}

/// A node of ours without its control plane; it comes back at the end, whatever that is.
struct Outage {
    /// Those that stand still.
    api_servers: Vec<Pid>,
    controllers: Vec<Pid>,
    /// What keeps the API server from coming up, for as long as it is not dropped.
    killer: JoinSet<()>,
}

impl Outage {
    /// The API server ends, and again whenever it is started.
    async fn down(edge: &Edge) -> Self {
        let plane = ControlPlane::of(edge).await;
        let mut outage = Self::begin(vec![], plane.controllers);
        outage.killer.spawn(async move {
            loop {
                for pid in api_servers(&plane.address) {
                    let _ = kill(pid, Signal::SIGKILL);
                }
                // Far less than it needs to come up.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        outage
    }

    /// The API server takes connections and answers none.
    async fn frozen(edge: &Edge) -> Self {
        let plane = ControlPlane::of(edge).await;
        Self::begin(plane.api_servers, plane.controllers)
    }

    fn begin(api_servers: Vec<Pid>, controllers: Vec<Pid>) -> Self {
        let outage = Self { api_servers, controllers, killer: JoinSet::new() };
        outage.signal(Signal::SIGSTOP);
        outage
    }

    fn signal(&self, signal: Signal) {
        for pid in self.api_servers.iter().chain(&self.controllers) {
            let _ = kill(*pid, signal);
        }
    }

    /// The API server first; the controllers once the node has told it that it lives.
    async fn end(mut self, edge: &Edge) {
        self.killer.shutdown().await;
        for pid in &self.api_servers {
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

impl Drop for Outage {
    fn drop(&mut self) {
        self.signal(Signal::SIGCONT);
    }
}

/// The processes that run the node, as they are now.
struct ControlPlane {
    /// In the command line of every API server of the node.
    address: String,
    api_servers: Vec<Pid>,
    /// They would take the API server's silence for the nodes'.
    controllers: Vec<Pid>,
}

impl ControlPlane {
    async fn of(edge: &Edge) -> Self {
        let url = edge.namespace.node.config().await.cluster_url;
        let address = format!("--bind-address\0{}\0", url.host().unwrap());
        let api_servers = api_servers(&address);
        let node = namespace(api_servers.first().expect("the node's API server").as_raw());
        let beside = |pid| namespace(pid) == node;
        let controllers = processes("kube-controller-manager", beside);
        Self { address, api_servers, controllers }
    }
}

fn api_servers(address: &str) -> Vec<Pid> {
    processes("kube-apiserver", |pid| read(pid, "cmdline").contains(address))
}

fn namespace(pid: i32) -> Option<std::path::PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok()
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
