//! A database as a file on this machine: `pg_dump` in a member, streamed through the API server.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use data_encoding::HEXLOWER;
use ring::digest;
use tokio::fs::File;

use crate::{
    cli::Global,
    cluster::Cluster,
    env::Env,
    exec::PASSWORD,
    health::streams,
    observe,
    progress::{self, Wait, until},
    wrong_usage::OrWrongUsage,
};

const LIMIT: Duration = Duration::from_mins(1);

pub struct Plan {
    pub to: PathBuf,
    pub database: Option<String>,
    /// Don't ask a replica, even if one streams.
    pub primary: bool,
}

pub async fn run(cluster: &Cluster, global: &Global, plan: &Plan) -> Result<()> {
    let database = database(&cluster.env, plan.database.as_deref()).or_wrong_usage()?;
    let to = plan.to.display();
    ensure!(plan.to.symlink_metadata().is_err(), "{to} is there already: name a new file");
    let report = observe::members(cluster).await?;
    let replica = report.members.iter().find(|member| !plan.primary && streams(member));
    let primary = report.primary.as_deref();
    let Some(pod) = replica.map(|member| member.name.as_str()).or(primary) else {
        bail!("no member answers: {}", report.advice.join("; "));
    };
    if global.dry_run {
        progress::done(&database, &format!("would be dumped from {pod} into {to}"));
        return Ok(());
    }
    if let (Some(primary), Some(replica)) = (primary, replica) {
        caught_up(cluster, primary, &replica.name).await?;
    }
    let began = Instant::now();
    // It appears under its name when it is whole, and only its owner may read it.
    let folder = plan.to.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
        .with_context(|| format!("make a file beside {to}"))?;
    dump(cluster, pod, &database, file.as_file_mut()).await?;
    check(cluster, pod, file.path()).await?;
    file.as_file().sync_all().with_context(|| format!("write {to}"))?;
    let size = file.as_file().metadata()?.len();
    file.persist_noclobber(&plan.to).with_context(|| format!("name the file {to}"))?;
    progress::done(
        &plan.to.to_string_lossy(),
        &format!(
            "{database} from {pod}, {size} bytes, checked, {:.1} s",
            began.elapsed().as_secs_f32()
        ),
    );
    Ok(())
}

/// The one that was asked for, else the only one there is.
pub fn database(env: &Env, wanted: Option<&str>) -> Result<String> {
    let names: Vec<_> = env.databases.keys().map(ToString::to_string).collect();
    match (wanted, names.as_slice()) {
        (Some(name), _) if names.iter().any(|known| known == name) => Ok(name.to_owned()),
        (None, [only]) => Ok(only.clone()),
        (None, []) => bail!("postgres.toml has no database: add [databases.…]"),
        _ => bail!("name a database of postgres.toml with --database: {}", names.join(", ")),
    }
}

/// Waits until the replica shows what was written before now.
async fn caught_up(cluster: &Cluster, primary: &str, replica: &str) -> Result<()> {
    let position = "select pg_current_wal_lsn();";
    let position = cluster.sql(primary, "postgres", position, LIMIT).await?;
    let question = format!("select pg_last_wal_replay_lsn() >= '{}'::pg_lsn;", position.trim());
    until("the replica to show what was written", LIMIT, async || {
        let shown = cluster.sql(replica, "postgres", &question, LIMIT).await?;
        Ok(Wait::unless(shown.trim() == "t", "its replay"))
    })
    .await
}

/// The member says what it has sent, by a digest; a connection that broke is not taken for the end.
async fn dump(cluster: &Cluster, pod: &str, database: &str, file: &mut fs::File) -> Result<()> {
    let script = format!(
        "{PASSWORD} exec 3>&1; pg_dump -Fc -d {database} | tee /proc/self/fd/3 | sha256sum >&2"
    );
    let mut seen = digest::Context::new(&digest::SHA256);
    let said = cluster
        .stream(pod, &script, tokio::io::empty(), |bytes| {
            seen.update(bytes);
            file.write_all(bytes).context("write the dump")
        })
        .await
        .with_context(|| {
            format!(
                "dump {database} in {pod}; --primary asks the primary, where no replay can end it"
            )
        })?;
    ensure!(
        said.contains(&HEXLOWER.encode(seen.finish().as_ref())),
        "what came from {pod} is not what it sent: run it again"
    );
    Ok(())
}

/// Lets PostgreSQL read the whole file back.
async fn check(cluster: &Cluster, pod: &str, path: &Path) -> Result<()> {
    feed(cluster, pod, path, "pg_restore -f /dev/null").await.context("read the dump back")
}

/// A file of this machine, and how long it is.
pub async fn opened(path: &Path) -> Result<(File, u64)> {
    let file = File::open(path).await.with_context(|| format!("open {}", path.display()))?;
    let size = file.metadata().await?.len();
    Ok((file, size))
}

/// Runs a command in a member with a file of this machine as its input.
async fn feed(cluster: &Cluster, pod: &str, path: &Path, command: &str) -> Result<()> {
    let (file, size) = opened(path).await?;
    let script = format!("{PASSWORD} head -c {size} | {command}");
    cluster.stream(pod, &script, file, |_| Ok(())).await?;
    Ok(())
}
