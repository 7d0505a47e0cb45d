//! New pods for members, one at a time.

use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use crate::{
    cluster::Cluster,
    conditions,
    health::{Account, Member},
    observe, pods,
    progress::{Wait, until},
};

/// Has a member's pod replaced.
pub async fn renew(cluster: &Cluster, name: &str, timeout: Duration) -> Result<()> {
    let api = cluster.api::<Pod>();
    let pod = api.get(name).await.with_context(|| format!("read the pod {name}"))?;
    if pods::is_ready(&pod) {
        let evicted = async || cluster.evict(&pod).await;
        until(&format!("{name} to be let go"), timeout, evicted).await?;
    } else {
        cluster.delete_pod(&pod).await?;
    }
    let old = pod.metadata.uid;
    let fresh = async || {
        let pod = api.get_opt(name).await.context("look for the new pod")?;
        Ok(match pod.map(|pod| pod.metadata.uid) {
            Some(uid) if uid != old => Wait::Over(()),
            Some(_) => Wait::For("the old pod stops".to_owned()),
            None => {
                let why = conditions::waits_for(cluster).await?;
                Wait::For(why.unwrap_or_else(|| "no pod yet".to_owned()))
            }
        })
    };
    until(&format!("a new pod {name}"), timeout, fresh).await
}

/// New pods for those whose token is good for nothing, replicas first: they may have to take over.
pub async fn replace_refused(cluster: &Cluster, timeout: Duration) -> Result<()> {
    let report = observe::members(cluster).await?;
    let mut refused: Vec<_> =
        report.members.iter().filter(|member| member.account == Account::Deleted).collect();
    if refused.is_empty() {
        return Ok(());
    }
    let leader = cluster.agreed().await?.leader;
    refused.sort_by_key(|member| leader.as_ref() == Some(&member.name));
    for Member { name, .. } in refused {
        let pods = cluster.pods().await?;
        let Some(pod) = pods.iter().find(|pod| pod.name_any() == *name) else { continue };
        cluster.delete_pod(pod).await?;
        until(&format!("{name} with a token that counts"), timeout, async || {
            let report = observe::members(cluster).await?;
            let member = report.members.iter().find(|member| member.name == *name);
            let Some(member) = member else { return Ok(Wait::For("no pod yet".to_owned())) };
            // Where nobody leads, it may wait for the next.
            let is_back = member.account == Account::Current
                && (member.answer.is_some() || report.primary.is_none());
            Ok(Wait::unless(is_back, member.state.to_string()))
        })
        .await?;
    }
    Ok(())
}
