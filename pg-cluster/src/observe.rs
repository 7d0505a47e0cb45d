//! The truth at this moment: asked of each member, not read from labels.

use anyhow::{Context, Result};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1};
use kube::{Api, ResourceExt, api::ListParams};

use crate::{
    ask,
    cluster::{Cluster, certificate_digest, secret_value},
    health::{self, Lock, Member, Report, nodes::Node},
    names,
    objects::{self, HomeSet, Object, secrets::CA},
    passwords, tls,
};

/// What the members say, and the archive.
pub async fn report(cluster: &Cluster) -> Result<Report> {
    // Boxed, since together they are large.
    let members = Box::pin(async {
        let report = members(cluster).await?;
        let nodes = nodes(cluster, &report.members).await?;
        anyhow::Ok((report, nodes))
    });
    let (members, archive, missing, ending) =
        tokio::join!(members, cluster.archive(), missing(cluster), doomed(cluster));
    let (mut report, nodes) = members?;
    report.judge_missing(&missing?);
    report.judge_doomed(&ending?);
    report.archive = archive;
    report.judge_archive(&cluster.env);
    report.judge_nodes(&cluster.env, &nodes);
    if let Some(upgrade) = &report.upgrade {
        report.verdict = report.verdict.max(health::Verdict::Degraded);
        report.advice.push(upgrade.words());
    }
    Ok(report)
}

/// What init makes beside the members and somebody has deleted. Of what one may not read nothing is said.
async fn missing(cluster: &Cluster) -> Result<Vec<String>> {
    let needed = objects::needed(&cluster.env)?;
    let look = async |object: Object| match cluster.live(&object).await {
        Ok(None) => Ok(Some(format!("{} {}", object.resource.kind, object.name))),
        Ok(Some(_)) => Ok(None),
        Err(error) if error.downcast_ref::<kube::Error>().is_some_and(is_forbidden) => Ok(None),
        Err(error) => Err(error),
    };
    let seen: Result<Vec<_>> = join_all(needed.into_iter().map(look)).await.into_iter().collect();
    Ok(seen?.into_iter().flatten().collect())
}

async fn doomed(cluster: &Cluster) -> Result<Vec<String>> {
    match cluster.doomed().await {
        Err(error) if error.downcast_ref::<kube::Error>().is_some_and(is_forbidden) => Ok(vec![]),
        listed => listed,
    }
}

/// Enough to know whether a cluster has more than one place.
const SOME_NODES: u32 = 100;

/// The members' nodes and some others; none for whoever may not read them.
async fn nodes(cluster: &Cluster, members: &[Member]) -> Result<Vec<Node>> {
    let api = Api::<v1::Node>::all(cluster.client.clone());
    let label = &*cluster.env.main.spread;
    let mut nodes = match api.list(&ListParams::default().limit(SOME_NODES)).await {
        Err(error) if is_forbidden(&error) => return Ok(Vec::new()),
        listed => listed.context("list the nodes")?.items,
    };
    for name in members.iter().filter_map(|member| member.node.as_ref()) {
        if !nodes.iter().any(|node| node.name_any() == *name) {
            let node = api.get_opt(name).await.with_context(|| format!("read the node {name}"))?;
            nodes.extend(node);
        }
    }
    let known = |node: v1::Node| {
        let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
        let ready = |condition: &v1::NodeCondition| {
            condition.type_ == "Ready" && condition.status == "True"
        };
        Node {
            name: node.name_any(),
            place: node.labels().get(label).cloned(),
            ready: conditions.into_iter().flatten().any(ready),
        }
    };
    Ok(nodes.into_iter().map(known).collect())
}

/// What the members say: enough for who waits for them, and it waits for no bucket.
pub async fn members(cluster: &Cluster) -> Result<Report> {
    let env = &cluster.env;
    let (server, credentials) = (names::certificate(env), names::credentials(env));
    let (pods, agreed, server, credentials, revisions) = tokio::try_join!(
        cluster.pods(),
        cluster.agreed(),
        cluster.secret_or_none(&server),
        cluster.secret_or_none(&credentials),
        revisions(cluster),
    )?;
    let pem = server.as_ref().and_then(|secret| secret_value(secret, "tls.crt"));
    let trusted = server.as_ref().and_then(|secret| secret_value(secret, CA));
    let digest = server.as_ref().and_then(certificate_digest);
    let passwords =
        credentials.and_then(|secret| passwords::digest(|key| secret_value(&secret, key)));
    let mut members = join_all(pods.iter().map(|pod| ask::member(cluster, pod))).await;
    for (member, pod) in members.iter_mut().zip(&pods) {
        let own = pod.labels().get("controller-revision-hash");
        member.outdated = own.is_some_and(|own| !revisions.contains(own));
        member.credentials = member.has_credentials(passwords.as_deref());
        member.certificate = member.serves(digest.as_deref());
    }
    health::join(&mut members);
    let now = Timestamp::now();
    let days_left =
        pem.map(|pem| tls::expiry(&pem)).transpose()?.map(|end| tls::days_left(end, now));
    let lock = Lock {
        leader: agreed.leader.as_deref(),
        ended: agreed
            .renewed
            .map(|at| at + SignedDuration::from_secs(env.replication.ttl.get().into()))
            .filter(|end| *end < now),
    };
    let judged = health::judge(env, &members, &lock, &agreed.synchronous, days_left);
    let (verdict, mut advice) =
        if agreed.is_paused() { health::with_pause(judged) } else { judged };
    if trusted.is_some_and(|trusted| tls::count(&trusted) > 1) {
        advice.push(
            "two CAs are trusted, because one replaces the other: when every client has read its ca.crt since, run `pg-cluster rotate-ca`, which goes on with it"
                .to_owned(),
        );
    }
    let primary = health::primary(&members);
    Ok(Report {
        name: env.name.to_string(),
        namespace: env.namespace().to_owned(),
        at: now,
        verdict,
        advice,
        primary_since: agreed
            .since
            .filter(|_| primary.map(|member| &member.name) == agreed.leader.as_ref()),
        timeline: primary.and_then(|member| member.timeline),
        version: primary.and_then(|member| member.answer.as_ref()?.version.clone()),
        synchronous_commit: primary
            .and_then(|member| Some(member.answer.as_ref()?.synchronous_commit.clone())),
        primary: primary.map(|member| member.name.clone()),
        certificate_days_left: days_left,
        upgrade: agreed.upgrade,
        archive: None,
        members,
    })
}

/// What the sets would make a pod from now.
async fn revisions(cluster: &Cluster) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for home in [HomeSet::Main, HomeSet::Replica] {
        let name = home.name(&cluster.env);
        let set = cluster.api::<StatefulSet>().get_opt(&name).await;
        let set = set.with_context(|| format!("read the StatefulSet {name}"))?;
        all.extend(set.and_then(|set| set.status?.update_revision));
    }
    Ok(all)
}

impl Cluster {
    /// Whoever may not read Secrets still gets a status, without the expiry.
    async fn secret_or_none(&self, name: &str) -> Result<Option<v1::Secret>> {
        match self.whole_secret(name).await {
            Err(error) if error.downcast_ref::<kube::Error>().is_some_and(is_forbidden) => Ok(None),
            other => other,
        }
    }
}

fn is_forbidden(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 403)
}
