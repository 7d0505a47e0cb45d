//! Secrets, as pure functions of the configuration and of what was generated.

use std::collections::BTreeMap;

use anyhow::Result;
use k8s_openapi::api::core::v1::Secret;

use super::{Object, meta, names};
use crate::{
    authorities::Authorities,
    env::{Env, POSTGRES_PORT},
    password::Password,
    passwords::Passwords,
    tls::Certificate,
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
    authorities: &Authorities,
    certificate: &Certificate,
) -> Result<Vec<Object>> {
    let mut all = vec![credentials(env, &passwords.system)?];
    all.extend(for_tls(env, authorities, certificate)?);
    Ok(all)
}

/// The passwords of the users that Patroni needs.
pub fn credentials(env: &Env, system: &BTreeMap<String, Password>) -> Result<Object> {
    let values = system.iter().map(|(key, password)| (key.as_str(), password.expose()));
    Object::of(&secret(env, names::credentials(env), "Opaque", values))
}

/// The CA, and the certificate that it signed.
pub fn for_tls(
    env: &Env,
    authorities: &Authorities,
    certificate: &Certificate,
) -> Result<[Object; 2]> {
    let bundle = authorities.bundle();
    let server = [
        (CA, bundle.as_str()),
        ("tls.crt", certificate.certificate.as_str()),
        ("tls.key", certificate.key.as_str()),
    ];
    Ok([
        Object::of(&secret(env, names::authority(env), "Opaque", authorities.values()))?,
        Object::of(&secret(env, names::certificate(env), "kubernetes.io/tls", server))?,
    ])
}

/// What an application mounts: one Secret a role, with all it needs to connect.
pub fn for_roles(env: &Env, passwords: &Passwords, bundle: &str) -> Result<Vec<Object>> {
    passwords.roles.iter().map(|(role, password)| of_role(env, role, password, bundle)).collect()
}

/// `bundle` is the certificates of every CA to trust.
pub fn of_role(env: &Env, role: &str, password: &Password, bundle: &str) -> Result<Object> {
    let mut values = vec![
        ("username", role.to_owned()),
        ("password", password.expose().to_owned()),
        (CA, bundle.to_owned()),
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
}

/// A role's Secret as it is, but for the CAs to trust.
pub fn trusting(env: &Env, live: &Secret, bundle: &str) -> Result<Object> {
    let mut data = live.data.clone().unwrap_or_default();
    data.insert(CA.to_owned(), k8s_openapi::ByteString(bundle.as_bytes().to_vec()));
    let name = live.metadata.name.clone().unwrap_or_default();
    Object::of(&Secret { data: Some(data), ..secret(env, name, "Opaque", []) })
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
