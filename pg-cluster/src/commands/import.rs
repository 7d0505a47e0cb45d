//! A dump of `export`, or a database of a server elsewhere, into an empty one: all of it or nothing.

mod server;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use tokio::io::AsyncReadExt;

use self::server::Server;
use super::{confirm, export};
use crate::{cli::Global, cluster::Cluster, names, observe, progress, wrong_usage::OrWrongUsage};

const LIMIT: Duration = Duration::from_mins(1);

/// What is in no extension, in a schema of the database's own.
const CONTENT: &str = "select count(*) from pg_class c join pg_namespace n on n.oid = relnamespace
    where nspname !~ '^pg_' and nspname <> 'information_schema'
    and not exists (select from pg_depend where objid = c.oid and deptype = 'e');";

/// What an owner cannot make, and the superuser has made from the configuration.
const EXTENSIONS: &str = "select string_agg(extname, ' ') from pg_extension;";

pub struct Plan {
    pub from: String,
    pub database: Option<String>,
}

/// Where the content comes from.
enum Source {
    Dump(PathBuf),
    Server(Server),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dump(path) => path.display().fmt(f),
            Self::Server(server) => server.fmt(f),
        }
    }
}

pub async fn run(cluster: &Cluster, global: &Global, plan: &Plan) -> Result<()> {
    let database = export::database(&cluster.env, plan.database.as_deref()).or_wrong_usage()?;
    let from = match Server::parse(&plan.from).or_wrong_usage()? {
        Some(server) => Source::Server(server),
        None => Source::Dump(plan.from.clone().into()),
    };
    let owner = cluster.env.databases.iter().find(|(name, _)| ***name == *database);
    let owner = owner.map(|(_, settings)| settings.owner.to_string()).unwrap_or_default();
    if let Source::Dump(path) = &from {
        export::opened(path).await?;
    }
    let primary = observe::members(cluster).await?.primary;
    let primary = primary.context("nobody takes writes now: see `pg-cluster status`")?;
    let content = cluster.sql(&primary, &database, CONTENT, LIMIT).await?;
    ensure!(
        content.trim() == "0",
        "{database} is not empty: add another database to postgres.toml, run init, and import into that with --database"
    );
    if let Source::Server(server) = &from {
        let theirs = server.major(cluster, &primary).await?;
        refuse_newer(&from, theirs, &database, cluster.env.major.get())?;
    }
    if global.dry_run {
        progress::done(&database, &format!("is empty, and would get what is in {from}"));
        return Ok(());
    }
    if !global.yes {
        confirm(&format!("import {from} into {database}"), &database)?;
    }
    let secret = names::role_secret(&cluster.env, &owner);
    let password = cluster.secret(&secret, "password").await?;
    let password =
        password.with_context(|| format!("there is no Secret {secret}: run `pg-cluster init`"))?;
    let as_before = || format!("import {from}; {database} is as empty as before");
    let counted = match &from {
        Source::Dump(path) => restore(cluster, &primary, path, &database, [&owner, &password])
            .await
            .map(|()| None)
            .with_context(as_before)?,
        Source::Server(server) => {
            let extensions = cluster.sql(&primary, &database, EXTENSIONS, LIMIT).await?;
            let login = [&*owner, &*password];
            let copied = server.copy(cluster, &primary, login, &database, extensions.trim()).await;
            Some(copied.with_context(as_before)?)
        }
    };
    if let Some(there) = counted {
        let here = cluster.sql(&primary, &database, server::COUNT, LIMIT * 60).await;
        compare(&there, &here.context("count what has arrived")?)
            .with_context(|| format!("compare {database} with {from}"))?;
    }
    cluster.sql(&primary, &database, "analyze;", LIMIT * 10).await.context("gather statistics")?;
    progress::done(&database, &format!("has what is in {from}"));
    Ok(())
}

/// `pg_dump` reads no server that is newer than itself, and what a newer one writes may mean nothing here.
fn refuse_newer(from: &Source, theirs: i32, database: &str, ours: i32) -> Result<()> {
    ensure!(
        theirs <= ours,
        "{from} runs PostgreSQL {theirs}, and {database} {ours}, which does not read what a newer one writes: upgrade to major = {theirs} first"
    );
    Ok(())
}

/// Each line is a table and its rows.
fn compare(there: &str, here: &str) -> Result<()> {
    let lines = |text: &str| -> BTreeMap<String, String> {
        let parts = text.lines().filter_map(|line| line.rsplit_once('|'));
        parts.map(|(table, rows)| (table.to_owned(), rows.to_owned())).collect()
    };
    let (there, here) = (lines(there), lines(here));
    let differ = |(table, rows): (&String, &String)| match here.get(table) {
        Some(same) if same == rows => None,
        other => Some(format!("{table} has {} rows, and had {rows}", other.map_or("no", |it| it))),
    };
    let all: Vec<_> = there.iter().filter_map(differ).collect();
    ensure!(all.is_empty(), "{}", all.join("; "));
    Ok(())
}

/// In one transaction, so that whatever fails leaves it empty. The owner logs in for it: code that a dump
/// brings along runs while it is restored, and would find its way back to a superuser's login.
async fn restore(
    cluster: &Cluster,
    primary: &str,
    from: &Path,
    database: &str,
    [owner, password]: [&str; 2],
) -> Result<()> {
    let (file, size) = export::opened(from).await?;
    let script = format!(
        "IFS= read -r PGPASSWORD; export PGPASSWORD; set -o pipefail; head -c {size} | \
         pg_restore --single-transaction --exit-on-error --no-owner -U {owner} -d {database}"
    );
    let line = format!("{password}\n");
    cluster.stream(primary, &script, line.as_bytes().chain(file), |_| Ok(())).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_server_is_refused_and_an_older_one_is_not() {
        let server = Server::parse("postgres://app@db.example.org/todo").unwrap().unwrap();
        let from = Source::Server(server);
        for theirs in [13, 17] {
            assert!(refuse_newer(&from, theirs, "todo", 17).is_ok());
        }
        let error = refuse_newer(&from, 18, "todo", 17).unwrap_err().to_string();
        assert_eq!(
            error,
            "postgres://app@db.example.org/todo runs PostgreSQL 18, and todo 17, which does not read what a newer one writes: upgrade to major = 18 first"
        );
    }

    #[test]
    fn a_table_that_is_not_whole_is_named() {
        let there = "public.a|2\npublic.b|c|0\n";
        assert!(compare(there, "public.a|2\npublic.b|c|0\n\n").is_ok());
        let error = compare(there, "public.a|1\n").unwrap_err().to_string();
        assert_eq!(error, "public.a has 1 rows, and had 2; public.b|c has no rows, and had 0");
    }
}
