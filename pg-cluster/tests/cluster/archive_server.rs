//! What tests do to the archive's server.

use k8s_openapi::api::apps::v1::StatefulSet;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::fixture::Database;

/// More than the archive has at that time.
const ROOM: &str = "64Mi";

/// Lets the archive's server run, or not.
pub async fn serve(database: &Database, replicas: i32) {
    let patch = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
    let server = format!("{}-s3", database.name);
    database.api::<StatefulSet>().patch(&server, &PatchParams::default(), &patch).await.unwrap();
}

/// Has the archive's server take another secret of its one key.
pub async fn take_key(database: &Database, value: Value, from: Value) {
    let variable = json!({ "name": "ROOT_SECRET_KEY", "value": value, "valueFrom": from });
    change(database, json!({ "containers": [{ "name": "s3", "env": [variable] }] })).await;
}

/// Has it serve a copy of its volume that has no room left. The node's own volumes are folders without a
/// bound, and memory has one.
pub async fn fill(database: &Database) {
    let script = "cp -a /kept/archive /data/ && ! cat /dev/zero > /data/rest";
    let security =
        json!({ "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } });
    let full = json!({ "name": "full", "mountPath": "/data" });
    let filler = json!({
        "name": "fill", "image": Database::image(), "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", script], "securityContext": security,
        "volumeMounts": [{ "name": "data", "mountPath": "/kept" }, full],
    });
    let memory = json!({ "name": "full", "emptyDir": { "medium": "Memory", "sizeLimit": ROOM } });
    let server = json!({ "name": "s3", "volumeMounts": [full] });
    let spec = json!({ "initContainers": [filler], "volumes": [memory], "containers": [server] });
    change(database, spec).await;
}

/// Has it serve its own volume again.
pub async fn empty(database: &Database) {
    let gone = |name: &str| json!({ "$patch": "delete", "name": name });
    let mount = json!({ "name": "data", "mountPath": "/data" });
    let server = json!({ "name": "s3", "volumeMounts": [mount] });
    let spec = json!({ "initContainers": [gone("fill")], "volumes": [gone("full")], "containers": [server] });
    change(database, spec).await;
}

/// Changes its pod, which starts anew.
async fn change(database: &Database, spec: Value) {
    let patch = Patch::Strategic(json!({ "spec": { "template": { "spec": spec } } }));
    let server = format!("{}-s3", database.name);
    database.api::<StatefulSet>().patch(&server, &PatchParams::default(), &patch).await.unwrap();
}
