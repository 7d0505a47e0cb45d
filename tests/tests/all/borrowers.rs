//! What one request leaves in a database connection, and what a migration changes under it.

use std::sync::Arc;
use tests::host::Up;
use tests::{Ask, Database, Gate, Host, http, until};
use tokio::task::JoinSet;

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

/// What a session shows of what others did in it.
const SHOWN: &str = "SELECT concat_ws('|', current_user, session_user, current_setting('search_path'), \
    current_setting('app.tenant', true), current_setting('statement_timeout'), \
    current_setting('default_transaction_read_only'), current_setting('TimeZone'), \
    current_setting('client_encoding'), current_setting('standard_conforming_strings'), \
    (SELECT count(*) FROM pg_prepared_statements WHERE from_sql), \
    (SELECT count(*) FROM pg_cursors WHERE is_holdable), \
    (SELECT count(*) FROM pg_listening_channels()), \
    (SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()), \
    (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()))";

#[tokio::test]
async fn a_session_shows_nothing_of_what_was_done_in_it_before() {
    let database = Database::new().await;
    database
        .execute(
            "CREATE TABLE t (a integer);
             CREATE FUNCTION prepares() RETURNS text LANGUAGE plpgsql AS
                 $$ BEGIN EXECUTE 'PREPARE \"by; function\" AS SELECT 1'; RETURN ''; END $$;
             CREATE FUNCTION forbids() RETURNS text LANGUAGE sql AS
                 $$ SELECT set_config('default_transaction_read_only', 'on', false) $$",
        )
        .await;
    let host = one_connection(&database).await;
    let process = host.run_sql(4, "SELECT pg_backend_pid()::text").await.is(200).text().to_owned();
    // What is empty afterwards was not there before.
    host.run_sql(4, "SELECT set_config('app.tenant', '', false)").await.is(200);
    let before = host.run_sql(4, SHOWN).await.is(200).text().to_owned();
    for sql in [
        "PREPARE p AS SELECT 1",
        "PREPARE \"a; b\" AS SELECT 1",
        "SELECT prepares()",
        "SELECT forbids()",
        "SET ROLE pg_monitor",
        "SET SESSION AUTHORIZATION pg_monitor",
        "DO $$ BEGIN PERFORM set_config('role', 'pg_monitor', false); END $$",
        "DO $$ BEGIN SET app.tenant = 'other'; END $$",
        "SELECT 1::text AS a$$, set_config('app.tenant', 'other', false) AS b$$",
        "SELECT 1::text --\r, set_config('app.tenant', 'other', false)",
        ";;SELECT set_config('app.tenant', 'other', false)",
        "BEGIN\nSET LOCAL app.tenant = 'other'",
        ";BEGIN\nINSERT INTO t VALUES (1)",
        "SET search_path = nowhere",
        "SET TimeZone = 'Asia/Tokyo'",
        "SET client_encoding = 'LATIN1'",
        "SET standard_conforming_strings = off",
        "SET statement_timeout = '20s'",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "LISTEN x",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        "CREATE TEMP TABLE leak (a integer)",
        "CREATE TEMP VIEW pg_prepared_statements AS SELECT 'x'::text AS name, true AS from_sql",
        "SELECT pg_advisory_lock(9)",
        "DEALLOCATE ALL",
        "DISCARD ALL",
    ] {
        for _ in 0..2 {
            host.run_sql(4, sql).await.is(200);
            let after = host.run_sql(4, SHOWN).await.is(200);
            assert_eq!(after.text(), before, "{sql}");
        }
    }
    let mut drawn = Vec::new();
    for _ in 0..2 {
        host.run_sql(4, "SELECT setseed(0.5)").await.is(200);
        drawn.push(host.run_sql(4, "SELECT random()::text").await.is(200).text().to_owned());
    }
    assert_ne!(drawn[0], drawn[1]);
    assert_eq!(host.run_sql(4, "SELECT pg_backend_pid()::text").await.is(200).text(), process);
    host.run_sql(4, "INSERT INTO t VALUES (1)").await.is(200);
    assert_eq!(host.run_sql(4, "SELECT count(*)::text FROM t").await.is(200).text(), "1");
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
    for sql in
        ["COPY todoitem FROM STDIN", "copy (SELECT 1) to stdout", "; copy todoitem to stdout"]
    {
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

/// On a machine that is too busy for sixteen logins at once, each of them takes seconds.
#[tokio::test]
async fn who_waits_for_a_login_takes_what_is_given_back_meanwhile() {
    let database = Database::new().await;
    let mut gate = Gate::opened(&database);
    let host = Arc::new(Up::misbehaving(gate.url(), &[]).start().await);
    let mut asked = JoinSet::new();
    let mut ask = |sql: &'static str, count| {
        for _ in 0..count {
            let host = host.clone();
            asked.spawn(async move { host.run_sql(4, sql).await.is(200) });
        }
    };
    host.run_sql(4, "SELECT 1").await.is(200);
    gate.freeze_new_ones();
    let before = gate.passed();
    let lock = database.lock(7).await;
    ask("SELECT true FROM pg_advisory_xact_lock(7)", 1);
    until("it waits", async || database.has_waiting_lock().await.then_some(())).await;
    ask("SELECT 1", 10);
    until("two log in", async || (gate.passed() == before + 2).then_some(())).await;
    drop(lock);
    for _ in 0..9 {
        asked.join_next().await.expect("eleven were asked").expect("an answer");
    }
    assert_eq!(gate.passed(), before + 2, "more than two logged in at once");
    gate.thaw();
    asked.join_all().await;
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
