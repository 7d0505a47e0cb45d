//! What is done to a cluster that is in use.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
    sync::Arc,
};

use k8s_openapi::api::core::v1::{Pod, Secret, ServiceAccount};
use kube::{
    ResourceExt,
    api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams},
};
use serde_json::json;

use crate::{
    archive,
    fixture::{Database, Program},
    tls,
    writer::{self, Writer},
};

const ROOMY: &str = "main.resources.limits = { memory = \"600Mi\" }
replica.resources.limits = { memory = \"600Mi\" }
parameters.max_connections = 120
monitors = [\"monitoring\"]
exporter = true";

async fn shows(database: &Database, setting: &str) -> Vec<String> {
    let mut values = Vec::new();
    for pod in database.pods().await {
        let ask = format!(
            "PGPASSWORD=$PATRONI_SUPERUSER_PASSWORD psql -XAtc 'show {setting}' -d postgres"
        );
        values.push(database.shell(&pod.name_any(), &ask).await.trim().to_owned());
    }
    values
}

async fn memory(database: &Database) -> Vec<String> {
    let limit = |pod: Pod| {
        let container = pod.spec.unwrap().containers.remove(0);
        container.resources.unwrap().limits.unwrap()["memory"].0.clone()
    };
    database.pods().await.into_iter().map(limit).collect()
}

/// How many members have an exporter beside them.
async fn exporters(database: &Database) -> usize {
    let has = |pod: &Pod| {
        pod.spec.iter().flat_map(|spec| &spec.containers).any(|it| it.name == "exporter")
    };
    database.pods().await.iter().filter(|pod| has(pod)).count()
}

/// Brings the configuration about, and restarts whoever waits for it.
fn apply(database: &Database, configuration: &str) {
    database.configure(configuration);
    database.must(&["init"]);
    let status = database.until("a wait for a restart", |status| status["verdict"] == "degraded");
    assert!(status["advice"].to_string().contains("pg-cluster restart"), "{status:#}");
    database.must(&["restart"]);
}

pub async fn a_rolling_restart_brings_new_settings_and_loses_no_acknowledged_write() {
    let database = Database::new("rolled").await;
    database.must(&["init"]);
    let database = Arc::new(database);
    let mut writer = Writer::start(&database).await;
    writer.goes_on_for(50).await;

    tokio::task::block_in_place(|| apply(&database, ROOMY));
    database.until_healthy();
    assert_eq!(memory(&database).await, ["600Mi", "600Mi"]);
    assert_eq!(shows(&database, "max_connections").await, ["120", "120"]);
    assert_eq!(exporters(&database).await, 2);
    writer.goes_on_for(50).await;

    // Less of it is taken by the primary first.
    tokio::task::block_in_place(|| apply(&database, &ROOMY.replace("120", "60")));
    database.until_healthy();
    assert_eq!(shows(&database, "max_connections").await, ["60", "60"]);
    writer.goes_on_for(50).await;

    // An archive, which needs another container and a parameter that only a start takes on. The exporter goes.
    tokio::task::block_in_place(|| apply(&database, &archive::own()));
    database.until("a first backup, and health", |status| {
        status["archive"]["backups"] == 1 && status["verdict"] == "healthy"
    });
    assert_eq!(exporters(&database).await, 0);
    let login = "select rolcanlogin from pg_roles where rolname = 'pg-exporter'";
    assert_eq!(database.must(&["psql", "--", "-XAtc", login]).trim(), "f");
    writer.goes_on_for(50).await;
    writer.finish(&database).await;

    // Another CA reaches what serves the archive, and not within the hour.
    for _ in 0..3 {
        database.must(&["rotate-ca"]);
    }
    database.must(&["backup", "now", "--type", "diff"]);
    // And a certificate that init renews.
    sign_for(&database, 30).await;
    database.must(&["init"]);
    let shown = "import ssl; print(ssl.get_server_certificate((\"rolled-s3\", 7070)))";
    let shown = database.shell("rolled-main-0", &format!("python3 -c '{shown}'")).await;
    assert_eq!(tls::der(&shown), tls::der(&database.secret("tls", "tls.crt").await));

    let said = database.run(&["restart"]);
    assert!(String::from_utf8_lossy(&said.stderr).contains("no member waits for one"));
    Arc::into_inner(database).expect("no writer is left").end().await;
}

pub async fn a_replica_that_is_not_synchronous_can_be_made_primary_all_the_same() {
    let database = Database::new("three").await;
    database.configure("replica.count = 2");
    database.must(&["init"]);
    database.until_healthy();
    let status = database.status();
    let members = status["members"].as_array().unwrap();
    let other = members.iter().find(|member| member["sync"] == "async").expect("an async replica");
    let other = other["name"].as_str().unwrap();
    database.must(&["switchover", "--to", other]);
    assert_eq!(database.status()["primary"], other);
    database.until_healthy();
    // What was changed for it is as before.
    assert_eq!(database.must(&["diff"]).trim(), "nothing would change");
    switchover_waits_for_a_slow_primary(&database, other).await;
    assert_eq!(database.status()["primary"], "three-main-0");
    database.end().await;
}

/// Goes home from a primary that cannot stop before its last checkpoint, which somebody holds up for
/// longer than Patroni waits.
async fn switchover_waits_for_a_slow_primary(database: &Database, primary: &str) {
    database.signal(primary, "STOP", Program::Checkpointer).await;
    let mut switchover = database.command(&["switchover"]).stderr(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(switchover.stderr.take().unwrap());
    let mut lines = said.lines().map_while(Result::ok);
    let mut waits = || lines.any(|line| line.starts_with("… three-main-0 as primary"));
    assert!(tokio::task::block_in_place(&mut waits), "it did not wait");
    database.signal(primary, "CONT", Program::Checkpointer).await;
    let rest: Vec<_> = tokio::task::block_in_place(|| lines.collect());
    assert!(switchover.wait().unwrap().success(), "{rest:#?}");
}

/// Gives the members a certificate that ends so soon.
async fn sign_for(database: &Database, days: i64) -> String {
    let (certificate, key) = tls::ends_in(database, days).await;
    let data = json!({ "stringData": { "tls.crt": certificate, "tls.key": key } });
    let (secrets, name) = (database.api::<Secret>(), format!("{}-tls", database.name));
    secrets.patch(&name, &PatchParams::default(), &Patch::Merge(data)).await.unwrap();
    certificate
}

pub async fn a_certificate_near_its_end_is_renewed_and_served_without_a_restart() {
    let database = Database::new("signed").await;
    database.must(&["init"]);
    let pods =
        async || database.pods().await.iter().map(|pod| pod.uid().unwrap()).collect::<Vec<_>>();
    let before = pods().await;

    let certificate = sign_for(&database, 30).await;
    let status = database.status();
    assert_eq!(status["verdict"], "degraded", "{status:#}");
    assert_eq!(status["certificate_days_left"], 29, "{status:#}");

    database.must(&["init"]);
    let status = database.status();
    assert_eq!(status["verdict"], "healthy", "{status:#}");
    let renewed = database.secret("tls", "tls.crt").await;
    assert_ne!(renewed, certificate);
    for member in ["signed-main-0", "signed-replica-0"] {
        assert_eq!(tls::served(&database, member).await, tls::der(&renewed), "{member}");
    }
    tls::another_ca_replaces_the_first_and_clients_follow(&database).await;
    assert_eq!(pods().await, before);
    database.end().await;
}

pub async fn a_database_that_was_left_open_is_closed_by_the_next_init() {
    let database = Database::new("shut").await;
    database.must(&["init"]);
    let superuser = writer::superuser(&database).await;
    let open = async || {
        let row = superuser
            .query_one("select has_database_privilege('public', 'todo', 'connect')", &[])
            .await
            .unwrap();
        row.get::<_, bool>(0)
    };
    assert!(!open().await);
    // As after an interruption between making it and closing it.
    superuser.batch_execute("grant connect on database todo to public").await.unwrap();
    assert!(open().await);
    assert_eq!(database.must(&["diff"]).trim(), "PostgreSQL privacy of todo: would be put right");
    database.must(&["init"]);
    assert!(!open().await);
    secrets_that_were_deleted_are_put_back(&database).await;
    members_of_a_deleted_account_are_made_anew(&database).await;
    database.end().await;
}

/// What members started with, and serve.
async fn secrets_that_were_deleted_are_put_back(database: &Database) {
    let held = async || {
        let mut all = Vec::new();
        for (name, key) in [
            ("credentials", "superuser"),
            ("credentials", "replication"),
            ("credentials", "rewind"),
            ("credentials", "restapi"),
            ("tls", "ca.crt"),
            ("tls", "tls.crt"),
            ("tls", "tls.key"),
        ] {
            all.push(database.secret(name, key).await);
        }
        all
    };
    let before = held().await;
    let secrets = database.api::<Secret>();
    for name in ["credentials", "ca", "tls"] {
        let name = format!("{}-{name}", database.name);
        secrets.delete(&name, &DeleteParams::default()).await.unwrap();
    }
    database.must(&["init"]);
    assert_eq!(held().await, before);
    assert_eq!(database.status()["verdict"], "healthy");
}

/// Their tokens are good for nothing, also once an account of that name is there again.
async fn members_of_a_deleted_account_are_made_anew(database: &Database) {
    let pods =
        async || database.pods().await.iter().map(|pod| pod.uid().unwrap()).collect::<Vec<_>>();
    let before = pods().await;
    let accounts = database.api::<ServiceAccount>();
    let account = accounts.get("shut-patroni").await.unwrap();
    accounts.delete("shut-patroni", &DeleteParams::default()).await.unwrap();
    let again = ServiceAccount {
        metadata: ObjectMeta { name: account.metadata.name, ..ObjectMeta::default() },
        ..ServiceAccount::default()
    };
    accounts.create(&PostParams::default(), &again).await.unwrap();
    let status = database.status();
    assert!(status["advice"].to_string().contains("401"), "{status:#}");
    database.must(&["init"]);
    database.until_healthy();
    assert!(pods().await.iter().all(|pod| !before.contains(pod)));
}
