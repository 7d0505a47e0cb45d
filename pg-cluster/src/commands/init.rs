//! From nothing to a streaming replica, or from what is there to what the
//! configuration says. Every step looks before it acts, so that the command can
//! be interrupted anywhere and run again.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use k8s_openapi::api::apps::v1::StatefulSet;
use kube::ResourceExt;
use serde_json::json;

use super::{destroy, given, print, renew};
use crate::{
    cli::Global,
    cluster::Cluster,
    conditions,
    env::POSTGRES_PORT,
    names,
    objects::{self, HomeSet},
    observe,
    patroni::{Agreed, wanted_beside},
    pods::blocked,
    progress::{self, Wait, until},
    roles,
    secrets::Secrets,
};

pub async fn run(cluster: &Cluster, global: &Global, timeout: Duration) -> Result<()> {
    let env = &cluster.env;
    let given = given(global, env)?;
    let agreed = cluster.agreed().await?;
    guard(cluster, &agreed).await?;
    if !env.replication.promises_durability() {
        progress::warn(
            "synchronous_mode or synchronous_commit is below \"on\": an acknowledged write may be lost in a failover",
        );
    }
    if env.backup.is_none() {
        progress::warn(
            "nothing is archived: what is written is lost with both volumes; add [backup] to postgres.toml",
        );
    }
    // What it refuses is refused before anything changes.
    let secrets = Secrets::wanted(cluster, &given).await?;
    let leads = if agreed.is_initialized() {
        agreed.last_leader.clone()
    } else {
        cluster.remember(timeout).await?
    };
    for object in objects::surroundings(env)? {
        cluster.apply(&object).await?;
    }
    for object in objects::obsolete(env)? {
        destroy::delete(cluster, &object).await?;
    }
    for object in &secrets.for_members {
        cluster.apply(object).await?;
    }

    cluster.grow(HomeSet::Main, timeout).await?;
    cluster.apply(&objects::set(env, HomeSet::Main)?).await?;
    free_the_stuck(cluster).await?;
    renew::replace_refused(cluster, timeout).await?;
    // What keeps every member from starting may be what is put right here.
    if let Some(name) = answering(cluster).await? {
        ensure_dynamic(cluster, &name, timeout).await?;
    }
    // Alone, the main member wins the bootstrap, and leads with what was restored. Later the two sets are
    // equals, and so they are where a replica has what is newer.
    let at_home = leads.is_none_or(|leader| leader.starts_with(&names::main(env)));
    let new = !agreed.is_initialized()
        || cluster.find::<StatefulSet>(&names::replica(env)).await?.is_none();
    if new && at_home {
        until("a primary", timeout, || conditions::primary(cluster)).await?;
    }
    cluster.grow(HomeSet::Replica, timeout).await?;
    cluster.apply(&objects::set(env, HomeSet::Replica)?).await?;
    let leader =
        until("a primary that takes writes", timeout, || conditions::primary(cluster)).await?;
    ensure_dynamic(cluster, &leader, timeout).await?;
    // Whoever waits for a new password need not wait for a replica that is away. The role first:
    // a Secret that PostgreSQL does not know yet would lock its readers out.
    roles::ensure(cluster, &leader, &secrets.passwords).await?;
    for object in &secrets.for_roles {
        cluster.apply(object).await?;
    }
    cluster.close_former_roles(&leader).await?;
    // A set says only after a moment which of its pods are of an older template.
    until("every replica streaming through its slot", timeout, async || {
        free_the_stuck(cluster).await?;
        conditions::streaming(cluster).await
    })
    .await?;
    until("every member serving its certificate", timeout, || conditions::served(cluster)).await?;
    cluster.renew_repository(timeout).await?;
    cluster.close_to_clients(&leader).await?;
    cluster.ensure_archive(&leader, timeout).await?;
    if new {
        cluster.first_backup(&leader, timeout).await?;
    }
    summary(cluster, global).await
}

/// Refuses what would lose data.
pub async fn guard(cluster: &Cluster, agreed: &Agreed) -> Result<()> {
    let env = &cluster.env;
    cluster.refuse_beside_recovery().await?;
    refuse_another_major(cluster, agreed).await?;
    if let Some(leader) = &agreed.leader {
        ensure!(
            names::pods(env).contains(leader),
            "{leader} is primary, and would go with the smaller number of members: run `pg-cluster switchover` first"
        );
    }
    for home in [HomeSet::Main, HomeSet::Replica] {
        cluster.growth(home).await?;
    }
    Ok(())
}

