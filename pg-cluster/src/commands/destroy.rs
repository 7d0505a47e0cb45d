//! Takes a cluster away, replicas first: so the member whose volume is newest
//! is the one that leads when the same name is made again.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{ConfigMap, PersistentVolumeClaim, Secret},
};
use kube::{
    Api, Resource,
    api::{DeleteParams, DynamicObject, ListParams},
};
use serde::de::DeserializeOwned;

use super::confirm;
use crate::{
    cli::Global,
    cluster::Cluster,
    env::Backup,
    names,
    objects::{self, HomeSet, Object},
    progress::{self, Wait, until},
};

pub struct Plan {
    pub delete_volumes: bool,
    pub name: Option<String>,
    pub timeout: Duration,
}

pub async fn run(cluster: &Cluster, global: &Global, plan: &Plan) -> Result<()> {
    let env = &cluster.env;
    let volumes = if plan.delete_volumes {
        "and delete its volumes and passwords"
    } else {
        "and keep its volumes and passwords"
    };
    if global.dry_run {
        progress::done(
            &format!("{} in {}", env.name, env.namespace()),
            &format!("would take it away {volumes}"),
        );
        return Ok(());
    }
    if plan.delete_volumes {
        progress::warn(&what_is_left(cluster).await);
    }
    match &plan.name {
        Some(name) => ensure!(
            **name == *env.name,
            "--name is {name}, but this environment's cluster is {}",
            env.name
        ),
        None if global.yes && !plan.delete_volumes => {}
        None => confirm(
            &format!("take {} away from namespace {} {volumes}", env.name, env.namespace()),
            &env.name,
        )?,
    }
    if !plan.delete_volumes {
        cluster.refuse_beside_recovery().await?;
        cluster.refuse_without_volumes().await?;
        primary_is_home(cluster).await?;
    }
    stop(cluster, plan.timeout).await?;
    let mut objects = objects::surroundings(env)?;
    objects.extend(objects::obsolete(env)?);
    // The namespace may be another cluster's, too.
    for object in objects.iter().rev().filter(|object| object.namespace.is_some()) {
        delete(cluster, object).await?;
    }
    let scope = format!("{}={}", objects::SCOPE_LABEL, env.name);
    // Those that `backup` and `restore` started; those of schedules go with these.
    let selector = objects::selector_text(env);
    delete_all::<Job>(cluster, &selector, "jobs", plan.timeout).await?;
    delete_all::<ConfigMap>(cluster, &scope, "Patroni's ConfigMaps", plan.timeout).await?;
    if plan.delete_volumes {
        delete_all::<PersistentVolumeClaim>(cluster, &selector, "volumes", plan.timeout).await?;
        delete_all::<Secret>(cluster, &selector, "Secrets", plan.timeout).await?;
        if env.backup.as_ref().is_some_and(Backup::outlives_cluster) {
            progress::done(
                "kept",
                &format!(
                    "the Secret {}: without it nobody reads the archive, which is still there",
                    names::backup(env)
                ),
            );
        }
    } else {
        progress::done(
            "kept",
            &format!("the volumes, and the Secrets {}", names::secrets(env).join(", ")),
        );
        progress::done(
            "next",
            "`pg-cluster init` brings the data back; `pg-cluster destroy --delete-volumes` ends it",
        );
    }
    Ok(())
}

/// What of the data there is elsewhere, for whoever is about to end it.
async fn what_is_left(cluster: &Cluster) -> String {
    const DUMP: &str = "`pg-cluster export --to FILE` makes a dump of a database first";
    let env = &cluster.env;
    match env.backup.as_ref().map(Backup::outlives_cluster) {
        None => format!("{} has no archive, so nothing of it is left: {DUMP}", env.name),
        Some(false) => {
            format!("the archive's server goes as well, so nothing of {} is left: {DUMP}", env.name)
        }
        Some(true) => {
            let leader = cluster.agreed().await.ok().and_then(|agreed| agreed.leader);
            let archive = cluster.archive(leader.as_deref()).await;
            let newest =
                archive.and_then(|archive| archive.last_backup).map(|it| format!("{it:.0}"));
            format!(
                "what is left is the archive in the bucket; its newest backup is of {}",
                newest.as_deref().unwrap_or("no moment that is known: `pg-cluster backup list`")
            )
        }
    }
}

