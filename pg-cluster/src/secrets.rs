//! The Secrets as they should be: what they hold is kept, and what they lack is made.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;

use crate::{
    cluster::{Cluster, secret_value},
    keys::ArchiveKeys,
    names,
    objects::{Object, archive, secrets},
    passwords::{Given, Passwords},
    tls::{self, Authority, Certificate},
};

pub struct Secrets {
    pub passwords: Passwords,
    pub for_members: Vec<Object>,
    /// What the roles' clients read.
    pub for_roles: Vec<Object>,
}

/// The users that Patroni needs have their passwords in the database as well: beside data that is
/// there, new ones would lock every member out at its next start.
async fn refuse_new_passwords(cluster: &Cluster, given: &Given) -> Result<()> {
    let env = &cluster.env;
    let [main, replica] = cluster.volumes().await?;
    let kept = main.into_iter().chain(replica).next();
    let Some(kept) = kept.filter(|_| !given.has_every_system_user()) else { return Ok(()) };
    bail!(
        "the Secret {} is gone, and the volume {kept} is there, whose database has its passwords: put the Secret back from a copy, or write superuser, replication, \
         rewind and restapi as they were under `system` in secrets.yaml",
        names::credentials(env)
    )
}

impl Secrets {
    /// Changes nothing: what is made here is gone unless the objects are applied.
    pub async fn wanted(cluster: &Cluster, given: &Given) -> Result<Self> {
        let env = &cluster.env;
        let mut live = BTreeMap::new();
        for name in names::secrets(env) {
            let found = cluster.api::<Secret>().get_opt(&name).await;
            if let Some(secret) = found.with_context(|| format!("read the Secret {name}"))? {
                live.insert(name, secret);
            }
        }
        let value = |name: &str, key: &str| secret_value(live.get(name)?, key);
        if !live.contains_key(&names::credentials(env)) {
            refuse_new_passwords(cluster, given).await?;
        }
        let passwords = Passwords::resolve(env, given, |role, key| {
            let holder = role.map(|role| names::role_secret(env, role));
            value(&holder.unwrap_or_else(|| names::credentials(env)), key)
        })?;

        let now = Timestamp::now();
        let (own, server) = (names::authority(env), names::certificate(env));
        let authority = match (value(&own, secrets::CA), value(&own, "ca.key")) {
            (Some(certificate), Some(key)) => Authority { certificate, key },
            _ => Authority::generate(env, now)?,
        };
        let current = match (value(&server, "tls.crt"), value(&server, "tls.key")) {
            (Some(certificate), Some(key))
                if value(&server, secrets::CA).as_ref() == Some(&authority.certificate) =>
            {
                Some(Certificate { certificate, key })
            }
            _ => None,
        };
        let due = |certificate: &Certificate| {
            tls::expiry(&certificate.certificate)
                .is_ok_and(|end| tls::days_left(end, now) >= tls::RENEW_DAYS)
                && tls::is_current(&certificate.certificate, env)
        };
        let certificate = match current.filter(due) {
            Some(certificate) => certificate,
            None => authority.issue(env, now)?,
        };
        let mut for_members = secrets::for_members(env, &passwords, &authority, &certificate)?;
        if let Some(backup) = &env.backup {
            let name = names::backup(env);
            let keys = ArchiveKeys::resolve(backup.own.is_some(), given.backup.as_ref(), |key| {
                value(&name, key)
            })?;
            for_members.push(archive::secret(env, backup, &keys)?);
        }
        let for_roles = secrets::for_roles(env, &passwords, &authority)?;
        Ok(Self { passwords, for_members, for_roles })
    }
}
