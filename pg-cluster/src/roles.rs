//! Roles and databases: made on the primary, and changed only where they differ.

mod reads;

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::{
    cluster::Cluster,
    env::{Env, Extension},
    passwords::{Passwords, system_roles},
    progress, role_passwords, scram,
};

const LIMIT: Duration = Duration::from_mins(1);

#[derive(Debug, Default, Deserialize)]
struct Live {
    roles: Vec<LiveRole>,
    databases: Vec<LiveDatabase>,
    /// Whether the role of `pg_rewind` has the connections that are kept for it.
    #[serde(default)]
    rewind_is_reserved: bool,
    /// Whether `pg_stat_statements` can be asked.
    #[serde(default)]
    has_statements: bool,
}
#[derive(Debug, Deserialize)]
struct LiveRole {
    name: String,
    connection_limit: i32,
    can_login: bool,
    verifier: Option<String>,
    /// Whether it was let read all that is where it may connect, as `reads` does.
    #[serde(default)]
    reads_all: bool,
}
#[derive(Debug, Deserialize)]
struct LiveDatabase {
    name: String,
    owner: String,
    /// Whether every role may connect to it, as PostgreSQL has it by default.
    open: bool,
    /// Roles that may connect to it.
    #[serde(default)]
    readers: Vec<String>,
}

const LOOK: &str = "select json_build_object(
    'rewind_is_reserved', coalesce((select pg_has_role(oid, 'pg_use_reserved_connections', 'member')
                                    from pg_roles where rolname = 'rewind'), true),
    'has_statements', exists (select from pg_extension where extname = 'pg_stat_statements'),
    'roles', (select coalesce(json_agg(json_build_object('name', rolname, 'connection_limit', rolconnlimit,
              'can_login', rolcanlogin, 'verifier', rolpassword,
              'reads_all', exists (select from pg_auth_members
                                   where member = pg_authid.oid and roleid = 'pg_read_all_data'::regrole))), '[]') from pg_authid),
    'databases', (select coalesce(json_agg(json_build_object('name', datname, 'owner', pg_get_userbyid(datdba),
              'open', has_database_privilege('public', oid, 'CONNECT, TEMPORARY'),
              'readers', (select coalesce(json_agg(rolname), '[]') from pg_roles as reader
                          where has_database_privilege(reader.oid, pg_database.oid, 'CONNECT')))), '[]') from pg_database))";

