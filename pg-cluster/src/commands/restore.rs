//! The whole cluster as it was at a moment of its archive.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::ConfigMap};
use kube::{ResourceExt, api::DeleteParams};

use super::{confirm, destroy, given};
use crate::{
    cli::Global,
    cluster::Cluster,
    conditions,
    moment::Moment,
    names,
    objects::{
        self, HomeSet,
        schedule::{self, Recovery},
    },
    observe,
    passwords::Passwords,
    progress::{self, until},
    roles,
    secrets::Secrets,
    wrong_usage::OrWrongUsage,
};

pub struct Plan {
    pub at: Moment,
    /// Don't keep what is there now.
    pub discard: bool,
    pub timeout: Duration,
}

pub async fn run(cluster: &Cluster, global: &Global, plan: &Plan) -> Result<()> {
    let env = &cluster.env;
    let backup = env.backup.as_ref();
    backup
        .with_context(|| format!("{} has no archive: add [backup] to postgres.toml", env.name))
        .or_wrong_usage()?;
    let upgrading = names::task(env, "upgrade");
    ensure!(
        cluster.writing(&["upgrade"]).await?.is_none(),
        "the job {upgrading} still writes to main's volume: wait for its end, or delete it and wait until its pod is gone"
    );
    let (major, runs) = (env.major.get(), cluster.major().await?);
    let another = runs.is_some_and(|runs| runs != major);
    let report = observe::members(cluster).await?;
    cluster.refuse_without_volumes().await?;
    // An upgrade that is not over has seen to that, and forgotten who it was.
    if report.upgrade.is_none() {
        destroy::primary_is_home(cluster).await?;
    }
    // With no member left, pgBackRest finds out when it restores.
    let base = if let Some(member) = report.answering() {
        Some(plan.at.check(cluster, &member.name, major).await?)
    } else {
        progress::warn("no member answers, so what the archive has is seen when it is read");
        None
    };
    let loss = format!(
        "what was written after {}{} is gone from {}{}",
        plan.at.words(),
        if another { format!(" with PostgreSQL {major}") } else { String::new() },
        env.name,
        if plan.discard { "" } else { ", and kept beside the restored data until it is deleted" }
    );
    if global.dry_run {
        progress::done(&env.name, &format!("would be restored: {loss}"));
        return Ok(());
    }
    if !global.yes {
        confirm(&format!("restore {}: {loss}", env.name), &env.name)?;
    }
    let secrets = Secrets::wanted(cluster, &given(global, env)?).await?;
    // What is acknowledged and not archived yet would be lost in `latest`.
    if let (Moment::Latest, Some(primary), false) = (&plan.at, &report.primary, another) {
        cluster.archive_now(primary, plan.timeout).await?;
    }
    destroy::stop(cluster, plan.timeout).await?;
    cluster.apply(&objects::main_volume(env)?).await?;
    let name = names::task(env, "restore");
    let job = schedule::recovery(
        env,
        name,
        &plan.at.arguments(base.as_ref()),
        &Recovery::InPlace { discard: plan.discard },
    );
    let job = cluster.start(job).await?;
    let recovered = cluster.finish("the restore", &job, plan.timeout).await?;
    let word = recovered.with_context(|| {
        format!("restore {}; `pg-cluster init` starts it again as it was", env.name)
    })?;
    cluster.forget(&job).await?;
    let found: serde_json::Value = serde_json::from_str(&word).unwrap_or_default();
    let system = found["system"].as_str().context("the restore says nothing of its database")?;
    let agreed = cluster.agreed().await?;
    if agreed.system.as_deref().is_some_and(|known| known != system) {
        empty_replicas(cluster, system, plan.timeout).await?;
        cluster.adopt(system).await?;
    }
    forget_the_past(cluster).await?;
    if another {
        for object in objects::surroundings(env)? {
            cluster.apply(&object).await?;
        }
    }
    // What it was to become is gone.
    if agreed.upgrade.is_some() {
        cluster.note_upgrade(None).await?;
        cluster.forget(&upgrading).await?;
    }
    start(cluster, &secrets.passwords, plan.timeout).await?;
    progress::done(
        &env.name,
        &format!(
            "is as it was at {}, on timeline {}",
            found["until"].as_str().unwrap_or("that moment"),
            found["timeline"]
        ),
    );
    if let Some(kept) = found["kept"].as_str().filter(|kept| !kept.is_empty()) {
        progress::done(
            "kept",
            &format!("what was there before, as {kept} in the volume of {}", names::main(env)),
        );
    }
    Ok(())
}

/// Who led and who was synchronous was true of the data that is gone.
pub async fn forget_the_past(cluster: &Cluster) -> Result<()> {
    for map in cluster.patroni_config_maps().await? {
        let name = map.name_any();
        if !name.ends_with(names::AGREED) {
            let deleted = cluster.api::<ConfigMap>().delete(&name, &DeleteParams::default()).await;
            deleted.with_context(|| format!("delete the ConfigMap {name}"))?;
        }
    }
    Ok(())
}

/// Main leads before a replica, with its newer data, is there. Passwords may have changed since the
/// moment that it is at, and a replica has those of today.
async fn start(cluster: &Cluster, passwords: &Passwords, timeout: Duration) -> Result<()> {
    cluster.apply(&objects::set(&cluster.env, HomeSet::Main)?).await?;
    let leader = until("a primary", timeout, || conditions::primary(cluster)).await?;
    roles::ensure(cluster, &leader, passwords).await?;
    cluster.follow(&leader, timeout).await?;
    start_replicas(cluster, timeout).await?;
    cluster.ensure_backup(&leader, timeout).await
}

pub async fn start_replicas(cluster: &Cluster, timeout: Duration) -> Result<()> {
    cluster.apply(&objects::set(&cluster.env, HomeSet::Replica)?).await?;
    conditions::until_streaming(cluster, timeout).await
}

/// What the replicas' volumes hold of another database goes: Patroni would not replace it.
pub async fn empty_replicas(cluster: &Cluster, system: &str, timeout: Duration) -> Result<()> {
    let env = &cluster.env;
    // Where they have been started, that is done, and the volumes are in use.
    if cluster.find::<StatefulSet>(&names::replica(env)).await?.is_some() {
        return Ok(());
    }
    let [_, volumes] = cluster.volumes().await?;
    let mut jobs = Vec::new();
    for volume in volumes {
        let member = volume.strip_prefix(&format!("data-{}-", env.name)).unwrap_or(&volume);
        let name = names::task(env, &format!("empty-{member}"));
        let job = objects::upgrade::emptying(env, name, volume.clone(), system);
        jobs.push(cluster.start(job).await?);
    }
    for job in jobs {
        cluster.finish("a replica's volume for a new copy", &job, timeout).await??;
        cluster.forget(&job).await?;
    }
    Ok(())
}
