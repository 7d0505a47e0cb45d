//! Roles and databases: made on the primary, and changed only where they differ.

mod exporter;
mod reads;
mod system;

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::{
    cluster::Cluster,
    env::{Database, Env, Extension, Identifier},
    passwords::Passwords,
    progress, scram,
};

const LIMIT: Duration = Duration::from_mins(1);

#[derive(Debug, Default, Deserialize)]
struct Live {
    roles: Vec<LiveRole>,
    databases: Vec<LiveDatabase>,
    /// Whether the role of `pg_rewind` has the connections that are kept for it.
    #[serde(default)]
    rewind_is_reserved: bool,
    /// Whether it may read what `pg_rewind` does.
    #[serde(default)]
    rewind_reads: bool,
    /// Whether `pg_stat_statements` can be asked.
    #[serde(default)]
    has_statements: bool,
}
#[allow(clippy::struct_excessive_bools)] // PostgreSQL's own
#[derive(Debug, Deserialize)]
struct LiveRole {
    name: String,
    connection_limit: i32,
    can_login: bool,
    /// Whether its password is good until some day only.
    #[serde(default)]
    ends: bool,
    #[serde(default)]
    replicates: bool,
    verifier: Option<String>,
    /// Whether it was let read all that is where it may connect, as `reads` does.
    #[serde(default)]
    reads_all: bool,
    /// Whether it was let read all statistics, as the exporter is.
    #[serde(default)]
    monitors: bool,
}
#[derive(Debug, Deserialize)]
struct LiveDatabase {
    name: String,
    owner: String,
    /// Whether every role may connect to it, as PostgreSQL has it by default.
    open: bool,
    /// Whether it takes no connections, of nobody.
    #[serde(default)]
    closed: bool,
    /// Whether its owner may not connect to it.
    #[serde(default)]
    shuts_owner_out: bool,
    /// Roles that may connect to it.
    #[serde(default)]
    readers: Vec<String>,
}

fn look() -> String {
    let reads: Vec<_> = system::READS_OF_REWIND
        .iter()
        .map(|function| format!("has_function_privilege(oid, '{function}', 'EXECUTE')"))
        .collect();
    format!(
        "select json_build_object(
    'rewind_is_reserved', coalesce((select pg_has_role(oid, 'pg_use_reserved_connections', 'member')
                                    from pg_roles where rolname = 'rewind'), false),
    'rewind_reads', coalesce((select {} from pg_roles where rolname = 'rewind'), false),
    'has_statements', exists (select from pg_extension where extname = 'pg_stat_statements'),
    'roles', (select coalesce(json_agg(json_build_object('name', rolname, 'connection_limit', rolconnlimit,
              'can_login', rolcanlogin, 'ends', coalesce(rolvaliduntil <> 'infinity', false), 'replicates', rolreplication,
              'verifier', rolpassword,
              'reads_all', exists (select from pg_auth_members
                                   where member = pg_authid.oid and roleid = 'pg_read_all_data'::regrole),
              'monitors', exists (select from pg_auth_members
                                  where member = pg_authid.oid and roleid = 'pg_monitor'::regrole))), '[]') from pg_authid),
    'databases', (select coalesce(json_agg(json_build_object('name', datname, 'owner', pg_get_userbyid(datdba),
              'open', has_database_privilege('public', oid, 'CONNECT, TEMPORARY'),
              'closed', not datallowconn or datconnlimit = 0,
              'shuts_owner_out', not has_database_privilege(datdba, oid, 'CONNECT'),
              'readers', (select coalesce(json_agg(rolname), '[]') from pg_roles as reader
                          where has_database_privilege(reader.oid, pg_database.oid, 'CONNECT')))), '[]') from pg_database));",
        reads.join(" and ")
    )
}

async fn live(cluster: &Cluster, primary: &str) -> Result<Live> {
    let answer = cluster
        .sql(primary, "postgres", &look(), LIMIT)
        .await
        .context("look at roles and databases")?;
    serde_json::from_str(&answer).context("read roles and databases")
}

/// What `ensure` would make or put right of roles and databases, in words.
pub async fn lacking(
    cluster: &Cluster,
    primary: &str,
    passwords: &Passwords,
) -> Result<Vec<String>> {
    let wanted = statements(&cluster.env, passwords, &live(cluster, primary).await?)?;
    Ok(wanted.into_iter().map(|(what, _)| what).collect())
}

