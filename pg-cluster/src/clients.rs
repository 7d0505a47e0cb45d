//! Pods that still have what a role's Secret held before it changed.

use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Container, Pod, Secret};
use kube::{ResourceExt, api::ListParams};

use crate::{cluster::Cluster, names};

/// A kubelet looks once a minute, and one that was just looking looks a minute later.
const RENEWED: SignedDuration = SignedDuration::from_mins(2);

/// Why a pod has it still.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Holds {
    /// In its environment, or as a part of a volume, until it starts again.
    InEnvironment,
    /// Perhaps in a file, until the kubelet has renewed it.
    InFile,
}

impl Cluster {
    /// Pods of the namespace that have an older value of a key of the roles' Secrets.
    pub async fn behind(&self, key: &str) -> Result<Vec<(String, Holds)>> {
        let pods = self.api::<Pod>().list(&ListParams::default()).await;
        let pods = pods.context("list the pods of the namespace")?.items;
        let mut behind = Vec::new();
        for role in self.env.roles.keys() {
            let name = names::role_secret(&self.env, role);
            let Some(secret) = self.whole_secret(&name).await? else { continue };
            let Some(changed) = changed(&secret) else { continue };
            let now = Timestamp::now();
            behind.extend(
                pods.iter().filter_map(|pod| {
                    Some((pod.name_any(), holds(pod, &name, key, changed, now)?))
                }),
            );
        }
        Ok(behind)
    }
}

/// When somebody last wrote to it.
fn changed(secret: &Secret) -> Option<Timestamp> {
    let fields = secret.metadata.managed_fields.as_ref()?;
    fields.iter().filter_map(|entry| Some(entry.time.as_ref()?.0)).max()
}

fn holds(pod: &Pod, secret: &str, key: &str, changed: Timestamp, now: Timestamp) -> Option<Holds> {
    let spec = pod.spec.as_ref()?;
    // Times have whole seconds: one that started in the same may have come before it.
    let is_older = |container: &&Container| {
        let status = pod.status.as_ref().and_then(|status| {
            status.container_statuses.as_ref()?.iter().find(|s| s.name == container.name)
        });
        let running = status.and_then(|status| status.state.as_ref()?.running.as_ref());
        let started = running.and_then(|running| running.started_at.as_ref());
        started.is_some_and(|started| started.0 <= changed)
    };
    let mut older = spec.containers.iter().filter(is_older).peekable();
    older.peek()?;
    if older.any(|container| reads(container, secret, key)) {
        return Some(Holds::InEnvironment);
    }
    let mounting = spec.volumes.iter().flatten().filter(|volume| {
        let own = volume.secret.as_ref().and_then(|volume| volume.secret_name.as_deref());
        let projected = volume.projected.iter().flat_map(|all| all.sources.iter().flatten());
        let mut projected =
            projected.filter_map(|source| Some(source.secret.as_ref()?.name.as_str()));
        own == Some(secret) || projected.any(|name| name == secret)
    });
    let mounting: Vec<_> = mounting.map(|volume| volume.name.as_str()).collect();
    // The kubelet never renews a part of a volume.
    let in_part =
        spec.containers.iter().flat_map(|it| it.volume_mounts.iter().flatten()).any(|it| {
            mounting.contains(&it.name.as_str())
                && (it.sub_path.is_some() || it.sub_path_expr.is_some())
        });
    if in_part {
        return Some(Holds::InEnvironment);
    }
    (!mounting.is_empty() && now < changed + RENEWED).then_some(Holds::InFile)
}

/// Whether a container has a key of a Secret in its environment.
fn reads(container: &Container, secret: &str, key: &str) -> bool {
    let one = container.env.iter().flatten().any(|variable| {
        let from = variable.value_from.as_ref().and_then(|from| from.secret_key_ref.as_ref());
        from.is_some_and(|from| from.name == secret && from.key == key)
    });
    let all = container.env_from.iter().flatten().filter_map(|from| from.secret_ref.as_ref());
    one || all.into_iter().any(|from| from.name == secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const STARTED: &str = "2026-01-01T10:00:00Z";

    fn held(container: &Value, volumes: &Value, changed: &str, now: &str) -> Option<Holds> {
        let mut container = container.clone();
        container["name"] = json!("app");
        let running = json!({ "name": "app", "state": { "running": { "startedAt": STARTED } },
            "image": "", "imageID": "", "ready": true, "restartCount": 0 });
        let pod = json!({
            "spec": { "containers": [container], "volumes": volumes },
            "status": { "containerStatuses": [running] },
        });
        let pod: Pod = serde_json::from_value(pod).unwrap();
        holds(&pod, "a-role-app", "ca.crt", changed.parse().unwrap(), now.parse().unwrap())
    }

    #[test]
    fn whoever_started_before_a_secret_changed_has_what_was_in_it() {
        let variable = |name: &str, key: &str| json!({ "env": [{ "name": "X", "valueFrom": { "secretKeyRef": { "name": name, "key": key } } }] });
        let own = variable("a-role-app", "ca.crt");
        let all = json!({ "envFrom": [{ "secretRef": { "name": "a-role-app" } }] });
        let (later, now) = ("2026-01-01T10:05:00Z", "2026-01-01T11:00:00Z");
        for container in [&own, &all] {
            assert_eq!(held(container, &json!([]), later, now), Some(Holds::InEnvironment));
            assert_eq!(held(container, &json!([]), "2026-01-01T09:00:00Z", now), None);
            assert_eq!(held(container, &json!([]), STARTED, now), Some(Holds::InEnvironment));
        }
        for container in [variable("a-role-app", "uri"), variable("b", "ca.crt"), json!({})] {
            assert_eq!(held(&container, &json!([]), later, now), None);
        }
    }

    #[test]
    fn a_file_is_renewed_within_two_minutes() {
        let mounted = json!([{ "name": "x", "secret": { "secretName": "a-role-app" } }]);
        let projected = json!([{ "name": "x", "projected": { "sources": [{ "secret": { "name": "a-role-app" } }] } }]);
        let later = "2026-01-01T10:05:00Z";
        let part =
            json!({ "volumeMounts": [{ "name": "x", "mountPath": "/ca", "subPath": "ca.crt" }] });
        assert_eq!(
            held(&part, &mounted, later, "2026-01-01T11:00:00Z"),
            Some(Holds::InEnvironment)
        );
        for volumes in [&mounted, &projected] {
            let soon = held(&json!({}), volumes, later, "2026-01-01T10:06:59Z");
            assert_eq!(soon, Some(Holds::InFile));
            assert_eq!(held(&json!({}), volumes, later, "2026-01-01T10:07:00Z"), None);
        }
    }
}
