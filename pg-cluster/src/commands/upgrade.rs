//! To the next major version of PostgreSQL: checked beside the server that runs, backed up, and then done on
//! main's volume while no member runs. How far it has come is noted in the cluster, and a second run goes on.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use jiff::Timestamp;
use serde::Deserialize;

use super::{confirm, destroy, restore};
use crate::{
    cli::Global,
    cluster::Cluster,
    conditions,
    env::{Bounded, Env},
    exec::PASSWORD,
    health::Verdict,
    names,
    objects::{self, HomeSet, archive::GAP_FILE, schedule::Task},
    observe,
    progress::{self, until},
    upgrade::Upgrade,
    wrong_usage::OrWrongUsage,
};

pub struct Plan {
    pub to: i32,
    /// Look, and do nothing.
    pub check: bool,
    pub timeout: Duration,
}

/// The last word of the script.
#[derive(Default, Deserialize)]
struct Word {
    failed: Option<String>,
    system: Option<String>,
}

pub async fn run(cluster: &Cluster, global: &Global, plan: &Plan) -> Result<()> {
    let (env, to) = (&cluster.env, plan.to);
    let wanted = env.major.get();
    ensure_usage(to == wanted, || {
        format!(
            "postgres.toml says major = {wanted}: write major = {to}, which is what the members run then"
        )
    })?;
    let upgrade = match cluster.agreed().await?.upgrade {
        Some(upgrade) if upgrade.to != to || plan.check => bail!(upgrade.words()),
        Some(upgrade) => upgrade,
        None => {
            let from = cluster.major().await?;
            let from = from.with_context(|| {
                format!(
                    "there is no cluster {} in {}: run `pg-cluster init`",
                    env.name,
                    env.namespace()
                )
            })?;
            if from == to {
                progress::done(&env.name, &format!("runs PostgreSQL {to} already"));
                return Ok(());
            }
            ensure_usage(from < to, || {
                format!(
                    "{} runs PostgreSQL {from}: the way back to {to} is `pg-cluster restore`",
                    env.name
                )
            })?;
            if !prepared(cluster, global, plan, from).await? {
                return Ok(());
            }
            Upgrade { from, to, began: Timestamp::now(), system: None, serves: None }
        }
    };
    if global.dry_run {
        progress::done(&env.name, &upgrade.words());
        return Ok(());
    }
    cluster.note_upgrade(Some(&upgrade)).await?;
    Box::pin(go_on(cluster, upgrade, plan.timeout)).await
}

fn ensure_usage(holds: bool, why: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(anyhow!(why())).or_wrong_usage() }
}

/// Sees that it can be done and has been agreed to, and that there is a backup. False where looking was all.
async fn prepared(cluster: &Cluster, global: &Global, plan: &Plan, from: i32) -> Result<bool> {
    let (env, to) = (&cluster.env, plan.to);
    cluster.refuse_beside_recovery().await?;
    cluster.refuse_without_volumes().await?;
    let report = observe::report(cluster, &cluster.agreed().await?).await?;
    let primary = report.leader("nothing is upgraded")?;
    let alone = env.members() < 2 || !env.replication.promises_durability();
    ensure!(
        report.verdict == Verdict::Healthy || alone && report.verdict <= Verdict::Unprotected,
        "the cluster is {}, and only a healthy one is upgraded: {}",
        report.verdict.words(),
        report.advice.join("; ")
    );
    if let Some(backup) = &env.backup {
        ensure!(
            backup.keep.get() > 1,
            "backup.keep is 1, so that the first backup of PostgreSQL {to} would end the last one of {from}, which is the way back: write 2 or more, and init"
        );
    }
    ensure!(
        !cluster.agreed().await?.is_paused(),
        "Patroni is paused and would start no PostgreSQL: run `pg-cluster resume` first"
    );
    // Too long for an argument, which travels in a URL.
    let check = objects::upgrade::check(env, from);
    let script = format!("{PASSWORD} bash -c \"$(head -c {})\" < /dev/null", check.len());
    let word = cluster.shell(primary, &script, &check, plan.timeout).await;
    let word = read(&word.with_context(|| format!("check the upgrade in {primary}"))?)?;
    if let Some(why) = word.failed {
        bail!("{} cannot be upgraded to PostgreSQL {to}, and nothing was changed: {why}", env.name);
    }
    progress::done(&env.name, &format!("can be upgraded from PostgreSQL {from} to {to}"));
    if plan.check {
        return Ok(false);
    }
    destroy::primary_is_home(cluster).await?;
    let what = format!(
        "upgrade {} from PostgreSQL {from} to {to}, while clients wait{}",
        env.name,
        if env.backup.is_some() { "" } else { "; without [backup] there is no way back" }
    );
    if global.dry_run {
        progress::done("would", &what);
        return Ok(false);
    }
    if !global.yes {
        confirm(&what, &env.name)?;
    }
    if env.backup.is_some() {
        cluster.archive_now(primary, plan.timeout).await?;
        cluster.take(Task::Differential, plan.timeout).await?;
        let backups = cluster.backups(primary).await?;
        let newest = backups.last().context("the archive lists no backup")?;
        ensure!(
            !newest.damaged,
            "the backup {} has pages that do not fit their checksums: nothing is upgraded before they do",
            newest.name
        );
        progress::done("the way back", &format!("begins with the backup {}", newest.name));
    }
    Ok(true)
}