/// Brings the roles and databases of the configuration about. What it doesn't name is left alone.
pub async fn ensure(cluster: &Cluster, primary: &str, passwords: &Passwords) -> Result<()> {
    let live = live(cluster, primary).await?;
    for (name, old, new) in handed_over(&cluster.env, &live) {
        progress::warn(&format!(
            "{name} goes from {old} to {new}, and what {old} made in it stays {old}'s: `reassign owned by \"{old}\" to \"{new}\"` there, as \
             superuser, hands it over, and every other database of {old} with it"
        ));
    }
    for (what, statement) in statements(&cluster.env, passwords, &live)? {
        cluster
            .sql(primary, "postgres", &statement, LIMIT)
            .await
            .with_context(|| format!("make {what}"))?;
        progress::done(&what, "made");
    }
    for (name, database) in &cluster.env.databases {
        ensure_extensions(cluster, primary, name, &database.extensions).await?;
    }
    Ok(())
}

/// What a database has not yet of its extensions. Those that it has beyond them are its owner's.
async fn ensure_extensions(
    cluster: &Cluster,
    primary: &str,
    database: &str,
    wanted: &[Extension],
) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let look = "select json_agg(extname) from pg_extension;";
    let answer = cluster.sql(primary, database, look, LIMIT).await;
    let answer = answer.with_context(|| format!("look at the extensions of {database}"))?;
    let has: Vec<String> = serde_json::from_str(&answer).context("read a list of extensions")?;
    for extension in wanted.iter().filter(|wanted| !has.iter().any(|has| *has == ***wanted)) {
        let statement = format!("create extension \"{extension}\" schema public;");
        let what = format!("extension {extension} in {database}");
        let made = cluster.sql(primary, database, &statement, LIMIT).await;
        made.with_context(|| format!("make {what}"))?;
        progress::done(&what, "made");
    }
    Ok(())
}

/// Databases that get another owner, with the old one and the new.
fn handed_over<'a>(env: &'a Env, live: &'a Live) -> Vec<(&'a str, &'a str, &'a str)> {
    let of = |(name, database): (&'a Identifier, &'a Database)| {
        let found = live.databases.iter().find(|live| live.name == **name)?;
        let changes = found.owner != *database.owner;
        changes.then_some((&**name, &*found.owner, &*database.owner))
    };
    env.databases.iter().filter_map(of).collect()
}

fn statements(env: &Env, passwords: &Passwords, live: &Live) -> Result<Vec<(String, String)>> {
    // Without them no standby streams, and every later statement may wait for one.
    let mut wanted = system::statements(passwords, live)?;
    for (name, role) in &env.roles {
        let password = passwords.roles.get(&**name).context("find a role's password")?;
        let limit = role.connection_limit.get();
        let found = live.roles.iter().find(|live| live.name == **name);
        let same = found.is_some_and(|live| {
            live.can_login
                && !live.ends
                && live.connection_limit == limit
                && live
                    .verifier
                    .as_deref()
                    .is_some_and(|stored| scram::matches(stored, password.expose()))
        });
        if !same {
            let verb = if found.is_some() { "alter" } else { "create" };
            let ends = if found.is_some() { " valid until 'infinity'" } else { "" };
            let verifier = scram::verifier(password.expose())?;
            let statement = format!(
                "{verb} role \"{name}\" with login connection limit {limit} password '{verifier}'{ends};"
            );
            wanted.push((format!("role {name}"), statement));
        }
    }
    for (name, database) in &env.databases {
        let owner = &database.owner;
        let mut want = |what: &str, statement| wanted.push((format!("{what} {name}"), statement));
        let found = live.databases.iter().find(|live| live.name == **name);
        match found {
            None => {
                // Only template0 lets a database have another order than its own.
                let locale = database.icu_locale.as_ref().map_or_else(String::new, |locale| {
                    format!(" template template0 locale_provider icu icu_locale '{locale}'")
                });
                // A language that ICU does not know is a warning otherwise, and the order is there for ever.
                let strict =
                    if locale.is_empty() { "" } else { "set icu_validation_level = error; " };
                want(
                    "database",
                    format!("{strict}create database \"{name}\" owner \"{owner}\"{locale};"),
                );
            }
            Some(live) if live.owner != **owner => {
                want("owner of", format!("alter database \"{name}\" owner to \"{owner}\";"));
            }
            Some(_) => {}
        }
        // A step of its own, since whoever made the database may have been interrupted here.
        if found.is_none_or(|live| live.open) {
            want("privacy of", format!("revoke all on database \"{name}\" from public;"));
        }
        if found.is_some_and(|live| live.closed) {
            let open = "allow_connections true connection limit -1";
            want("way into", format!("alter database \"{name}\" with {open};"));
        }
        // Whoever it goes to gets what its owner had.
        if found.is_some_and(|live| live.shuts_owner_out) {
            let grant = format!("grant all on database \"{name}\" to \"{owner}\";");
            want("owner's way into", grant);
        }
    }
    wanted.extend(reads::statements(env, live));
    wanted.extend(exporter::statements(env, live));
    if !live.has_statements {
        let create = "create extension if not exists pg_stat_statements schema public;";
        wanted.push(("pg_stat_statements".to_owned(), create.to_owned()));
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests;
