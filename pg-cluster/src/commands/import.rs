//! A dump of `export` into an empty database, all of it or nothing.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, ensure};

use super::{confirm, export};
use crate::{cli::Global, cluster::Cluster, observe, progress};

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
    let database = export::database(&cluster.env, plan.database.as_deref())?;
    let from = plan.from.display();
    let owner = cluster.env.databases.iter().find(|(name, _)| ***name == *database);
    let owner = owner.map(|(_, settings)| settings.owner.to_string()).unwrap_or_default();
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
    // In one transaction, so that whatever fails leaves it empty, and the owner owns it all.
    let command = format!(
        "pg_restore --single-transaction --exit-on-error --no-owner --role={owner} -d {database}"
    );
    export::feed(cluster, &primary, &plan.from, &command)
        .await
        .with_context(|| format!("import {from}; {database} is as empty as before"))?;
    cluster.sql(&primary, &database, "analyze;", LIMIT * 10).await.context("gather statistics")?;
    progress::done(&database, &format!("has what is in {from}"));
    Ok(())
}
