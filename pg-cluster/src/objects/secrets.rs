//! Secrets, as pure functions of the configuration and of what was generated.

use std::collections::BTreeMap;

use anyhow::Result;
use k8s_openapi::api::core::v1::Secret;

use super::{Object, meta, names};
use crate::{
    env::{Env, POSTGRES_PORT},
    passwords::Passwords,
    tls::{Authority, Certificate},
};

pub const SUPERUSER: &str = "postgres";
pub const RESTAPI_USER: &str = "patroni";

/// The key of the CA's certificate in every Secret that has one.
pub const CA: &str = "ca.crt";

/// Seconds for one host of a URI: a node that vanished must not keep a client from the next.
const CONNECT_TIMEOUT: u8 = 3;

/// What only the members read.
pub fn for_members(
    env: &Env,
    passwords: &Passwords,
    authority: &Authority,
    certificate: &Certificate,
) -> Result<Vec<Object>> {
    let credentials =
        passwords.system.iter().map(|(key, password)| (key.as_str(), password.expose()));
    let own = [(CA, authority.certificate.as_str()), ("ca.key", authority.key.as_str())];
    let server = [
        (CA, authority.certificate.as_str()),
        ("tls.crt", certificate.certificate.as_str()),
        ("tls.key", certificate.key.as_str()),
    ];
    Ok(vec![
        Object::of(&secret(env, names::credentials(env), "Opaque", credentials))?,
        Object::of(&secret(env, names::authority(env), "Opaque", own))?,
        Object::of(&secret(env, names::certificate(env), "kubernetes.io/tls", server))?,
    ])
}

/// What an application mounts: one Secret a role, with all it needs to connect.
pub fn for_roles(env: &Env, passwords: &Passwords, authority: &Authority) -> Result<Vec<Object>> {
    let one = |(role, password): (&String, &crate::password::Password)| {
        let mut values = vec![
            ("username", role.clone()),
            ("password", password.expose().to_owned()),
            (CA, authority.certificate.clone()),
        ];
        // A role without a database has nowhere to go, and no address of somebody else's.
        if let Some(database) = env.database_of(role) {
            let uri = |session| uri(env, role, password.expose(), database, session);
            // Whichever replica answers; empty where there is none, so that nobody waits for one.
            let replicas = env.replica.count.get() > 0;
            let reads = replicas.then(|| uri("read-only&load_balance_hosts=random"));
            values.extend([
                ("database", database.to_string()),
                ("uri", uri("read-write")),
                ("replica-uri", reads.unwrap_or_default()),
            ]);
        }
        let values = values.iter().map(|(key, value)| (*key, value.as_str()));
        Object::of(&secret(env, names::role_secret(env, role), "Opaque", values))
    };
    passwords.roles.iter().map(one).collect()
}

/// Names every pod, so that a client finds the primary even while a label is
/// stale. Passwords are letters and digits or were refused, so none needs an escape.
fn uri(env: &Env, role: &str, password: &str, database: &str, session: &str) -> String {
    let hosts: Vec<_> = names::pods(env)
        .iter()
        .map(|pod| {
            format!("{pod}.{}.{}.svc:{POSTGRES_PORT}", names::members_service(env), env.namespace())
        })
        .collect();
    format!(
        "postgres://{role}:{password}@{}/{database}?sslmode=require&connect_timeout={CONNECT_TIMEOUT}&target_session_attrs={session}",
        hosts.join(",")
    )
}

fn secret<'a>(
    env: &Env,
    name: String,
    kind: &str,
    values: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Secret {
    let data: BTreeMap<_, _> = values
        .into_iter()
        .map(|(key, value)| (key.to_owned(), k8s_openapi::ByteString(value.as_bytes().to_vec())))
        .collect();
    Secret {
        metadata: meta(env, name),
        type_: Some(kind.to_owned()),
        data: Some(data),
        ..Secret::default()
    }
}
