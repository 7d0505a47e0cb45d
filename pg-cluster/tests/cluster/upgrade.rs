use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::{
    archive::{own, said},
    backups::client,
    fixture::Database,
    writer,
};

/// Names the image with both major versions, which may run either.
pub const IMAGE: &str = "TODOOZLE_TEST_IMAGE_18";

fn configure(database: &Database, major: i32) {
    let image = std::env::var(IMAGE).unwrap();
    let old = format!("image = \"{}\"", Database::image());
    let new = format!("image = \"{image}\"\nmajor = {major}");
    database.rewrite(&[
        (&old, &new),
        (
            "databases.todo.owner",
            &format!("databases.todo.icu_locale = \"de\"\n{}\ndatabases.todo.owner", own()),
        ),
    ]);
}

/// How many rows there are, their sum, and by which PostgreSQL that was said.
async fn kept(database: &Database) -> (i64, i64, String) {
    let question = "select count(*), sum(n)::bigint, current_setting('server_version') from kept";
    let row = writer::superuser(database).await.query_one(question, &[]).await.unwrap();
    (row.get(0), row.get(1), row.get::<_, String>(2)[..2].to_owned())
}

pub async fn a_cluster_goes_to_the_next_major_version_whenever_it_is_interrupted_and_back() {
    let database = Database::new("next").await;
    configure(&database, 17);
    database.must(&["init"]);
    let primary = writer::superuser(&database).await;
    let rows =
        "create table kept (n int primary key); insert into kept select generate_series(1, 1000);
        create table refused (f regproc)";
    primary.batch_execute(rows).await.unwrap();
    // By an index whose order another ICU may change.
    let words =
        "create table words (word text primary key); insert into words values ('ö'), ('z'), ('o')";
    client(&database, "todo").await.batch_execute(words).await.unwrap();

    configure(&database, 18);
    let refused = database.run(&["init"]);
    assert!(
        !refused.status.success() && said(&refused).contains("run `pg-cluster upgrade --to 18`"),
        "{}",
        said(&refused)
    );
    let upgrade = ["--yes", "upgrade", "--to", "18"];
    let refused = database.run(&upgrade);
    assert!(
        !refused.status.success() && said(&refused).contains("public.refused.f"),
        "{}",
        said(&refused)
    );
    // As if it had been interrupted after its check, and the table were new: it is seen when all have stopped, and put back.
    let noted = json!({ "from": 17, "to": 18, "began": "2026-01-01T00:00:00Z" }).to_string();
    let noted = json!({ "metadata": { "annotations": { "todoozle.dev/upgrade": noted } } });
    let maps = database.api::<ConfigMap>();
    maps.patch("next-config", &PatchParams::default(), &Patch::Merge(noted)).await.unwrap();
    let refused = database.run(&upgrade);
    assert!(
        !refused.status.success()
            && said(&refused).contains("public.refused.f")
            && said(&refused).contains("runs PostgreSQL 17 as before"),
        "{}",
        said(&refused)
    );
    assert_eq!(kept(&database).await, (1000, 500_500, "17".to_owned()));
    database.until_healthy();
    writer::superuser(&database).await.batch_execute("drop table refused").await.unwrap();
    database.must(&["upgrade", "--to", "18", "--check"]);

    // After so many lines of its way, and each time some more, until it is over.
    let (mut lines, mut interrupted) = (9, 0);
    while !database.interrupted_after(lines, &upgrade) {
        (lines, interrupted) = (lines + 9, interrupted + 1);
        let refused = database.run(&["init"]);
        assert!(said(&refused).contains("upgrade --to 18"), "{}", said(&refused));
    }
    assert!(interrupted > 2, "it was interrupted {interrupted} times");
    assert_eq!(kept(&database).await, (1000, 500_500, "18".to_owned()));
    let ordered = "set enable_seqscan = off; select string_agg(word, '' order by word) from words";
    let ordered = client(&database, "todo").await.simple_query(ordered).await.unwrap();
    let ordered = ordered.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    assert_eq!(ordered, Some("oöz"));
    database.until_healthy();
    assert!(database.status()["version"].as_str().unwrap().starts_with("18"));
    let again = database.run(&upgrade);
    assert!(again.status.success() && said(&again).contains("runs PostgreSQL 18 already"));

    // The way back is the archive's: all that was written before, and nothing that came after.
    writer::superuser(&database)
        .await
        .batch_execute("insert into kept values (5000)")
        .await
        .unwrap();
    configure(&database, 17);
    database.must(&["restore", "--yes", "--at", "latest"]);
    assert_eq!(kept(&database).await, (1000, 500_500, "17".to_owned()));
    database.until_healthy();
    database.end().await;
}
