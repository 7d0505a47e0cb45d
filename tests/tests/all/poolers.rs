//! `PgBouncer` between the host and the database, which lends a server for one transaction only.

use futures::future::join_all;
use tests::host::Up;
use tests::{App, Ask as _, Database, Host, Pooler};

/// A host on a component that runs what it is told.
async fn host(pooler: &Pooler) -> Host {
    Up::misbehaving(pooler.url().as_str(), &["--database-connections=4"]).start().await
}

#[tokio::test]
async fn no_statement_is_taken_for_anothers() {
    let database = Database::new().await;
    let pooler = Pooler::of_transactions(&database, 2).await;
    let (one, other) = tokio::join!(host(&pooler), host(&pooler));
    // Without a pooler the one host's first statement would have the name of the other's first.
    let ask = async |host: &Host, name: &str, number: usize| {
        let word = format!("{name}{}", number % 7);
        let sql = format!("str:{number} i32:{number} | SELECT '{word} ' || $1 || ($2 + 1)::text");
        let answer = host.run_sql(3, &sql).await.is(200);
        assert!(
            answer.text().contains(&format!("{word} {number}{}", number + 1)),
            "{sql}: {}",
            answer.text()
        );
    };
    for round in 0..5 {
        let numbers = (0..16).map(|number| 16 * round + number);
        let all = numbers.flat_map(|number| [ask(&one, "a", number), ask(&other, "b", number)]);
        join_all(all).await;
    }
}

#[tokio::test]
async fn a_transaction_has_its_server_and_gives_it_back() {
    let database = Database::new().await;
    database.fill(1).await;
    let pooler = Pooler::of_transactions(&database, 1).await;
    let host = host(&pooler).await;
    let set = "str:x | UPDATE todoitem SET task = $1";
    host.run_sql(3, &format!("BEGIN\n{set}\nSELECT task FROM todoitem\nCOMMIT")).await.is(200);
    assert_eq!(database.titles().await, ["x"]);
    // Left open, it would have the only server for ever.
    host.run_sql(4, "BEGIN\nUPDATE todoitem SET task = 'lost'").await.is(200);
    host.run_sql(4, "SELECT 'a'").await.is(200);
    assert_eq!(database.titles().await, ["x"]);
}

#[tokio::test]
async fn what_a_migration_changes_is_described_anew() {
    let database = Database::new().await;
    database.execute("CREATE TABLE c (x integer)").await;
    let pooler = Pooler::of_transactions(&database, 2).await;
    let host = host(&pooler).await;
    host.run_sql(3, "i32:1 | SELECT x::text FROM c WHERE x = $1").await.is(200);
    database.execute("ALTER TABLE c ALTER x TYPE text; INSERT INTO c VALUES ('a')").await;
    let answer = host.run_sql(3, "str:a | SELECT x::text FROM c WHERE x = $1").await.is(200);
    assert!(answer.text().contains('a'), "{}", answer.text());
    let wrong = host.run_sql(4, "SELECT y FROM c").await.is(500);
    assert!(wrong.text().contains("42703"), "{}", wrong.text());
}

#[tokio::test]
async fn the_todo_app_works_behind_it() {
    let database = Database::new().await;
    let pooler = Pooler::of_transactions(&database, 2).await;
    let app = App::with_variable("database_url", pooler.url().as_str()).await;
    let all = (0..20).map(|number| {
        let app = &app;
        async move { app.add(&format!("todo {number}")).await }
    });
    join_all(all).await;
    assert_eq!(app.list().await.len(), 20);
    app.get("/").answer().await.is(200);
}
