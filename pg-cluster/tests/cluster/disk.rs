//! A disk that can be full: the volumes of our own node are folders, which nobody bounds.

use std::{path::Path, process::Command};

use k8s_openapi::api::core::v1::PersistentVolume;
use kube::{
    Api,
    api::{DeleteParams, PostParams},
};
use serde_json::json;

use crate::fixture::Database;

/// What `configure` asks for, as Kubernetes and as the script say it.
const SIZE: [&str; 2] = ["1Gi", "1G"];

pub struct Disk {
    name: String,
    volumes: Api<PersistentVolume>,
}

impl Disk {
    /// For `main` of a cluster that is yet to be made.
    pub async fn of(database: &Database) -> Self {
        let member = format!("{}-main-0", database.name);
        let name = format!("{}-{member}", database.namespace);
        let folder = disk(&[&name, SIZE[1]]);
        let volume = json!({
            "metadata": { "name": name },
            "spec": {
                "capacity": { "storage": SIZE[0] },
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": "local-path",
                "persistentVolumeReclaimPolicy": "Retain",
                "claimRef": { "namespace": database.namespace, "name": format!("data-{member}") },
                "local": { "path": folder.trim() },
                "nodeAffinity": { "required": { "nodeSelectorTerms": [{ "matchExpressions": [
                    { "key": "kubernetes.io/hostname", "operator": "Exists" }
                ]}]}},
            }
        });
        let volumes = Api::all(database.client.clone());
        let volume = serde_json::from_value(volume).unwrap();
        volumes.create(&PostParams::default(), &volume).await.unwrap();
        Self { name, volumes }
    }

    /// After the cluster's.
    pub async fn end(self) {
        self.volumes.delete(&self.name, &DeleteParams::default()).await.unwrap();
        disk(&[&self.name]);
    }
}

fn disk(arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cluster/disk");
    let output = Command::new(script).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tests/cluster/disk {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}
