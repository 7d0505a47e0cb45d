//! The cluster as it is at this moment: each member is asked, and no label is believed.

use anyhow::{Context, Result};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1};
use kube::{Api, ResourceExt, api::ListParams};
use serde_json::Value;

use crate::{
    ask,
    cluster::{Cluster, certificate_digest, secret_value},
    cures::told,
    diff,
    health::{self, Lock, Member, Report, nodes::Node},
    names,
    objects::{self, HomeSet, Object, secrets::CA},
    passwords,
    patroni::{Agreed, wanted_beside},
    tls,
    why::is_forbidden,
};

/// What the members say beside what they agreed on, and the archive.
pub async fn report(cluster: &Cluster, agreed: &Agreed) -> Result<Report> {
    // Boxed, since together they are large.
    let members = Box::pin(async {
        let report = members_with(cluster, agreed).await?;
        let nodes = nodes(cluster, &report.members).await?;
        anyhow::Ok((report, nodes))
    });
    let (members, archive, missing, ending, settings) = tokio::join!(
        members,
        cluster.archive(agreed.leader.as_deref()),
        missing(cluster),
        cluster.doomed(),
        other_settings(cluster, agreed.dynamic.as_ref())
    );
    let (mut report, nodes) = members?;
    report.judge_missing(&missing?);
    if report.members.len() < usize::try_from(cluster.env.members())?
        && let Some((set, why)) = cluster.refused().await
    {
        report.advice.push(told(cluster.env.namespace(), &format!("{set} may make no pod"), &why));
    }
    report.judge_doomed(&or_none(ending)?);
    report.judge_settings(&settings?);
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
        Err(error) if is_forbidden(&error) => Ok(None),
        Err(error) => Err(error),
    };
    let seen: Result<Vec<_>> = join_all(needed.into_iter().map(look)).await.into_iter().collect();
    Ok(seen?.into_iter().flatten().collect())
}

/// What Patroni was told otherwise than the configuration says, as by a switchover that was interrupted. Of
/// another major version's configuration nothing follows.
async fn other_settings(cluster: &Cluster, live: Option<&Value>) -> Result<Vec<String>> {
    let Some(live) = live else { return Ok(Vec::new()) };
    if cluster.major().await? != Some(cluster.env.major.get()) {
        return Ok(Vec::new());
    }
    let wanted = wanted_beside(live, objects::dynamic(&cluster.env));
    Ok(diff::paths(&diff::changes(live, &wanted)))
}

/// Enough to know whether a cluster has more than one place.
const SOME_NODES: u32 = 100;

/// The members' nodes and some others; none for whoever may not read them.
async fn nodes(cluster: &Cluster, members: &[Member]) -> Result<Vec<Node>> {
    let api = Api::<v1::Node>::all(cluster.client.clone());
    let label = &*cluster.env.main.spread;
    let some = ListParams::default().limit(SOME_NODES);
    let listed = api.list(&some).await.context("list the nodes");
    let Some(mut nodes) = or_none(listed.map(|listed| Some(listed.items)))? else {
        return Ok(Vec::new());
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
    let agreed = cluster.agreed().await?;
    Box::pin(members_with(cluster, &agreed)).await
}

async fn members_with(cluster: &Cluster, agreed: &Agreed) -> Result<Report> {
    let env = &cluster.env;
    let (server, credentials) = (names::certificate(env), names::credentials(env));
    let (pods, server, credentials, revisions, account) = tokio::try_join!(
        cluster.pods(),
        cluster.secret_or_none(&server),
        cluster.secret_or_none(&credentials),
        revisions(cluster),
        account(cluster),
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
        member.account = member.has_account(account.as_deref());
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
            .filter(|end| *end < leaders_now(&members, agreed.leader.as_deref()).unwrap_or(now)),
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
    let mut report = Report {
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
        upgrade: agreed.upgrade.clone(),
        archive: None,
        members,
    };
    report.judge_tokens();
    Ok(report)
}

/// The time by the clock of whoever holds the lock, since it is he who writes when he renewed it.
fn leaders_now(members: &[Member], leader: Option<&str>) -> Option<Timestamp> {
    let leader = members.iter().find(|member| Some(&*member.name) == leader)?;
    Some(leader.answer.as_ref()?.archiver.as_ref()?.at)
}

/// The identifier of the `ServiceAccount` that there is now; none for whoever may not read it.
async fn account(cluster: &Cluster) -> Result<Option<String>> {
    let found = cluster.find::<v1::ServiceAccount>(&names::patroni(&cluster.env)).await;
    Ok(or_none(found)?.and_then(|account| account.uid()))
}

/// What the sets would make a pod from now.
async fn revisions(cluster: &Cluster) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for home in [HomeSet::Main, HomeSet::Replica] {
        let set = cluster.find::<StatefulSet>(&home.name(&cluster.env)).await?;
        all.extend(set.and_then(|set| set.status?.update_revision));
    }
    Ok(all)
}

impl Cluster {
    /// Whoever may not read Secrets still gets a status, without the expiry.
    async fn secret_or_none(&self, name: &str) -> Result<Option<v1::Secret>> {
        or_none(self.whole_secret(name).await)
    }
}

/// Nothing, where one may not read it.
fn or_none<T: Default>(read: Result<T>) -> Result<T> {
    match read {
        Err(error) if is_forbidden(&error) => Ok(T::default()),
        read => read,
    }
}
