//! The Secrets as they should be: what they hold is kept, and what they lack is made.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;

use crate::{
    cluster::{Cluster, secret_value},
    objects::{Object, names, secrets},
    passwords::{Given, Passwords},
    tls::{self, Authority, Certificate},
};

pub struct Secrets {
    pub passwords: Passwords,
    pub objects: Vec<Object>,
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
        };
        let certificate = match current.filter(due) {
            Some(certificate) => certificate,
            None => authority.issue(env, now)?,
        };
        let mut objects = secrets::for_members(env, &passwords, &authority, &certificate)?;
        objects.extend(secrets::for_roles(env, &passwords, &authority)?);
        Ok(Self { passwords, objects })
    }
}
