//! Server-side apply, with one field manager.

use std::fmt;

use anyhow::{Context, Result};
use kube::{
    Api,
    api::{DynamicObject, Patch, PatchParams},
};
use serde_json::Value;

use crate::{
    cluster::{Cluster, twice},
    diff::{self, Change},
    names::MANAGER,
    objects::Object,
    progress,
};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    Created,
    Changed,
    Unchanged,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Unchanged => "as it was",
        })
    }
}

impl Cluster {
    /// Applies one object, and says so.
    pub async fn apply(&self, object: &Object) -> Result<Outcome> {
        let before = self.live(object).await?;
        let after = self.patch(object, &PatchParams::apply(MANAGER).force()).await?;
        let outcome = match before {
            None => Outcome::Created,
            Some(before) if before.metadata.resource_version == after.metadata.resource_version => {
                Outcome::Unchanged
            }
            Some(_) => Outcome::Changed,
        };
        progress::done(&format!("{} {}", object.resource.kind, object.name), &outcome.to_string());
        Ok(outcome)
    }

    /// What applying it would change, as the API server sees it.
    pub async fn difference(&self, object: &Object) -> Result<Vec<Change>> {
        let before = self.live(object).await?;
        // A new one, too, is shown to the API server, which may refuse it.
        let after = self.patch(object, &PatchParams::apply(MANAGER).force().dry_run()).await?;
        let Some(before) = before else {
            return Ok(vec![Change::New]);
        };
        let plain =
            |object: &DynamicObject| serde_json::to_value(object).context("compare an object");
        Ok(diff::changes(&plain(&before)?, &plain(&after)?))
    }

    pub async fn live(&self, object: &Object) -> Result<Option<DynamicObject>> {
        let api = self.dynamic_api(object);
        twice(|| api.get_opt(&object.name))
            .await
            .with_context(|| format!("read {} {}", object.resource.kind, object.name))
    }

    async fn patch(&self, object: &Object, params: &PatchParams) -> Result<DynamicObject> {
        let patch: Patch<&Value> = Patch::Apply(&object.value);
        let api = self.dynamic_api(object);
        twice(|| api.patch(&object.name, params, &patch))
            .await
            .with_context(|| format!("apply {} {}", object.resource.kind, object.name))
    }

    fn dynamic_api(&self, object: &Object) -> Api<DynamicObject> {
        match &object.namespace {
            Some(namespace) => {
                Api::namespaced_with(self.client.clone(), namespace, &object.resource)
            }
            None => Api::all_with(self.client.clone(), &object.resource),
        }
    }
}
