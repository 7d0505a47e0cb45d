//! Another cluster as a copy of one, at a moment of its archive. The original is only read.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::DeleteParams;

use super::{environment, export, given, init};
use crate::{
    cli::Global,
    cluster::Cluster,
    moment::Moment,
    names,
    objects::{self, archive, schedule, secrets},
    observe, progress,
    secrets::Secrets,
    wrong_usage::OrWrongUsage,
};

pub struct Plan {
    /// The environment of the original.
    pub from: String,
    pub at: Moment,
    /// SQL before anybody can connect, and for which database.
    pub mask: Option<PathBuf>,
    pub database: Option<String>,
    pub timeout: Duration,
}

pub async fn run(cluster: &Cluster, global: &Global, plan: &Plan) -> Result<()> {
    let env = &cluster.env;
    let origin = Cluster::connect(environment(&global.of(&plan.from)).or_wrong_usage()?).await?;
    ensure!(
        origin.env.backup.is_some(),
        "{} has no archive: add [backup] to its postgres.toml, or see `pg-cluster export`",
        plan.from
    );
    let mask = plan
        .mask
        .as_ref()
        .map(|path| fs::read_to_string(path).with_context(|| format!("read {}", path.display())));
    let mask = mask.transpose()?;
    let masked = match &mask {
        Some(_) => export::database(env, plan.database.as_deref()).or_wrong_usage()?,
        None => String::new(),
    };
    vacant(cluster).await?;
    let report = observe::members(&origin).await?;
    let base = match report.answering() {
        Some(member) => Some(plan.at.check(&origin, &member.name, env.major.get()).await?),
        None => None,
    };
    if global.dry_run {
        progress::done(
            &env.name,
            &format!("would become a copy of {} at {}", origin.env.name, plan.at.words()),
        );
        return Ok(());
    }
    let secrets = Secrets::wanted(cluster, &given(global, env)?).await?;
    for object in objects::surroundings(env)? {
        cluster.apply(&object).await?;
    }
    for object in secrets.for_members {
        cluster.apply(&object).await?;
    }
    let key = names::task(env, "origin");
    cluster.apply(&key_of(&origin, cluster, key.clone(), mask).await?).await?;
    cluster.apply(&objects::main_volume(env)?).await?;
    let recovery =
        schedule::Recovery::CopyOf { origin: &origin.env, secret: &key, masked: &masked };
    let job = schedule::recovery(
        env,
        names::task(env, "clone"),
        &plan.at.arguments(base.as_ref()),
        &recovery,
    );
    let job = cluster.start(job).await?;
    let copied = cluster.finish("the copy", &job, plan.timeout).await?;
    // The key of somebody else's archive stays no longer than it is needed.
    let deleted = cluster.api::<Secret>().delete(&key, &DeleteParams::default()).await;
    deleted.with_context(|| format!("delete the Secret {key}"))?;
    copied.with_context(|| {
        format!(
            "copy {}; `pg-cluster destroy --delete-volumes` clears away what is there of it",
            origin.env.name
        )
    })?;
    cluster.forget(&job).await?;
    Box::pin(init::run(cluster, global, plan.timeout)).await
}

/// A copy goes where nothing is.
async fn vacant(cluster: &Cluster) -> Result<()> {
    let name = &cluster.env.name;
    let [main, replica] = cluster.volumes().await?;
    let pods = cluster.pods().await?;
    let found = main.into_iter().chain(replica).next();
    // What a copy that was not finished has left is its own.
    let begun = cluster
        .jobs()
        .await?
        .iter()
        .any(|job| job.metadata.name.as_deref() == Some(&names::task(&cluster.env, "clone")));
    let vacant = pods.is_empty() && !cluster.agreed().await?.is_initialized();
    ensure!(
        vacant && (begun || found.is_none()),
        "{name} is there already{}: a copy needs a name or a namespace of its own",
        found.map_or_else(String::new, |volume| format!(", or its volume {volume}"))
    );
    Ok(())
}

async fn key_of(
    origin: &Cluster,
    copy: &Cluster,
    name: String,
    mask: Option<String>,
) -> Result<objects::Object> {
    let holder = names::backup(&origin.env);
    let config = origin.secret(&holder, archive::MEMBER_FILE).await?;
    let config = config
        .with_context(|| format!("there is no Secret {holder} in {}", origin.env.namespace()))?;
    let authority = origin.secret(&names::certificate(&origin.env), secrets::CA).await?;
    schedule::key_of_origin(&copy.env, name, config, authority.unwrap_or_default(), mask)
}
