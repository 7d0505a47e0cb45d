//! Clusters that are not whole, and what makes them whole again.

use std::time::Duration;

use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{ConfigMap, PersistentVolumeClaim, Pod},
};
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    fixture::{Database, Program},
    watch::member,
};

/// What pg-cluster says to a command that fails.
fn refused(database: &Database, arguments: &[&str]) -> String {
    let output = database.run(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{arguments:?} did something: {said}");
    said
}

fn superuser(database: &Database, sql: &str) -> String {
    database.must(&["psql", "--", "-XAtc", sql])
}

fn advises(status: &Value, words: &str) -> bool {
    status["advice"].to_string().contains(words)
}

pub async fn a_replica_is_copied_anew_and_patroni_paused_by_word() {
    let database = Database::new("left").await;
    database.must(&["init"]);
    let said = refused(&database, &["reinit", "left-main-0", "--yes"]);
    assert!(said.contains("is primary"), "{said}");
    let said = refused(&database, &["reinit", "left-replica-9", "--yes"]);
    assert!(said.contains("left-replica-0"), "{said}");
    falls_behind(&database).await;
    database.must(&["reinit", "left-replica-0", "--yes"]);
    database.until_healthy();

    // A pause is seen, and ended.
    database.must(&["pause"]);
    let status = database.until("a pause", |status| status["verdict"] == "degraded");
    assert!(advises(&status, "pg-cluster resume"), "{status:#}");
    database.must(&["resume"]);
    database.until_healthy();
    database.end().await;
}

/// Has a replica get no WAL any more; `kill -CONT` and what is returned ends that.
pub async fn stop_receiver(database: &Database, replica: &str) -> String {
    let receiver = "select pid from pg_stat_wal_receiver";
    let receiver = database.must(&["psql", "--replica", "--", "-XAtc", receiver]);
    database.shell(replica, &format!("kill -STOP {receiver}")).await;
    receiver
}

/// A replica that gets no WAL any more gets no reads either.
async fn falls_behind(database: &Database) {
    stop_receiver(database, "left-replica-0").await;
    let more = "set synchronous_commit = local;
        create table more as select sha512(n::text::bytea) from generate_series(1, 300000) as n";
    superuser(database, more);
    let ready = |pod: &Pod| {
        let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
        conditions.into_iter().any(|it| it.type_ == "Ready" && it.status == "True")
    };
    let pods = database.api::<Pod>();
    while ready(&pods.get("left-replica-0").await.unwrap()) {
        sleep(Duration::from_millis(100)).await;
    }
}

pub async fn what_only_the_old_primary_has_is_given_up_by_word_alone() {
    let database = Database::new("torn").await;
    database.must(&["init"]);
    let said =
        refused(&database, &["failover", "--to", "torn-replica-0", "--accept-data-loss", "--yes"]);
    assert!(said.contains("pg-cluster switchover"), "{said}");

    // The replica is away, the primary writes alone, and then it is gone.
    database.signal("torn-replica-0", "STOP", Program::All).await;
    superuser(&database, "create table alone as select 1");
    database.until("a primary alone", |status| status["verdict"] == "unprotected");
    main_has(&database, 0).await;
    database.signal("torn-replica-0", "CONT", Program::All).await;
    database.until("nobody who may lead", |status| {
        let replica = status["members"].as_array().and_then(|all| all.first());
        status["verdict"] == "no_primary" && replica.is_some_and(|it| it["role"] == "replica")
    });

    // On a busy machine the kubelet starts the one that stood still anew.
    let failover = ["failover", "--to", "torn-replica-0", "--yes"];
    database.until("a word on what is lost", |_| {
        let said = refused(&database, &failover);
        assert!(said.contains("--accept-data-loss") || said.contains("does not answer"), "{said}");
        said.contains("what may be lost")
    });
    let accepted = [&failover[..], &["--accept-data-loss"]].concat();
    database.until("a failover", |_| database.run(&accepted).status.success());
    assert_eq!(database.status()["primary"], "torn-replica-0");
    // Its volume is the newest now.
    let said = refused(&database, &["destroy", "--yes"]);
    assert!(said.contains("torn-replica-0 is primary"), "{said}");

    // The old one comes back as a copy.
    database.must(&["init"]);
    database.until_healthy();
    database.must(&["switchover"]);
    database.until_healthy();
    assert_eq!(member(&database.status(), "torn-main-0")["role"], "primary");

    // With main's volume gone, it leads that has the other copy.
    superuser(&database, "create table kept as select 1");
    database.must(&["destroy", "--yes"]);
    let claims = database.api::<PersistentVolumeClaim>();
    claims.delete("data-torn-main-0", &DeleteParams::default()).await.unwrap();
    while claims.get_opt("data-torn-main-0").await.unwrap().is_some() {
        sleep(Duration::from_millis(100)).await;
    }
    database.must(&["init"]);
    assert_eq!(database.status()["primary"], "torn-replica-0");
    the_newest_leads_though_nobody_remembers_it(&database).await;
    database.end().await;
}

/// Has the set of the primary so many pods, and waits until it has.
async fn main_has(database: &Database, replicas: i32) {
    let sets = database.api::<StatefulSet>();
    let patch = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
    sets.patch("torn-main", &PatchParams::default(), &patch).await.unwrap();
    let gone = |status: &Value| status["members"].as_array().is_some_and(|all| all.len() == 1);
    database.until("the primary's end", gone);
}

/// Whatever the other has, and however the cluster was taken away.
async fn the_newest_leads_though_nobody_remembers_it(database: &Database) {
    let sets = database.api::<StatefulSet>();
    let gone = async |name: &str, members: usize| {
        sets.delete(name, &DeleteParams::background()).await.unwrap();
        while database.pods().await.len() > members {
            sleep(Duration::from_millis(100)).await;
        }
    };
    gone("torn-main", 1).await;
    superuser(database, "set synchronous_commit = local; insert into kept values (2)");
    gone("torn-replica", 0).await;
    let maps = database.api::<ConfigMap>();
    for name in ["torn-config", "torn-leader", "torn-sync"] {
        maps.delete(name, &DeleteParams::default()).await.unwrap();
    }
    database.must(&["init"]);
    assert_eq!(superuser(database, "select count(*) from kept").trim(), "2");
    database.until_healthy();
}