/// Refuses to start another major version on what is there.
pub async fn refuse_another_major(cluster: &Cluster, agreed: &Agreed) -> Result<()> {
    if !agreed.is_initialized() {
        return Ok(());
    }
    let wanted = cluster.env.major.get();
    match cluster.major().await? {
        Some(major) if major < wanted => bail!(
            "the cluster runs PostgreSQL {major}, and postgres.toml says major = {wanted}: run `pg-cluster upgrade --to {wanted}`, \
             or write major = {major}"
        ),
        Some(major) if major > wanted => bail!(
            "the cluster runs PostgreSQL {major}, and postgres.toml says major = {wanted}: write major = {major}; \
             the way back to {wanted} is `pg-cluster restore`, and loses what was written since"
        ),
        _ => Ok(()),
    }
}

/// A pod that runs on an older template and cannot start would wait for ever: its set replaces none
/// by itself. Deleting it takes nobody away.
async fn free_the_stuck(cluster: &Cluster) -> Result<()> {
    let pods = cluster.pods().await?;
    let stuck: Vec<_> = pods.iter().filter_map(|pod| Some((pod, blocked(pod)?))).collect();
    if stuck.is_empty() {
        return Ok(());
    }
    let report = observe::members(cluster).await?;
    for (pod, why) in stuck {
        let name = pod.name_any();
        if !report.members.iter().any(|member| member.name == name && member.outdated) {
            continue;
        }
        cluster.delete_pod(pod).await?;
        progress::done(&name, &format!("is made anew, because it could not start: {why}"));
    }
    Ok(())
}

/// A member whose Patroni answers, in a cluster that has no primary, or one that lets nobody in.
async fn answering(cluster: &Cluster) -> Result<Option<String>> {
    let is_made = cluster.agreed().await?.dynamic.is_some();
    if !is_made || observe::members(cluster).await?.primary.is_some() {
        return Ok(None);
    }
    for pod in cluster.pods().await? {
        let name = pod.name_any();
        if cluster.answers(&name).await {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Patroni reads its bootstrap section once; what changed since goes to it directly.
pub async fn ensure_dynamic(cluster: &Cluster, leader: &str, timeout: Duration) -> Result<()> {
    let wanted = objects::dynamic(&cluster.env);
    let live = until("the configuration that Patroni keeps", timeout, async || {
        let agreed = cluster.agreed().await?.dynamic;
        Ok(agreed.map_or_else(|| Wait::For("not written yet".to_owned()), Wait::Over))
    });
    let live = live.await?;
    let wanted = wanted_beside(&live, wanted);
    if live != wanted {
        cluster.put_dynamic(leader, &wanted).await?;
        progress::done("Patroni's configuration", "changed");
    }
    Ok(())
}

async fn summary(cluster: &Cluster, global: &Global) -> Result<()> {
    let env = &cluster.env;
    let report = observe::report(cluster, &cluster.agreed().await?).await?;
    let (primary, replica) = (names::primary_service(env), names::replica_service(env));
    let space = env.namespace();
    let mut lines = vec![
        format!("{} in namespace {space}: {}", env.name, report.verdict.words()),
        format!("  writes  {primary}.{space}.svc:{POSTGRES_PORT}"),
        format!("  reads   {replica}.{space}.svc:{POSTGRES_PORT}"),
    ];
    lines.extend(env.roles.keys().map(|role| {
        let secret = names::role_secret(env, role);
        format!("  role    {role}: its password and URI are in the Secret {secret}")
    }));
    lines.push(format!("Next: pg-cluster --env {} status", global.env));
    let json = json!({
        "name": env.name, "namespace": space, "verdict": report.verdict, "primary": report.primary,
        "services": { "primary": primary, "replica": replica, "members": names::members_service(env) },
        "role_secrets": env.roles.keys().map(|role| names::role_secret(env, role)).collect::<Vec<_>>(),
    });
    print(global.output, &lines.join("\n"), &json)?;
    Ok(())
}