/// Ends the members, replicas first; their volumes stay.
pub async fn stop(cluster: &Cluster, timeout: Duration) -> Result<()> {
    let env = &cluster.env;
    for home in [HomeSet::Replica, HomeSet::Main] {
        delete(cluster, &objects::set(env, home)?).await?;
        until(&format!("the end of {}'s pods", home.name(env)), timeout, || ended(cluster, home))
            .await?;
    }
    Ok(())
}

/// Kept volumes are found again by the member that leads, which is the one in `main`.
pub async fn primary_is_home(cluster: &Cluster) -> Result<()> {
    let main = names::main(&cluster.env);
    let agreed = cluster.agreed().await?;
    // A primary that stopped in order holds no lock any more, and was the last to write all the same.
    let initialized = agreed.is_initialized();
    match agreed.leader.or(agreed.last_leader) {
        Some(leader) if leader.starts_with(&main) => Ok(()),
        Some(leader) => bail!(
            "{leader} is primary, or was the last one, so the newest data isn't in {main}'s volume: run `pg-cluster switchover` first"
        ),
        None if !initialized => Ok(()),
        None => bail!(
            "nobody is known to have been primary last, so the newest data may be in any volume: run `pg-cluster init`, and then destroy"
        ),
    }
}

async fn ended(cluster: &Cluster, home: HomeSet) -> Result<Wait<()>> {
    let prefix = format!("{}-", home.name(&cluster.env));
    let left = cluster
        .pods()
        .await?
        .iter()
        .filter(|pod| pod.metadata.name.as_ref().is_some_and(|name| name.starts_with(&prefix)))
        .count();
    Ok(Wait::unless(left == 0, format!("{left} left")))
}

/// Deletes an object that may be gone already.
pub async fn delete(cluster: &Cluster, object: &Object) -> Result<()> {
    let api: Api<DynamicObject> =
        Api::namespaced_with(cluster.client.clone(), cluster.env.namespace(), &object.resource);
    let what = format!("{} {}", object.resource.kind, object.name);
    match api.delete(&object.name, &DeleteParams::background()).await {
        Ok(_) => progress::done(&what, "deleted"),
        Err(kube::Error::Api(status)) if status.code == 404 => {}
        Err(error) => return Err(error).with_context(|| format!("delete {what}")),
    }
    Ok(())
}

/// Deletes what the selector finds, and sees it gone: a volume stays for as long as Kubernetes still
/// finds a pod that uses it, and the next `init` would take it for one that was kept.
async fn delete_all<K>(
    cluster: &Cluster,
    selector: &str,
    what: &str,
    timeout: Duration,
) -> Result<()>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned,
{
    // One by one: `deletecollection` is a verb that few people are given.
    let api = cluster.api::<K>();
    // The key of an archive that stays.
    let archive = cluster.env.backup.as_ref().is_some_and(Backup::outlives_cluster);
    let stays = |name: &String| archive && *name == names::backup(&cluster.env);
    let list = async || -> Result<Vec<String>> {
        let params = ListParams::default().labels(selector);
        let found = api.list(&params).await.with_context(|| format!("list {what}"))?;
        Ok(found
            .items
            .iter()
            .filter_map(|item| item.meta().name.clone())
            .filter(|name| !stays(name))
            .collect())
    };
    for name in list().await? {
        match api.delete(&name, &DeleteParams::background()).await {
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            deleted => {
                deleted.with_context(|| format!("delete {name} of {what}"))?;
            }
        }
    }
    until(&format!("the end of {what}"), timeout, async || {
        let left = list().await?;
        Ok(Wait::unless(left.is_empty(), format!("{} left", left.join(", "))))
    })
    .await?;
    progress::done(what, "deleted");
    Ok(())
}
