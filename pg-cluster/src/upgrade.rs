//! Which database the cluster is, by its major version and system identifier, and an upgrade that is not over.

use anyhow::{Context, Result};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{cluster::Cluster, names, objects};

/// Where it stands that an upgrade is not over: an annotation of the `ConfigMap` in which Patroni keeps
/// the identifier.
pub const UPGRADE_ANNOTATION: &str = "todoozle.dev/upgrade";
pub const SYSTEM_ANNOTATION: &str = "initialize";

/// How far an upgrade has come.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Upgrade {
    pub from: i32,
    pub to: i32,
    /// Since when clients may have waited.
    pub began: Timestamp,
    /// The system identifier of the new database, once it has taken the old one's place.
    pub system: Option<String>,
    /// When it first took writes.
    pub serves: Option<Timestamp>,
}

impl Upgrade {
    pub fn words(&self) -> String {
        let Self { from, to, .. } = self;
        format!(
            "the upgrade from PostgreSQL {from} to {to} is not over: run `pg-cluster upgrade --to {to}` again, which goes on with it"
        )
    }
}

impl Cluster {
    /// The major version that the members were last told to run; None where nothing was made yet.
    pub async fn major(&self) -> Result<Option<i32>> {
        let map = self.find::<ConfigMap>(&names::patroni(&self.env)).await?;
        let text = map.and_then(|map| map.data?.remove("patroni.yml"));
        Ok(text.as_deref().and_then(objects::major))
    }

    /// Notes how far an upgrade has come, or that there is none.
    pub async fn note_upgrade(&self, upgrade: Option<&Upgrade>) -> Result<()> {
        let text = upgrade.map(serde_json::to_string).transpose().context("note the upgrade")?;
        self.annotate_agreed(json!({ UPGRADE_ANNOTATION: text })).await
    }

    /// Has Patroni take the database with this system identifier for the cluster's. Its timelines begin anew.
    pub async fn adopt(&self, system: &str) -> Result<()> {
        self.annotate_agreed(json!({ SYSTEM_ANNOTATION: system, "history": null })).await
    }

    async fn annotate_agreed(&self, annotations: Value) -> Result<()> {
        let name = format!("{}{}", self.env.name, names::AGREED);
        let patch = Patch::Merge(json!({ "metadata": { "annotations": annotations } }));
        let patched = self.api::<ConfigMap>().patch(&name, &PatchParams::default(), &patch).await;
        patched.with_context(|| format!("annotate the ConfigMap {name}"))?;
        Ok(())
    }
}