/// Brings the roles and databases of the configuration about. What it doesn't name is left alone.
pub async fn ensure(cluster: &Cluster, primary: &str, passwords: &Passwords) -> Result<()> {
    let answer = cluster
        .sql(primary, "postgres", &format!("{LOOK};"), LIMIT)
        .await
        .context("look at roles and databases")?;
    let live: Live = serde_json::from_str(&answer).context("read roles and databases")?;
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

fn statements(env: &Env, passwords: &Passwords, live: &Live) -> Result<Vec<(String, String)>> {
    let mut wanted = Vec::new();
    for (name, role) in &env.roles {
        let password = passwords.roles.get(&**name).context("find a role's password")?;
        let limit = role.connection_limit.get();
        let found = live.roles.iter().find(|live| live.name == **name);
        let same = found.is_some_and(|live| {
            live.can_login
                && live.connection_limit == limit
                && live
                    .verifier
                    .as_deref()
                    .is_some_and(|stored| scram::matches(stored, password.expose()))
        });
        if !same {
            let verb = if found.is_some() { "alter" } else { "create" };
            let verifier = scram::verifier(password.expose())?;
            let statement = format!(
                "{verb} role \"{name}\" with login connection limit {limit} password '{verifier}';"
            );
            wanted.push((format!("role {name}"), statement));
        }
    }
    for (name, password) in system_roles(&passwords.system) {
        let found = live.roles.iter().find(|live| live.name == name);
        let change = role_passwords::change(name, password, found.map(|live| &live.verifier))?;
        let change = change.map(|change| role_passwords::together(&change));
        wanted.extend(change.map(|change| (format!("password of {name}"), change)));
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
                want("database", format!("create database \"{name}\" owner \"{owner}\"{locale};"));
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
    }
    wanted.extend(reads::statements(env, live));
    if !live.rewind_is_reserved {
        let grant = "grant pg_use_reserved_connections to rewind;";
        wanted.push(("connections for pg_rewind".to_owned(), grant.to_owned()));
    }
    if !live.has_statements {
        let create = "create extension if not exists pg_stat_statements schema public;";
        wanted.push(("pg_stat_statements".to_owned(), create.to_owned()));
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passwords::Given;

    fn env() -> (Env, Passwords) {
        let text = "name = \"a\"\nimage = \"a:1\"\n[roles.app]\nconnection_limit = 5\n[databases.todo]\nowner = \"app\"";
        let env = Env::parse(text, "dev").unwrap();
        let passwords = Passwords::resolve(&env, &Given::default(), |_, _| None).unwrap();
        (env, passwords)
    }

    /// A server that has what every one gets.
    fn settled() -> Live {
        Live { rewind_is_reserved: true, has_statements: true, ..Live::default() }
    }

    #[test]
    fn what_is_missing_is_made_and_no_password_is_sent() {
        let (env, passwords) = env();
        let made = statements(&env, &passwords, &Live::default()).unwrap();
        assert!(made[0].1.starts_with(
            "create role \"app\" with login connection limit 5 password 'SCRAM-SHA-256$4096:"
        ));
        assert!(!made[0].1.contains(passwords.roles["app"].expose()));
        assert_eq!(made[1].1, "create database \"todo\" owner \"app\";");
        assert_eq!(made[2].1, "revoke all on database \"todo\" from public;");
    }

    #[test]
    fn a_reader_gets_into_its_databases_alone_and_an_order_is_given_at_birth() {
        let text = "name = \"a\"\nimage = \"a:1\"\nroles.app = {}\nroles.look.reads = [\"todo\"]\n\
                    databases.todo = { owner = \"app\", icu_locale = \"de-DE\" }\ndatabases.other.owner = \"look\"";
        let env = Env::parse(text, "dev").unwrap();
        assert_eq!(env.database_of("look").map(|name| &**name), Some("other"));
        let passwords = Passwords::resolve(&env, &Given::default(), |_, _| None).unwrap();
        let made: Vec<_> = statements(&env, &passwords, &settled()).unwrap();
        let made: Vec<&str> = made.iter().map(|(_, statement)| statement.as_str()).collect();
        for statement in [
            "create database \"todo\" owner \"app\" template template0 locale_provider icu icu_locale 'de-DE';",
            "grant pg_read_all_data to \"look\";",
            "grant connect on database \"todo\" to \"look\";",
        ] {
            assert!(made.contains(&statement), "{made:?}");
        }
        for wrong in ["roles.app.reads = [\"todo\"]", "roles.app.reads = [\"nothing\"]"] {
            let text = text.replace("roles.app = {}", wrong);
            assert!(Env::parse(&text, "dev").unwrap_err().to_string().contains("roles.app.reads"));
        }
        let text = text.replace("de-DE", "de'; drop");
        assert!(format!("{:#}", Env::parse(&text, "dev").unwrap_err()).contains("ICU"));
    }

    #[test]
    fn a_database_that_was_left_open_is_closed() {
        let (mut env, passwords) = env();
        env.roles.clear();
        let database =
            LiveDatabase { name: "todo".into(), owner: "app".into(), open: true, readers: vec![] };
        let live = Live { databases: vec![database], ..settled() };
        let made = statements(&env, &passwords, &live).unwrap();
        assert_eq!(made.len(), 1);
        assert_eq!(made[0].1, "revoke all on database \"todo\" from public;");
    }

    #[test]
    fn what_is_as_wanted_is_left_alone() {
        let (env, passwords) = env();
        let verifier = scram::verifier(passwords.roles["app"].expose()).unwrap();
        let role = |verifier| LiveRole {
            name: "app".into(),
            connection_limit: 5,
            can_login: true,
            verifier,
            reads_all: false,
        };
        let database = || LiveDatabase {
            name: "todo".into(),
            owner: "app".into(),
            open: false,
            readers: vec![],
        };
        let live =
            Live { roles: vec![role(Some(verifier))], databases: vec![database()], ..settled() };
        assert!(statements(&env, &passwords, &live).unwrap().is_empty());
        let live = Live { roles: vec![role(None)], databases: vec![database()], ..settled() };
        assert!(statements(&env, &passwords, &live).unwrap()[0].1.starts_with("alter role"));
    }
}
