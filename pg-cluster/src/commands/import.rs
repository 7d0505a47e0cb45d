//! A dump of `export` into an empty database, all of it or nothing.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use tokio::io::AsyncReadExt;

use super::{confirm, export};
use crate::{cli::Global, cluster::Cluster, names, observe, progress, wrong_usage::OrWrongUsage};

const LIMIT: Duration = Duration::from_mins(1);

/// What is in no extension, in a schema of the database's own.
const CONTENT: &str = "select count(*) from pg_class c join pg_namespace n on n.oid = relnamespace
    where nspname !~ '^pg_' and nspname <> 'information_schema'
    and not exists (select from pg_depend where objid = c.oid and deptype = 'e');";

pub struct Plan {
    pub from: PathBuf,
    pub database: Option<String>,
}

pub async fn run(cluster: &Cluster, global: &Global, plan: &Plan) -> Result<()> {
    let database = export::database(&cluster.env, plan.database.as_deref()).or_wrong_usage()?;
    let from = plan.from.display();
    let owner = cluster.env.databases.iter().find(|(name, _)| ***name == *database);
    let owner = owner.map(|(_, settings)| settings.owner.to_string()).unwrap_or_default();
    export::opened(&plan.from).await?;
    let primary = observe::members(cluster).await?.primary;
    let primary = primary.context("nobody takes writes now: see `pg-cluster status`")?;
    let content = cluster.sql(&primary, &database, CONTENT, LIMIT).await?;
    ensure!(
        content.trim() == "0",
        "{database} is not empty: add another database to postgres.toml, run init, and import into that with --database"
    );
    if global.dry_run {
        progress::done(&database, &format!("is empty, and would get what is in {from}"));
        return Ok(());
    }
    if !global.yes {
        confirm(&format!("import {from} into {database}"), &database)?;
    }
    restore(cluster, &primary, &plan.from, &database, &owner)
        .await
        .with_context(|| format!("import {from}; {database} is as empty as before"))?;
    cluster.sql(&primary, &database, "analyze;", LIMIT * 10).await.context("gather statistics")?;
    progress::done(&database, &format!("has what is in {from}"));
    Ok(())
}

/// In one transaction, so that whatever fails leaves it empty. The owner logs in for it: code that a dump
/// brings along runs while it is restored, and would find its way back to a superuser's login.
async fn restore(
    cluster: &Cluster,
    primary: &str,
    from: &Path,
    database: &str,
    owner: &str,
) -> Result<()> {
    let (file, size) = export::opened(from).await?;
    let secret = names::role_secret(&cluster.env, owner);
    let password = cluster.secret(&secret, "password").await?;
    let password =
        password.with_context(|| format!("there is no Secret {secret}: run `pg-cluster init`"))?;
    let script = format!(
        "IFS= read -r PGPASSWORD; export PGPASSWORD; set -o pipefail; head -c {size} | \
         pg_restore --single-transaction --exit-on-error --no-owner -U {owner} -d {database}"
    );
    let line = password + "\n";
    cluster.stream(primary, &script, line.as_bytes().chain(file), |_| Ok(())).await?;
    Ok(())
}
