//! Roles that left the configuration: each loses its login, and what it owns stays.

use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams},
};

use crate::{
    cluster::{Cluster, secret_value},
    names,
    objects::selector_text,
    progress,
};

const LIMIT: Duration = Duration::from_mins(1);

/// A role whose Secret is there, and which postgres.toml no longer names.
pub struct FormerRole {
    pub name: String,
    pub secret: String,
}

impl Cluster {
    /// By their Secrets, which init made and takes away with the login.
    pub async fn former_roles(&self) -> Result<Vec<FormerRole>> {
        let ours = ListParams::default().labels(&selector_text(&self.env));
        let secrets = self.api::<Secret>().list(&ours).await.context("list the Secrets")?;
        let (known, begins) = (names::secrets(&self.env), names::role_secret(&self.env, ""));
        let former = |secret: &Secret| {
            let name = secret.name_any();
            let is_former = name.starts_with(&begins) && !known.contains(&name);
            let role = secret_value(secret, "username").filter(|_| is_former)?;
            Some(FormerRole { name: role, secret: name })
        };
        Ok(secrets.items.iter().filter_map(former).collect())
    }

    /// The sessions that such a role has are ended as well.
    pub async fn close_former_roles(&self, primary: &str) -> Result<()> {
        for FormerRole { name, secret } in self.former_roles().await? {
            let what = || format!("take the login of the role {name}");
            self.sql(primary, "postgres", &closing(&name), LIMIT).await.with_context(what)?;
            let gone = self.api::<Secret>().delete(&secret, &DeleteParams::default()).await;
            gone.with_context(|| format!("delete the Secret {secret}"))?;
            progress::warn(&format!(
                "the role {name} is no longer in postgres.toml: it can't log in any more, and the Secret {secret} is gone; what it owns stays"
            ));
        }
        Ok(())
    }
}

/// One that somebody has dropped by hand has nothing to lose.
fn closing(role: &str) -> String {
    let (name, text) = (role.replace('"', "\"\""), role.replace('\'', "''"));
    format!(
        "do $do$ begin if exists (select from pg_roles where rolname = '{text}' and not rolsuper and not rolreplication) \
         then execute 'alter role \"{}\" nologin'; end if; end $do$; \
         select pg_terminate_backend(pid) from pg_stat_activity where usename = '{text}';",
        name.replace('\'', "''")
    )
}

#[cfg(test)]
mod tests {
    use super::closing;

    #[test]
    fn a_name_is_a_name_in_each_place() {
        let sql = closing("a'b\"c");
        assert!(sql.contains("'alter role \"a''b\"\"c\" nologin'"), "{sql}");
        assert_eq!(sql.matches("'a''b\"c'").count(), 2, "{sql}");
    }
}
