//! What push, rollback and promote leave behind: the pointer, the history, the parts.

use crate::edge::{APP, Edge};
use crate::node::{must, run, until};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::ListParams;
use serde_json::Value;
use tests::http::client;
use tests::{Ask as _, root, test_component, wasm};

impl Edge {
    /// `runtime-host VERB`, and what it says as JSON.
    async fn told(&self, verb: &[&str]) -> Value {
        let mut command = self.command("runtime-host", verb);
        command.args(["--output", "json"]);
        serde_json::from_str(&must(command).await).unwrap()
    }

    async fn live(&self) -> String {
        self.told(&["status"]).await["live"]["digest"].as_str().unwrap().to_owned()
    }

    /// The ConfigMaps that hold components.
    async fn parts(&self) -> Vec<String> {
        let selector =
            format!("app.kubernetes.io/name={APP},app.kubernetes.io/component=component");
        let maps = self.namespace.api::<ConfigMap>();
        let found = maps.list(&ListParams::default().labels(&selector)).await.unwrap();
        assert!(found.items.iter().all(|map| map.immutable == Some(true)));
        found.items.into_iter().filter_map(|map| map.metadata.name).collect()
    }
}

fn version(number: usize) -> Vec<u8> {
    wasm::version_called(&format!("ver{number:04}"))
}

fn digest(number: usize) -> String {
    format!("sha256:{}", wasm::whole_digest(&version(number)))
}

pub async fn every_version_is_remembered_and_can_come_back() {
    let edge = Edge::deployed(1).await;
    for number in 1..=2 {
        edge.push(&version(number)).await;
    }
    let status = edge.told(&["status"]).await;
    assert_eq!(status["live"]["digest"], digest(2));
    assert!(status["live"]["by"].is_string() && status["live"]["at"].is_string(), "{status:#}");
    let before = status["live"]["generation"].as_u64().unwrap();

    // A dry run says what would happen, and nothing does.
    let to = &digest(1)[7..19];
    let dry = run(edge.command("runtime-host", &["rollback", "--to", to, "--dry-run"])).await;
    assert!(dry.status.success() && String::from_utf8_lossy(&dry.stderr).contains(to), "{dry:?}");
    assert_eq!(edge.live().await, digest(2));

    let back = edge.told(&["rollback", "--to", to, "--wait=live"]).await;
    assert_eq!(back["digest"], digest(1));
    assert_eq!(back["generation"], before + 1, "a rollback goes forward");
    assert_eq!(edge.told(&["status"]).await["pods"][0]["status"]["live"]["digest"], digest(1));

    // What is pushed twice is pushed once.
    edge.push(&version(1)).await;
    assert_eq!(edge.told(&["status"]).await["live"]["generation"], before + 1);

    for number in 3..=8 {
        edge.push(&version(number)).await;
    }
    let status = edge.told(&["status"]).await;
    let history = status["history"].as_array().unwrap().iter();
    let history: Vec<_> = history.filter_map(|h| Some(h["digest"].as_str()?.to_owned())).collect();
    assert_eq!(history[..5], [digest(8), digest(7), digest(6), digest(5), digest(4)]);
    let kept: Vec<&str> = status["history"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|release| release["configMaps"].as_array().unwrap())
        .filter_map(Value::as_str)
        .collect();
    let mut parts = edge.parts().await;
    parts.sort_by_key(|name| kept.iter().position(|other| other == name));
    assert_eq!(parts, kept, "what nobody needs any more is gone, and nothing else");
    edge.end().await;
}

pub async fn an_application_of_several_components_is_one_version() {
    let mut edge = Edge::deployed(1).await;
    let origin = edge.origin().await;
    let get = async |path: &str| client().get(format!("{origin}{path}")).answer().await;
    get("/api/read/a.txt").await.is(404);

    // A second component comes with a manifest that leads to it, and so with new pods.
    let api = edge.project.write("api.wasm", std::fs::read(test_component()).unwrap());
    edge.project.write("own/a.txt", "one");
    edge.project.set("component.api.source", api.to_str().unwrap());
    edge.project.set("component.api.files", vec![toml::Value::from("own")]);
    let route = |path: &str, id: &str| {
        let pairs = [("route", path), ("component", id)];
        let pairs = pairs.map(|(key, text)| (key.to_owned(), toml::Value::from(text)));
        toml::Value::Table(pairs.into_iter().collect())
    };
    edge.project.set("trigger.http", vec![route("/...", "todo"), route("/api/...", "api")]);
    // And more SQL than a ConfigMap holds.
    for file in std::fs::read_dir(root().join("todo-component/migrations")).unwrap().flatten() {
        let name = format!("migrations/{}", file.file_name().to_str().unwrap());
        edge.project.write(&name, std::fs::read(file.path()).unwrap());
    }
    for number in [9001, 9002] {
        let sql = format!("-- {}\nCREATE TABLE much{number} ();", "much ".repeat(120_000));
        edge.project.write(&format!("migrations/V{number}__much.sql"), sql);
    }
    edge.project.set("component.todo.tool.runtime-host.migrations", "migrations");
    edge.deploy("up", "all").await;
    assert_eq!(edge.told(&["status"]).await["live"]["schema"], 9002);
    // The old pod goes on for a moment, for those who have not heard of the new one.
    until("the new manifest answers", async || {
        (get("/api/read/own/a.txt").await.text() == "one").then_some(())
    })
    .await;
    get("/todos?limit=1").await.is(200);

    // Another file does not.
    let pods = edge.lives().await;
    edge.project.replace("own/a.txt", "two");
    let mut command = edge.command("runtime-host", &["push", "--wait=live"]);
    command.arg("--from").arg(edge.project.path("spin.toml"));
    must(command).await;
    assert_eq!(get("/api/read/own/a.txt").await.is(200).text(), "two");
    assert_eq!(edge.lives().await, pods);
    edge.end().await;
}

pub async fn promote_takes_exactly_what_ran() {
    let edge = Edge::deployed(1).await;
    edge.push(&version(1)).await;
    // Nothing that was built since comes along.
    edge.project.replace("pushed.wasm", version(2));

    // The other environment is another release in the same namespace.
    let values = edge.values("test").replace(&format!("app: {APP}"), "app: other");
    edge.write_values("other", &values);
    let mut command = edge.namespace.node.command(tests::program("runtime-host"));
    command.args(["promote", "--from", "test", "--to", "other", "--yes", "--config"]);
    command.arg(edge.config_folder());
    // Its migrations would need its CronJob, so the first promotion says what is missing.
    let output = run(command).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("CronJob other-migrate"), "{said}");

    must(edge.deploy_command_of("other", "up", "edge")).await;
    let mut command = edge.namespace.node.command(tests::program("runtime-host"));
    command.args([
        "promote",
        "--from",
        "test",
        "--to",
        "other",
        "--yes",
        "--wait=live",
        "--config",
    ]);
    command.arg(edge.config_folder());
    must(command).await;
    let maps = edge.namespace.api::<ConfigMap>();
    let pointer = maps.get("other-live").await.unwrap().data.unwrap();
    assert_eq!(pointer["digest"], digest(1));
    must(edge.deploy_command_of("other", "down", "edge")).await;
    edge.end().await;
}
