//! What commands wait for.

use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::Secret};
use kube::ResourceExt;

use crate::{
    certificate::State,
    cluster::{Cluster, certificate_digest, secret_value},
    cures::told,
    health::{self, Member, Role},
    names,
    observe::members,
    progress::{Wait, until},
    tls,
};

/// A pod's annotation: the certificate that it was last told of.
const ANNOTATION: &str = "todoozle.dev/certificate";
/// Has Patroni, which is the container's first process, read its files again and PostgreSQL do the same.
const RELOAD: &str = "kill -HUP 1";
const RELOAD_LIMIT: Duration = Duration::from_secs(10);

/// Waits for a member that takes writes.
pub async fn primary(cluster: &Cluster) -> Result<Wait<String>> {
    let report = members(cluster).await?;
    Ok(match report.primary {
        Some(primary) => Wait::Over(primary),
        None => Wait::For(waits_for(cluster).await?.unwrap_or_else(|| report.advice.join("; "))),
    })
}

/// Waits until as many members stream as their set has, and one is synchronous if that is wanted.
pub async fn streaming(cluster: &Cluster) -> Result<Wait<()>> {
    let report = members(cluster).await?;
    // `scale` may have given it another number than the configuration has.
    let set = cluster.find::<StatefulSet>(&names::replica(&cluster.env)).await?;
    let count = set.and_then(|set| set.spec?.replicas);
    let wanted = usize::try_from(count.unwrap_or_else(|| cluster.env.replica.count.get()))?;
    let streaming =
        report.members.iter().filter(|member| health::streams(member) && member.ready).count();
    let protected = report.verdict <= health::Verdict::Degraded
        || !cluster.env.replication.promises_durability()
        || wanted == 0;
    if streaming >= wanted && report.members.len() == wanted + 1 && protected {
        return Ok(Wait::Over(()));
    }
    let mut lacking: Vec<_> = report.members.iter().filter_map(lacks).collect();
    if lacking.is_empty() && !protected {
        lacking.push("none is synchronous yet".to_owned());
    }
    let lacking =
        if lacking.is_empty() { String::new() } else { format!(" ({})", lacking.join(", ")) };
    let paused = if cluster.agreed().await?.is_paused() {
        "; Patroni is paused and starts none: `pg-cluster resume` ends it"
    } else {
        ""
    };
    Ok(Wait::For(
        waits_for(cluster).await?.unwrap_or(format!("{streaming} of {wanted}{lacking}{paused}")),
    ))
}

/// Waits for that, and says so.
pub async fn until_streaming(cluster: &Cluster, timeout: Duration) -> Result<()> {
    until("every replica streaming through its slot", timeout, || streaming(cluster)).await
}

/// What a replica is waited for.
fn lacks(member: &Member) -> Option<String> {
    let Member { name, state, .. } = member;
    match member.role {
        Some(Role::Primary) => None,
        _ if !health::streams(member) => Some(format!("{name} {state}")),
        _ if !member.ready => Some(format!("{name} streams and is not ready")),
        _ => None,
    }
}

/// What keeps a pod from starting, or its set from making it, and what to do.
pub async fn waits_for(cluster: &Cluster) -> Result<Option<String>> {
    let pods = cluster.pods().await?;
    let told = |what: &str, why: &str| told(cluster.env.namespace(), what, why);
    for pod in &pods {
        if let Some(why) = cluster.blocked(pod).await {
            return Ok(Some(told(&pod.name_any(), &why)));
        }
    }
    if pods.len() >= usize::try_from(cluster.env.members())? {
        return Ok(None);
    }
    Ok(cluster.refused().await.map(|(set, why)| told(&set, &why)))
}

/// Waits until the superuser needs no password in any of these members' pods.
pub async fn open_within(cluster: &Cluster, members: &[&str]) -> Result<Wait<()>> {
    let mut closed = Vec::new();
    for name in members {
        let script = "exec psql -wXAtc 'select 1' -d postgres";
        if cluster.shell(name, script, "", RELOAD_LIMIT).await.is_err() {
            closed.push(*name);
        }
    }
    Ok(Wait::unless(closed.is_empty(), closed.join(", ")))
}

/// Those members whose PostgreSQL or Patroni does not serve the certificate of the Secret yet.
pub async fn unserved<'a>(
    cluster: &Cluster,
    secret: Option<&Secret>,
    members: &'a [Member],
) -> Result<Vec<(&'a str, State)>> {
    let pem = secret.and_then(|secret| secret_value(secret, "tls.crt"));
    let own = pem.as_deref().map(tls::der).transpose()?;
    let mut behind = Vec::new();
    for Member { name, certificate, .. } in members {
        if certificate.is_behind() {
            behind.push((name.as_str(), *certificate));
        } else if *certificate == State::Served {
            let shown = cluster.patroni_shows(name).await?;
            if shown.is_some() && shown != own {
                behind.push((name.as_str(), State::NotLoaded));
            }
        }
    }
    Ok(behind)
}

/// Waits until every member serves the certificate of the Secret; a renewed one has to get there
/// first, and is then loaded without a restart.
pub async fn served(cluster: &Cluster) -> Result<Wait<()>> {
    let secret = cluster.whole_secret(&names::certificate(&cluster.env)).await?;
    let digest = secret.as_ref().and_then(certificate_digest).unwrap_or_default();
    let report = members(cluster).await?;
    let mut awaited = Vec::new();
    for (name, state) in unserved(cluster, secret.as_ref(), &report.members).await? {
        if state == State::Awaited {
            // A kubelet looks every minute or so, and at once when the pod changes.
            cluster.annotate(name, ANNOTATION, &digest).await?;
        } else {
            cluster.shell(name, RELOAD, "", RELOAD_LIMIT).await?;
        }
        awaited.push(name);
    }
    Ok(Wait::unless(awaited.is_empty(), awaited.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::State;

    #[test]
    fn a_replica_is_named_with_what_it_lacks() {
        let member = |state, ready| Member {
            name: "a-replica-0".to_owned(),
            role: Some(Role::Replica),
            state,
            slot: Some("a_replica_0".to_owned()),
            ready,
            ..Member::default()
        };
        assert_eq!(
            lacks(&member(State::Other("startup".to_owned()), false)).unwrap(),
            "a-replica-0 startup"
        );
        let slow = lacks(&member(State::Streaming, false)).unwrap();
        assert_eq!(slow, "a-replica-0 streams and is not ready");
        assert_eq!(lacks(&member(State::Streaming, true)), None);
        assert_eq!(
            lacks(&Member { role: Some(Role::Primary), ..member(State::Running, true) }),
            None
        );
    }
}
