//! The passwords of roles that are there, compared by their verifiers and sent as such.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result};

use crate::{cluster::Cluster, password::Password, scram};

const LIMIT: Duration = Duration::from_mins(1);

/// What PostgreSQL knows of each role's password.
pub type Verifiers = BTreeMap<String, Option<String>>;

/// Gives roles these passwords, where they have others. They change together.
pub async fn set(cluster: &Cluster, primary: &str, wanted: &[(&str, &Password)]) -> Result<()> {
    let verifiers = verifiers(cluster, primary).await?;
    let mut changes = Vec::new();
    for (role, password) in wanted {
        changes.extend(change(role, password, verifiers.get(*role))?);
    }
    if !changes.is_empty() {
        let all = together(&changes.join("\n"));
        cluster.sql(primary, "postgres", &all, LIMIT).await.context("change passwords")?;
    }
    Ok(())
}

/// Statements as one, which waits for no standby: it may be one that waits for its password.
pub fn together(statements: &str) -> String {
    format!("begin;\nset local synchronous_commit = local;\n{statements}\ncommit;")
}

pub async fn verifiers(cluster: &Cluster, primary: &str) -> Result<Verifiers> {
    let look = "select json_object_agg(rolname, rolpassword) from pg_authid;";
    let answer = cluster.sql(primary, "postgres", look, LIMIT).await;
    serde_json::from_str(&answer.context("look at passwords")?).context("read verifiers")
}

/// A statement for a role that is there, unless it has this password.
pub fn change(
    role: &str,
    password: &Password,
    stored: Option<&Option<String>>,
) -> Result<Option<String>> {
    let Some(stored) = stored else { return Ok(None) };
    if stored.as_deref().is_some_and(|stored| scram::matches(stored, password.expose())) {
        return Ok(None);
    }
    let verifier = scram::verifier(password.expose())?;
    Ok(Some(format!("alter role \"{role}\" password '{verifier}';")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_that_is_there_gets_the_password_that_it_has_not_and_never_in_the_clear() {
        let password = Password::generate().unwrap();
        let change = |stored: Option<&Option<String>>| change("replicator", &password, stored);
        let own = Some(scram::verifier(password.expose()).unwrap());
        assert_eq!(change(Some(&own)).unwrap(), None);
        assert_eq!(change(None).unwrap(), None);
        for stored in [None, Some(scram::verifier("another-password").unwrap())] {
            let change = change(Some(&stored)).unwrap().unwrap();
            assert!(change.starts_with("alter role \"replicator\" password 'SCRAM-SHA-256$"));
            assert!(!change.contains(password.expose()));
        }
    }
}
