//! Roles and databases: made on the primary, and changed only where they differ.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::{cluster::Cluster, env::Env, passwords::Passwords, progress, scram};

const LIMIT: Duration = Duration::from_mins(1);

#[derive(Debug, Default, Deserialize)]
struct Live {
    roles: Vec<LiveRole>,
    databases: Vec<LiveDatabase>,
}
#[derive(Debug, Deserialize)]
struct LiveRole {
    name: String,
    connection_limit: i32,
    can_login: bool,
    verifier: Option<String>,
}
#[derive(Debug, Deserialize)]
struct LiveDatabase {
    name: String,
    owner: String,
    /// Whether every role may connect to it, as PostgreSQL has it by default.
    open: bool,
}

const LOOK: &str = "select json_build_object(
    'roles', (select coalesce(json_agg(json_build_object('name', rolname, 'connection_limit', rolconnlimit,
              'can_login', rolcanlogin, 'verifier', rolpassword)), '[]') from pg_authid),
    'databases', (select coalesce(json_agg(json_build_object('name', datname, 'owner', pg_get_userbyid(datdba),
              'open', has_database_privilege('public', oid, 'CONNECT, TEMPORARY'))), '[]') from pg_database))";

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
    for (name, database) in &env.databases {
        let owner = &database.owner;
        let mut want = |what: &str, statement| wanted.push((format!("{what} {name}"), statement));
        let found = live.databases.iter().find(|live| live.name == **name);
        match found {
            None => want("database", format!("create database \"{name}\" owner \"{owner}\";")),
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
    fn a_database_that_was_left_open_is_closed() {
        let (mut env, passwords) = env();
        env.roles.clear();
        let database = LiveDatabase { name: "todo".into(), owner: "app".into(), open: true };
        let live = Live { roles: vec![], databases: vec![database] };
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
        };
        let database = || LiveDatabase { name: "todo".into(), owner: "app".into(), open: false };
        let live = Live { roles: vec![role(Some(verifier))], databases: vec![database()] };
        assert!(statements(&env, &passwords, &live).unwrap().is_empty());
        let live = Live { roles: vec![role(None)], databases: vec![database()] };
        assert!(statements(&env, &passwords, &live).unwrap()[0].1.starts_with("alter role"));
    }
}
