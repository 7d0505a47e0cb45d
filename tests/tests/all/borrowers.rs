//! What one request leaves in a database connection, and what a migration changes under it.

use tests::host::Up;
use tests::{Ask, Database, Gate, Host, http, until};

/// A host whose requests share one connection, on a component that runs what it is told.
async fn one_connection(database: &Database) -> Host {
    Up::misbehaving(database.url().as_str(), &["--database-connections=1"]).start().await
}

#[tokio::test]
async fn a_transaction_that_was_left_open_holds_no_lock_afterwards() {
    let database = Database::new().await;
    database.fill(1).await;
    let host = one_connection(&database).await;
    for version in [2, 3, 4] {
        host.run_sql(version, "BEGIN\nUPDATE todoitem SET task = 'lost'").await.is(200);
        // Nobody borrows the connection meanwhile.
        database.execute("SET lock_timeout = '30s'; UPDATE todoitem SET completed = true").await;
    }
    let lost = database.query("SELECT 1 FROM todoitem WHERE task = 'lost'").await;
    assert!(lost.is_empty());
}

#[tokio::test]
async fn nothing_of_one_borrower_reaches_the_next() {
    let database = Database::new().await;
    database
        .execute(
            "CREATE FUNCTION leaks() RETURNS text LANGUAGE plpgsql AS $$ BEGIN
                 CREATE TEMP TABLE by_function (a integer);
                 RETURN set_config('app.tenant', 'other', false) || pg_advisory_lock(7);
             END $$",
        )
        .await;
    let host = one_connection(&database).await;
    for _ in 0..2 {
        host.run_sql(4, "SELECT 1 AS a INTO TEMP leak").await.is(200);
        host.run_sql(4, "SELECT leaks()").await.is(200);
    }
    let left =
        host.run_sql(4, "SELECT coalesce(current_setting('app.tenant', true), '')").await.is(200);
    assert!(!left.text().contains("other"), "{}", left.text());
    let locks = database.query("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 7");
    assert!(locks.await.is_empty());
}

#[tokio::test]
async fn what_a_migration_changes_reaches_old_connections_at_once() {
    let database = Database::new().await;
    database.execute("CREATE TABLE c (x integer)").await;
    let host = one_connection(&database).await;
    host.run_sql(3, "i32:1 | SELECT x FROM c WHERE x = $1").await.is(200);
    host.run_sql(3, "SELECT * FROM c").await.is(200);
    database.execute("ALTER TABLE c ALTER x TYPE text; ALTER TABLE c ADD y integer").await;
    host.run_sql(3, "str:a | SELECT x FROM c WHERE x = $1").await.is(200);
    host.run_sql(3, "SELECT * FROM c").await.is(200);
    database.execute("ALTER TABLE c ADD z integer").await;
    host.run_sql(3, "BEGIN\nSELECT * FROM c\nCOMMIT").await.is(200);
}

#[tokio::test]
async fn a_result_of_many_narrow_rows_is_bounded_as_it_is_held() {
    let database = Database::new().await;
    let host = one_connection(&database).await;
    let refused = host.run_sql(3, "SELECT true FROM generate_series(1, 2000000)").await;
    assert!(refused.status >= 400 && refused.text().contains("larger than"), "{}", refused.text());
    host.run_sql(3, "SELECT true FROM generate_series(1, 1000)").await.is(200);
}

#[tokio::test]
async fn a_copy_is_refused_by_its_name_and_costs_no_connection() {
    let database = Database::new().await;
    let host = one_connection(&database).await;
    host.run_sql(4, "SELECT 'x'").await.is(200);
    let before = database.connections().await;
    for sql in ["COPY todoitem FROM STDIN", "copy (SELECT 1) to stdout"] {
        for version in [2, 3, 4] {
            let refused = host.run_sql(version, sql).await.is(500);
            assert!(refused.text().contains("INSERT INTO"), "{}", refused.text());
        }
    }
    host.run_sql(4, "SELECT 'x'").await.is(200);
    // One that was about to end, as after the migrations, may be gone.
    let after = database.connections().await;
    assert!(after.iter().all(|it| before.contains(it)), "{before:?}, then {after:?}");
}

#[tokio::test]
async fn a_statement_that_waits_delays_no_other_request() {
    let database = Database::new().await;
    let host = Up::misbehaving(database.url().as_str(), &[]).start().await;
    let lock = database.lock(7).await;
    // Version 3 has statements that hold their whole instance.
    let waits = host.run_sql(3, "SELECT true FROM pg_advisory_xact_lock(7)");
    let others = async {
        for _ in 0..20 {
            host.run_sql(3, "SELECT 1").await.is(200);
        }
        drop(lock);
    };
    let (waited, ()) = tokio::join!(waits, others);
    waited.is(200);
}

/// A request that is on its way until its client is gone, and the host has seen that.
async fn given_up(host: &Host, sql: &str, when: impl AsyncFnMut() -> Option<()>) {
    let request = http::client().post(format!("{}/sql/4", host.origin())).body(sql.to_owned());
    let asked = tokio::spawn(async move { request.answer().await });
    until("it is on its way", when).await;
    asked.abort();
    until("the host gives it up", async || {
        (host.metric("runtime_host_http_requests_in_flight").await == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_connection_is_made_for_the_next_when_its_borrower_is_gone() {
    let database = Database::new().await;
    let mut gate = Gate::opened(&database);
    gate.freeze();
    let host = Up::misbehaving(gate.url(), &[]).start().await;
    let asked = gate.passed();
    given_up(&host, "SELECT 'x'", async || (gate.passed() > asked).then_some(())).await;
    gate.thaw();
    let made = "runtime_host_database_connections_created_total{database=\"0\"}";
    until("it is made", async || (host.metric(made).await == 1).then_some(())).await;
    host.run_sql(4, "SELECT 'x'").await.is(200);
    assert_eq!(host.metric(made).await, 1);
    gate.close().await;
}

#[tokio::test]
async fn a_statement_that_ends_soon_after_it_was_given_up_keeps_its_connection() {
    let database = Database::new().await;
    let host = one_connection(&database).await;
    let process = host.run_sql(4, "SELECT pg_backend_pid()::text").await.is(200);
    let lock = database.lock(7).await;
    let waits = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    given_up(&host, "SELECT pg_advisory_xact_lock(7)::text", async || {
        (database.query(waits).await.len() == 1).then_some(())
    })
    .await;
    drop(lock);
    let next = host.run_sql(4, "SELECT pg_backend_pid()::text").await.is(200);
    assert_eq!(next.text(), process.text());
}

#[tokio::test]
async fn a_statement_that_goes_on_after_it_was_given_up_is_cancelled() {
    let database = Database::new().await;
    let host = one_connection(&database).await;
    let runs = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'
        AND state = 'active' AND datname = current_database()";
    let running = async || database.query(runs).await.len();
    given_up(&host, "SELECT pg_sleep(3600)::text", async || (running().await == 1).then_some(()))
        .await;
    until("it ends", async || (running().await == 0).then_some(())).await;
    host.run_sql(4, "SELECT 'x'").await.is(200);
}