async fn go_on(cluster: &Cluster, mut upgrade: Upgrade, timeout: Duration) -> Result<()> {
    let env = &cluster.env;
    let name = names::task(env, "upgrade");
    if upgrade.system.is_none() {
        // Since the first run somebody else may have been made primary.
        let agreed = cluster.agreed().await?;
        if agreed.leader.or(agreed.last_leader).is_some() {
            destroy::primary_is_home(cluster).await?;
        }
        destroy::stop(cluster, timeout).await?;
        let job = objects::upgrade::job(env, upgrade.from, name.clone());
        let job = cluster.start(job).await?;
        let word = cluster.finish("the upgrade of main's volume", &job, timeout).await?;
        let word = word.with_context(|| {
            let Upgrade { from, to, .. } = upgrade;
            format!(
                "upgrade {}: the same command again goes on; the way back is major = {from} in postgres.toml and \
                 `pg-cluster restore --at latest` (of PostgreSQL {to} nothing was written yet)",
                env.name
            )
        })?;
        let word = read(&word)?;
        if let Some(why) = word.failed {
            back(cluster, &upgrade, timeout).await?;
            cluster.forget(&job).await?;
            bail!("{} runs PostgreSQL {} as before: {why}", env.name, upgrade.from);
        }
        let system = word.system.context("the upgrade says nothing of the new database")?;
        cluster.adopt(&system).await?;
        restore::forget_the_past(cluster).await?;
        upgrade.system = Some(system);
        cluster.note_upgrade(Some(&upgrade)).await?;
    }
    let system = upgrade.system.clone().unwrap_or_default();
    for object in objects::surroundings(env)? {
        cluster.apply(&object).await?;
    }
    cluster.apply(&objects::set(env, HomeSet::Main)?).await?;
    let leader = until("a primary", timeout, || conditions::primary(cluster)).await?;
    let serves = *upgrade.serves.get_or_insert_with(Timestamp::now);
    cluster.note_upgrade(Some(&upgrade)).await?;
    cluster.follow(&leader, timeout).await?;
    cluster.ensure_archive(&leader, timeout).await?;
    let programs = objects::programs(env);
    let analyze = format!(
        "{PASSWORD} {programs}/vacuumdb -w --all --analyze-in-stages --missing-stats-only > /dev/null"
    );
    cluster.shell(&leader, &analyze, "", timeout).await.context("make the missing statistics")?;
    restore::empty_replicas(cluster, &system, timeout).await?;
    restore::start_replicas(cluster, timeout).await?;
    // The links to the old data would keep what was deleted since.
    let tidy = format!("rm -rf \"$PGDATA/../upgrade\" \"$PGDATA/../upgrade.lock\" {GAP_FILE}");
    let main = format!("{}-0", names::main(env));
    cluster.shell(&main, &tidy, "", timeout).await.context("clear the old data away")?;
    cluster.ensure_backup(&leader, timeout).await?;
    cluster.note_upgrade(None).await?;
    if cluster.jobs().await?.iter().any(|job| job.metadata.name.as_ref() == Some(&name)) {
        cluster.forget(&name).await?;
    }
    progress::done(
        &env.name,
        &format!(
            "runs PostgreSQL {}; clients waited {:.1} s",
            upgrade.to,
            serves.duration_since(upgrade.began).as_secs_f64()
        ),
    );
    Ok(())
}

/// Starts the members on the old version again, whose data is as it was.
async fn back(cluster: &Cluster, upgrade: &Upgrade, timeout: Duration) -> Result<()> {
    let major = Bounded::new(upgrade.from).map_err(anyhow::Error::msg)?;
    let env = Env { major, ..cluster.env.clone() };
    let old = Cluster { client: cluster.client.clone(), env };
    for home in [HomeSet::Main, HomeSet::Replica] {
        old.apply(&objects::set(&old.env, home)?).await?;
    }
    conditions::until_streaming(&old, timeout).await?;
    old.note_upgrade(None).await
}

fn read(word: &str) -> Result<Word> {
    serde_json::from_str(word.trim()).with_context(|| format!("read what the upgrade said: {word}"))
}
