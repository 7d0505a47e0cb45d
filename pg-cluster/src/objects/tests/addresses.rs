//! What the Secret of a role leads its clients to.

use tokio_postgres::config::{Host, TargetSessionAttrs};

use super::*;

/// The Secret of role `app`, with so many replicas.
fn role_secret(replicas: i32) -> Secret {
    role_secret_of(&format!(
        "replica.count = {replicas}\nroles.app.connection_limit = 1\ndatabases.todo.owner = \"app\""
    ))
}

fn role_secret_of(settings: &str) -> Secret {
    let env = env(settings);
    let passwords =
        crate::passwords::Passwords::resolve(&env, &crate::passwords::Given::default(), |_, _| {
            Some("secret-password".into())
        })
        .unwrap();
    let objects = secrets::for_roles(&env, &passwords, "ca").unwrap();
    serde_json::from_value(found(&objects, "Secret", "a-role-app").clone()).unwrap()
}

#[test]
fn a_role_without_a_database_gets_the_address_of_none() {
    let secret = role_secret_of("roles.app.connection_limit = 1");
    let keys: Vec<_> = secret.data.unwrap().into_keys().collect();
    assert_eq!(keys, ["ca.crt", "password", "username"]);
}

#[test]
fn an_application_without_replicas_gets_no_address_of_one() {
    let secret = role_secret(0);
    assert_eq!(crate::cluster::secret_value(&secret, "replica-uri").unwrap(), "");
    assert!(crate::cluster::secret_value(&secret, "uri").unwrap().contains("a-main-0."));
}

#[test]
fn an_application_gets_addresses_of_every_member_to_write_and_to_read() {
    let secret = role_secret(2);
    let hosts =
        ["main-0", "replica-0", "replica-1"].map(|member| format!("a-{member}.a-members.a.svc"));
    let wanted = [
        ("uri", "target_session_attrs=read-write", TargetSessionAttrs::ReadWrite),
        (
            "replica-uri",
            "target_session_attrs=read-only&load_balance_hosts=random",
            TargetSessionAttrs::ReadOnly,
        ),
    ];
    for (key, end, session) in wanted {
        let uri = crate::cluster::secret_value(&secret, key).unwrap();
        assert_eq!(
            uri,
            format!(
                "postgres://app:secret-password@{}:5432/todo?sslmode=require&connect_timeout=3&{end}",
                hosts.join(":5432,")
            )
        );
        // And the host's driver reads in it what was meant.
        let read: tokio_postgres::Config = uri.parse().unwrap();
        assert_eq!(read.get_hosts(), hosts.clone().map(Host::Tcp));
        assert_eq!(read.get_target_session_attrs(), session);
        assert_eq!(read.get_connect_timeout(), Some(&std::time::Duration::from_secs(3)));
    }
}
