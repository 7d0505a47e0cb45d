//! What the pods may do, tried with their own token, and who may reach them.

use crate::edge::{APP, Edge};
use crate::node::run;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{ConfigMap, Event, Pod, Secret, ServiceAccount};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchParams};
use kube::{Api, Client};
use serde_json::json;

/// A client with the pods' own token.
async fn as_a_pod(edge: &Edge) -> Client {
    let request = TokenRequest {
        spec: TokenRequestSpec { expiration_seconds: Some(600), ..TokenRequestSpec::default() },
        ..TokenRequest::default()
    };
    let accounts = edge.namespace.api::<ServiceAccount>();
    let granted = accounts.create_token_request(APP, &PostParams::default(), &request).await;
    let token = granted.unwrap().status.unwrap().token;
    let mut config = edge.namespace.node.config().await;
    config.auth_info = serde_json::from_value(json!({ "token": token })).unwrap();
    Client::try_from(config).unwrap()
}

/// Whether a request was let through: 404 and 400 come from behind the door.
fn allowed<T>(answer: Result<T, kube::Error>) -> bool {
    match answer {
        Err(kube::Error::Api(status)) => status.code != 403,
        Err(error) => panic!("no answer: {error}"),
        Ok(_) => true,
    }
}

pub async fn pods_read_config_maps_and_create_events_and_do_nothing_else() {
    let edge = Edge::configured(1).await;
    edge.deploy("up", "database").await;
    edge.deploy("up", "edge").await; // without a component, so its pods wait
    let client = as_a_pod(&edge).await;
    let namespace = &edge.namespace.name;
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let events: Api<Event> = Api::namespaced(client.clone(), namespace);
    let (secrets, pods): (Api<Secret>, Api<Pod>) =
        (Api::namespaced(client.clone(), namespace), Api::namespaced(client.clone(), namespace));
    let elsewhere: Api<ConfigMap> = Api::namespaced(client, "kube-system");

    let live = format!("{APP}-live");
    let only_live = ListParams::default().fields(&format!("metadata.name={live}"));
    let watch_live = WatchParams::default().fields(&format!("metadata.name={live}"));
    assert!(allowed(maps.get("any").await), "get a part");
    assert!(allowed(maps.list(&only_live).await), "list the pointer");
    assert!(allowed(maps.watch(&watch_live, "0").await), "watch the pointer");
    let event = json!({
        "metadata": { "name": "tried" }, "reason": "Tried", "type": "Normal",
        "involvedObject": { "kind": "Pod", "namespace": namespace, "name": "one" },
    });
    let event = serde_json::from_value(event).unwrap();
    assert!(allowed(events.create(&PostParams::default(), &event).await), "create an event");

    assert!(!allowed(maps.list(&ListParams::default()).await), "list all ConfigMaps");
    assert!(!allowed(maps.watch(&WatchParams::default(), "0").await), "watch all ConfigMaps");
    assert!(!allowed(elsewhere.get("any").await), "get a ConfigMap of another namespace");
    let patch = Patch::Merge(json!({ "data": { "digest": "another" } }));
    assert!(!allowed(maps.patch(&live, &PatchParams::default(), &patch).await), "move the pointer");
    assert!(!allowed(maps.delete(&live, &DeleteParams::default()).await), "delete the pointer");
    let map = serde_json::from_value(json!({ "metadata": { "name": "new" } })).unwrap();
    assert!(!allowed(maps.create(&PostParams::default(), &map).await), "create a ConfigMap");
    assert!(!allowed(secrets.get("todoozle-role-todo").await), "read a Secret");
    assert!(!allowed(pods.list(&ListParams::default()).await), "list pods");
    assert!(!allowed(events.list(&ListParams::default()).await), "read events");
    edge.end().await;
}

/// Whether a member of the database, which is just a pod with a Python, gets the page from an address.
pub async fn reaches(edge: &Edge, pod: &str, address: &str) -> bool {
    let script = format!(
        "import urllib.request; print(urllib.request.urlopen('http://{address}/', timeout=3).status)"
    );
    let mut command = edge.namespace.node.kubectl(&edge.namespace.name);
    command.args(["exec", pod, "--", "python3", "-c", &script]);
    let output = run(command).await;
    String::from_utf8_lossy(&output.stdout).trim() == "200"
}
