//! `make deploy` and `make undeploy`, from an empty cluster and back.

use crate::access::reaches;
use crate::edge::{APP, Edge};
use crate::node::{run, until};
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret, Service};
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use tests::{Ask, http};

impl Edge {
    /// Deploys, and is killed with all its children after so many steps. True if it was through by then.
    async fn interrupted_after(&self, steps: usize) -> bool {
        let mut command = self.deploy_command("up", "all");
        command.process_group(0).stdout(Stdio::null()).stderr(Stdio::piped());
        tokio::task::spawn_blocking(move || {
            let mut child = command.spawn().unwrap();
            let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
            let mut steps_seen = lines.filter(|line| line.starts_with("deploy: "));
            if steps_seen.by_ref().take(steps).count() < steps {
                assert!(child.wait().unwrap().success(), "it failed before step {steps}");
                return true;
            }
            let group = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
            nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL).unwrap();
            child.wait().unwrap();
            false
        })
        .await
        .unwrap()
    }

    async fn objects(&self) -> usize {
        let all = ListParams::default();
        let maps = self.namespace.api::<ConfigMap>().list(&all).await.unwrap().items;
        let ours =
            maps.iter().filter(|map| map.metadata.name.as_deref() != Some("kube-root-ca.crt"));
        ours.count() + self.namespace.api::<Pod>().list(&all).await.unwrap().items.len()
    }
}

pub async fn deploy_goes_from_nothing_to_a_page_and_undeploy_keeps_the_data() {
    let edge = Edge::configured(1).await;
    // Whatever interrupts it, the next run goes on. In its first three steps it only looks.
    let mut steps = 4;
    while !edge.interrupted_after(steps).await {
        steps += 1;
    }
    assert!(steps > 6, "it took only {steps} steps");

    let output = run(edge.deploy_command("up", "all")).await;
    let (shown, said) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert!(said.contains("the page answers: HTTP/1.") && shown.contains("port-forward"), "{said}");
    assert_eq!(shown.matches("nothing would change").count(), 2, "{shown}"); // database and edge
    assert!(said.contains("is live") && said.contains("already"), "{said}");

    let todos = format!("{}/todos", edge.origin().await);
    http::client().post(&todos).json(&json!({ "title": "to be kept" })).answer().await.is(201);
    edge.deploy("down", "all").await;
    assert_eq!(edge.objects().await, 0, "pods or ConfigMaps are left");
    edge.deploy("up", "all").await;
    let todos = format!("{}/todos", edge.origin().await);
    let kept = http::client().get(&todos).answer().await.is(200).json();
    assert_eq!(kept[0]["title"], "to be kept");
    edge.end().await;
}

pub async fn deploy_says_what_is_missing() {
    let edge = Edge::configured(1).await;
    let refused = async |command| {
        let output = run(command).await;
        assert!(!output.status.success(), "it went through");
        String::from_utf8(output.stderr).unwrap()
    };
    let said = refused(edge.deploy_command("up", "edge")).await;
    assert!(said.contains("no namespace") && said.contains("PART=database"), "{said}");

    let mut nobody = edge.deploy_command("up", "all");
    nobody.env_remove("YES");
    let said = refused(nobody).await;
    assert!(said.contains("YES=1"), "{said}");

    let mut elsewhere = edge.deploy_command("up", "all");
    elsewhere.env("KUBECONFIG", "/dev/null");
    let said = refused(elsewhere).await;
    assert!(said.contains("has no context") && said.contains("values.yaml"), "{said}");

    let mut manifest = edge.deploy_command("up", "all");
    manifest.env("MANIFEST", "/nowhere/spin.toml");
    let said = refused(manifest).await;
    assert!(said.contains("no manifest /nowhere/spin.toml"), "{said}");

    edge.deploy("up", "database").await;
    let secrets = edge.namespace.api::<Secret>();
    secrets.delete("todoozle-role-todo", &kube::api::DeleteParams::default()).await.unwrap();
    let said = refused(edge.deploy_command("up", "edge")).await;
    assert!(said.contains("no Secret todoozle-role-todo"), "{said}");
    edge.end().await;
}

/// An address that nobody has; only kube-proxy knows of it.
const BALANCER: &str = "203.0.113.80";

pub async fn a_load_balancer_lets_in_whom_its_ranges_name() {
    let edge = Edge::deployed(1).await;
    let ips = edge.namespace.api::<Pod>();
    let address = async |pod: &str| ips.get(pod).await.unwrap().status.unwrap().pod_ip.unwrap();
    let members = ["todoozle-main-0", "todoozle-replica-0"];
    for (inside, outside) in [(members[0], members[1]), (members[1], members[0])] {
        let ranges = format!("[{}/32]", address(inside).await);
        let service =
            format!("service: {{type: LoadBalancer, loadBalancerSourceRanges: {ranges}}}");
        edge.configure(1, &service);
        edge.deploy("up", "edge").await;
        // What a cloud's controller would write.
        let status = json!({ "status": { "loadBalancer": { "ingress": [{ "ip": BALANCER }] } } });
        let services = edge.namespace.api::<Service>();
        services.patch_status(APP, &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
        until(&format!("{inside} to be let in"), async || {
            reaches(&edge, inside, BALANCER).await.then_some(())
        })
        .await;
        assert!(!reaches(&edge, outside, BALANCER).await, "{outside} is let in");
    }
    edge.end().await;
}
