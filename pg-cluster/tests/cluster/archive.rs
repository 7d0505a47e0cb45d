use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use k8s_openapi::{
    api::{
        apps::v1::StatefulSet,
        batch::v1::Job,
        core::v1::{PersistentVolumeClaim, Secret},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{backups::client, fixture::Database, repair::stop_receiver, writer};

/// The server that `tests/cluster` builds, under the name that config/dev gives it.
pub const OWN: &str = "backup.archive_timeout = 10\nbackup.own = { image = \"docker.io/versity/versitygw:v1.8.0\", storage = \"2Gi\" }";

async fn write(database: &Database, statement: &str) -> String {
    let client = writer::superuser(database).await;
    client.batch_execute(statement).await.unwrap();
    let row = client.query_one(
        "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
        &[],
    );
    row.await.unwrap().get(0)
}

async fn numbers(database: &Database) -> Vec<i32> {
    let rows = writer::superuser(database).await.query("select n from kept order by n", &[]).await;
    rows.unwrap().iter().map(|row| row.get(0)).collect()
}

pub fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub async fn a_cluster_goes_back_to_the_moment_between_two_writes() {
    let database = Database::new("kept").await;
    database.configure(OWN);
    database.must(&["init"]);
    let status = database.until("a healthy status", |status| status["verdict"] == "healthy");
    assert_eq!(status["archive"]["backups"], 1, "{status:#}");
    let listed = |database: &Database| -> Value {
        serde_json::from_str(&database.must(&["backup", "list", "--output", "json"])).unwrap()
    };
    assert_eq!(listed(&database)["backups"][0]["kind"], "full");

    let people = "create table people (name text); insert into people values ('Ada')";
    client(&database, "todo").await.batch_execute(people).await.unwrap();

    // From the replica, and only what differs.
    write(&database, "create table kept (n int primary key, filler text)").await;
    write(&database, "insert into kept select n, repeat('x', 100) from generate_series(1, 1000) n")
        .await;
    database.must(&["backup", "now", "--type", "diff"]);
    assert_eq!(listed(&database)["backups"][1]["kind"], "diff");
    database.must(&["backup", "verify"]);
    let found: Value =
        serde_json::from_str(&database.must(&["backup", "drill", "--output", "json"])).unwrap();
    assert!(found["rows"].as_i64().unwrap() >= 1000, "{found:#}");
    let status = database.status();
    assert_eq!(
        (&status["verdict"], &status["archive"]["drill"]["passed"]),
        (&"healthy".into(), &true.into()),
        "{status:#}"
    );

    // Without its cipher the archive is nobody's, so init makes no other one.
    let (secrets, name) = (database.api::<Secret>(), "kept-backup");
    let copy = secrets.get(name).await.unwrap();
    secrets.delete(name, &DeleteParams::default()).await.unwrap();
    let refused = database.run(&["init"]);
    assert!(
        !refused.status.success() && said(&refused).contains("nobody reads what was archived"),
        "{}",
        said(&refused)
    );
    assert!(advises(&database.status(), "Secret kept-backup is missing"));
    let metadata = ObjectMeta {
        name: Some(name.to_owned()),
        labels: copy.metadata.labels.clone(),
        ..ObjectMeta::default()
    };
    secrets.create(&PostParams::default(), &Secret { metadata, ..copy }).await.unwrap();

    let between = write(&database, "delete from kept where n > 3").await;
    let late = write(&database, "drop table kept; create table branch ()").await;
    // What is restored has the passwords of its time, and the members and clients have today's.
    database.must(&["rotate-passwords", "--role", "app"]);
    let early = database.run(&["restore", "--yes", "--at", "2020-01-01T00:00:00Z"]);
    assert!(
        !early.status.success() && said(&early).contains("the oldest moment that can be reached"),
        "{}",
        said(&early)
    );

    // Beside it: the original goes on, and the copy has passwords of its own and nothing that is masked.
    let copy = database.beside("copy").await;
    copy.write_environment("origin", &database);
    let mask = copy.write("mask.sql", "update people set name = 'somebody';");
    database.must(&["backup", "now", "--type", "diff"]); // WAL until now is archived with it
    copy.must(&["clone", "--from", "origin", "--at", &between, "--mask", mask.to_str().unwrap()]);
    assert_eq!(numbers(&copy).await, [1, 2, 3]);
    let names = client(&copy, "todo").await.query("select name from people", &[]).await.unwrap();
    assert_eq!((names.len(), names[0].get::<_, &str>(0)), (1, "somebody"));
    assert_eq!(
        count(&database, "select count(*) from kept").await,
        None,
        "the original is as it was"
    );
    let passwords =
        (copy.secret("role-app", "password").await, database.secret("role-app", "password").await);
    assert_ne!(passwords.0, passwords.1);
    let again = copy.run(&["clone", "--from", "origin", "--at", "latest"]);
    assert!(
        !again.status.success() && said(&again).contains("copy is there already"),
        "{}",
        said(&again)
    );
    copy.end().await;

    let began = Instant::now();
    database.must(&["restore", "--yes", "--at", &between]);
    println!("restored to a moment in {:.1} s", began.elapsed().as_secs_f32());
    assert_eq!(numbers(&database).await, [1, 2, 3]);
    write(&database, "insert into kept values (4)").await;

    // What was lived before the restore is another branch, and can be gone back to as well.
    database.must(&["restore", "--yes", "--discard", "--at", &late]);
    assert_eq!(count(&database, "select count(*) from kept").await, None);
    assert_eq!(count(&database, "select count(*) from branch").await, Some(0));
    database.until_healthy();
    database.must(&["switchover"]);
    database.until_healthy();
    database.end().await;
}

async fn count(database: &Database, question: &str) -> Option<i64> {
    Some(writer::superuser(database).await.query_one(question, &[]).await.ok()?.get(0))
}

/// The primary has no longer what a replica lacks. The archive has, and nobody needs to copy it anew.
async fn a_replica_catches_up_from_it(database: &Database) {
    let on_replica = |question| database.must(&["psql", "--replica", "--", "-XAtc", question]);
    let started = on_replica("select pg_postmaster_start_time()");
    let receiver = stop_receiver(database, "safe-replica-0").await;
    let primary = writer::superuser(database).await;
    let ask = async |question| primary.query_one(question, &[]).await.unwrap();
    let segment = "select pg_walfile_name(pg_current_wal_lsn())";
    let lacked: String = ask(segment).await.get(0);
    primary.batch_execute("set synchronous_commit = local").await.unwrap();
    // Until then what is written would fill its connection, which the primary could not end.
    while ask("select active from pg_replication_slots").await.get(0) {
        sleep(Duration::from_millis(100)).await;
    }
    let kept = format!("select exists (select from pg_ls_waldir() where name = '{lacked}')");
    for n in 200.. {
        let more = format!("insert into kept values ({n}); select pg_switch_wal(); checkpoint");
        primary.batch_execute(&more).await.unwrap();
        if !ask(&kept).await.get::<_, bool>(0) {
            break;
        }
        // More than may wait would be given up.
        database.until("no WAL that waits", |status| status["archive"]["archiver"]["waiting"] == 0);
    }
    let status = database.status();
    assert!(advises(&status, "catches up from the archive"), "{status:#}");
    database.shell("safe-replica-0", &format!("kill -CONT {receiver}")).await;
    database.until_healthy();
    assert_eq!(on_replica("select pg_postmaster_start_time()"), started);
    let all = "select count(*) from kept where n >= 200";
    assert_eq!(on_replica(all).trim(), ask(all).await.get::<_, i64>(0).to_string());
    primary.batch_execute("delete from kept where n >= 200").await.unwrap();
}

/// Lets the archive's server run, or not.
async fn serve(database: &Database, replicas: i32) {
    let patch = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
    let server = format!("{}-s3", database.name);
    database.api::<StatefulSet>().patch(&server, &PatchParams::default(), &patch).await.unwrap();
}

fn advises(status: &Value, words: &str) -> bool {
    status["advice"]
        .as_array()
        .is_some_and(|all| all.iter().any(|one| one.as_str().unwrap().contains(words)))
}

pub async fn what_befalls_the_archive_is_told_and_loses_nothing() {
    let database = Database::new("safe").await;
    let little = "replication.max_slot_wal_keep_size = \"64MB\"";
    let keep = "replication.max_slot_wal_keep_size = \"512MB\"";
    let most = "parameters.wal_keep_size = \"16MB\"";
    database.rewrite(&[(keep, &format!("{little}\n{most}\n{OWN}"))]);
    database.must(&["init"]);
    write(&database, "create table kept (n int primary key)").await;

    // Its server is away: writes go on, and the status says so. What waited arrives afterwards.
    serve(&database, 0).await;
    database
        .until("the server's end", |status| advises(status, "what the archive has is not known"));
    write(&database, "insert into kept values (1); select pg_switch_wal()").await;
    let status = database
        .until("a word about WAL", |status| advises(status, "no WAL has reached the archive"));
    assert_eq!(status["verdict"], "degraded", "{status:#}");

    // More than may wait: it is given up, so that the disk does not fill, and that is said until a
    // full backup makes up for it.
    for n in 100..105 {
        write(&database, &format!("insert into kept values ({n}); select pg_switch_wal()")).await;
    }
    database.until("a word about the gap", |status| advises(status, "the archive has a gap"));
    serve(&database, 1).await;
    database.until("an archive again", |status| status["archive"]["backups"] == 1);
    assert!(advises(&database.status(), "the archive has a gap"));
    database.must(&["backup", "now"]);
    write(&database, "delete from kept where n >= 100").await;
    database.until_healthy();
    a_replica_catches_up_from_it(&database).await;

    // Whoever is primary, and with a run that was killed before.
    let killed = database.command(&["backup", "now"]).stderr(Stdio::null()).spawn();
    let jobs = database.api::<Job>();
    let running = async || {
        let jobs = jobs.list(&ListParams::default()).await.unwrap().items;
        jobs.into_iter()
            .find(|job| job.status.as_ref().is_some_and(|status| status.active == Some(1)))
    };
    let mut pace = tokio::time::interval(Duration::from_millis(100));
    let job = loop {
        pace.tick().await;
        if let Some(job) = running().await {
            break job;
        }
    };
    jobs.delete(job.metadata.name.as_ref().unwrap(), &DeleteParams::background()).await.unwrap();
    let ended = killed.unwrap().wait().unwrap();
    assert!(!ended.success());
    database.must(&["switchover"]);
    database.must(&["backup", "now"]);

    // A part of a backup is gone: named by whoever looks, and nothing wrong is restored.
    let primary = writer::leader(&database).await.unwrap();
    let newest = "newest=$(pgbackrest --stanza=safe repo-ls backup/safe | grep F$ | tail -n 1)";
    let remove = format!(
        "{newest}; at=backup/safe/$newest/bundle; pgbackrest --stanza=safe repo-rm $at/$(pgbackrest --stanza=safe repo-ls $at | tail -n 1) && echo gone"
    );
    let removed = database.shell(&primary, &remove).await;
    assert!(removed.contains("gone"), "{removed}");
    let verified = database.run(&["backup", "verify"]);
    assert!(
        !verified.status.success() && said(&verified).contains("not whole"),
        "{}",
        said(&verified)
    );
    let drilled = database.run(&["backup", "drill"]);
    assert!(
        !drilled.status.success() && said(&drilled).contains("restore the files"),
        "{}",
        said(&drilled)
    );
    database.until("the drill's verdict", |status| advises(status, "the restore drill of"));
    database.must(&["backup", "now"]);

    // Every volume is gone: all that was archived comes back.
    database.must(&["switchover"]);
    write(&database, "insert into kept values (2); select pg_switch_wal()").await;
    database.until("no WAL that waits", |status| status["archive"]["archiver"]["waiting"] == 0);
    for set in ["safe-replica", "safe-main"] {
        database.api::<StatefulSet>().delete(set, &DeleteParams::foreground()).await.unwrap();
    }
    for volume in ["data-safe-replica-0", "data-safe-main-0"] {
        database
            .api::<PersistentVolumeClaim>()
            .delete(volume, &DeleteParams::default())
            .await
            .unwrap();
    }
    let volumes = database.api::<PersistentVolumeClaim>();
    for volume in ["data-safe-replica-0", "data-safe-main-0"] {
        while volumes.get_opt(volume).await.unwrap().is_some() {
            pace.tick().await;
        }
    }
    database.must(&["restore", "--yes", "--at", "latest"]);
    assert_eq!(numbers(&database).await, [1, 2]);
    database.must(&["init"]);
    database.end().await;
}
