//! A cluster goes back to moments of its archive, and what tests of the archive share.

use std::time::Instant;

use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::{
    backups::client,
    fixture::{Database, own_archive},
    writer,
};

pub fn own() -> String {
    format!("backup.archive_timeout = 10\n{}", own_archive("2Gi"))
}

pub async fn write(database: &Database, statement: &str) -> String {
    let client = writer::superuser(database).await;
    client.batch_execute(statement).await.unwrap();
    let row = client.query_one(
        "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
        &[],
    );
    row.await.unwrap().get(0)
}

pub async fn numbers(database: &Database) -> Vec<i32> {
    let rows = writer::superuser(database).await.query("select n from kept order by n", &[]).await;
    rows.unwrap().iter().map(|row| row.get(0)).collect()
}

pub fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub async fn a_cluster_goes_back_to_the_moment_between_two_writes() {
    let database = Database::new("kept").await;
    database.configure(&own());
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

    // Without its cipher the archive is nobody's, so init takes and makes no other one. Members have it still.
    let (secrets, name) = (database.api::<Secret>(), "kept-backup");
    let copy = secrets.get(name).await.unwrap();
    let another = Patch::Merge(json!({ "stringData": { "cipher": "another" } }));
    secrets.patch(name, &PatchParams::default(), &another).await.unwrap();
    let refused = database.run(&["init"]);
    assert!(
        !refused.status.success() && said(&refused).contains("has another `cipher`"),
        "{}",
        said(&refused)
    );
    secrets.delete(name, &DeleteParams::default()).await.unwrap();
    assert!(advises(&database.status(), "Secret kept-backup is missing"));
    database.must(&["init"]);
    assert_eq!(secrets.get(name).await.unwrap().data, copy.data);

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

pub fn advises(status: &Value, words: &str) -> bool {
    status["advice"]
        .as_array()
        .is_some_and(|all| all.iter().any(|one| one.as_str().unwrap().contains(words)))
}
