//! Connections that must not be handed on as they are: left in a transaction,
//! to a server that is frozen, gone or demoted, to one that is not who it says.

use serde_json::json;
use std::collections::BTreeSet;
use tests::host::Up;
use tests::tls::{Authority, TlsServer};
use tests::{Answer, Ask, Database, Gate, Host, Project, until};

/// Runs so many requests at once that each has a connection of its own, and
/// returns the server processes behind them.
async fn all_connections(host: &Host, database: &Database, count: usize) -> BTreeSet<i32> {
    let lock = database.lock(7).await;
    let requests: Vec<_> = (0..count)
        .map(|_| {
            let url = format!("{}/sql/4", host.origin());
            let body = "SELECT pg_advisory_xact_lock_shared(7)::text";
            let request = tests::http::client().post(url).body(body);
            tokio::spawn(async move { request.answer().await })
        })
        .collect();
    let waiting = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let processes = until("all of them wait", async || {
        let rows = database.query(waiting).await;
        (rows.len() == count).then(|| rows.iter().map(|row| row.get(0)).collect())
    })
    .await;
    drop(lock);
    for request in requests {
        request.await.unwrap().is(200);
    }
    processes
}

/// A function that says what a demoted primary says to a write.
const DEMOTED: &str = "CREATE FUNCTION demoted() RETURNS text LANGUAGE plpgsql AS
    $$BEGIN RAISE 'cannot execute INSERT in a read-only transaction' USING ERRCODE = '25006'; END$$";

#[tokio::test]
async fn a_statement_is_prepared_once_a_connection() {
    let database = Database::new().await;
    let host =
        Up::misbehaving(database.url().as_str(), &["--database-connections=1"]).start().await;
    for _ in 0..3 {
        host.run_sql(4, "SELECT 'again'").await.is(200);
    }
    let count = "SELECT count(*)::text FROM pg_prepared_statements WHERE statement = ";
    let answer = host.run_sql(4, &format!("{count}'SELECT ''again'''")).await.is(200);
    assert_eq!(answer.text(), "1");
}

#[tokio::test]
async fn a_transaction_left_open_is_rolled_back_before_the_next_borrower() {
    let database = Database::new().await;
    let host =
        Up::misbehaving(database.url().as_str(), &["--database-connections=1"]).start().await;
    let process = host.run_sql(4, "SELECT pg_backend_pid()::text").await.is(200);
    host.run_sql(
        4,
        "BEGIN\nINSERT INTO todoitem (task, position) VALUES ('ghost', 1)\nSET a.b = 'c'",
    )
    .await
    .is(200);
    let found = host.run_sql(
        4,
        "SELECT count(*)::text FROM todoitem\nSELECT coalesce(current_setting('a.b', true), '')",
    )
    .await
    .is(200);
    assert_eq!(found.text().trim_end(), "0");
    assert!(database.titles().await.is_empty());
    let same = host.run_sql(4, "SELECT pg_backend_pid()::text").await.is(200);
    assert_eq!(same.text(), process.text(), "it is cleaned, not replaced");
}

#[tokio::test]
async fn a_server_that_takes_no_writes_any_more_loses_all_of_its_connections() {
    let database = Database::new().await;
    database.execute(DEMOTED).await;
    let host =
        Up::misbehaving(database.url().as_str(), &["--database-connections=3"]).start().await;
    let before = all_connections(&host, &database, 3).await;
    assert_eq!(all_connections(&host, &database, 3).await, before, "they are kept otherwise");
    let refused = host.run_sql(4, "SELECT demoted()").await.is(500);
    assert!(refused.text().contains("25006"), "{}", refused.text());
    let after = all_connections(&host, &database, 3).await;
    assert!(before.is_disjoint(&after), "{before:?} {after:?}");
}

#[tokio::test]
async fn a_component_that_asks_for_no_writes_itself_keeps_its_connection() {
    let database = Database::new().await;
    let host =
        Up::misbehaving(database.url().as_str(), &["--database-connections=1"]).start().await;
    let before = all_connections(&host, &database, 1).await;
    let write = "BEGIN READ ONLY\nINSERT INTO todoitem (task, position) VALUES ('x', 1)";
    let refused = host.run_sql(4, write).await.is(500);
    assert!(refused.text().contains("25006"), "{}", refused.text());
    assert_eq!(all_connections(&host, &database, 1).await, before);
}

#[tokio::test]
async fn a_server_that_shuts_down_loses_all_of_its_connections() {
    let database = Database::new().await;
    let host =
        Up::misbehaving(database.url().as_str(), &["--database-connections=3"]).start().await;
    let before = all_connections(&host, &database, 3).await;
    // One of them learns of it by itself; the other two are closed as well.
    database.disconnect_everybody().await;
    let after = until("they are made anew", async || {
        let answer = host.run_sql(4, "SELECT 'there'").await;
        // Who asks just then hears the server's last word, or that nobody answers.
        if answer.status == 500 && answer.text().contains("57P01") {
            return None;
        }
        if answer.status != 200 {
            answer.is(503);
            return None;
        }
        Some(all_connections(&host, &database, 3).await)
    })
    .await;
    assert!(before.is_disjoint(&after), "{before:?} {after:?}");
}

/// An address that names both ways to the database.
fn by_either(first: &Gate, second: &Gate, parameters: &str) -> String {
    let second: url::Url = second.url().parse().unwrap();
    let mut url: url::Url = first.url().parse().unwrap();
    let port = url.port().unwrap();
    url.set_port(None).unwrap();
    url.set_query(Some(&format!("sslmode=disable&{parameters}")));
    let hosts = format!("127.0.0.1:{port},127.0.0.1:{}", second.port().unwrap());
    url.as_str().replacen("127.0.0.1", &hosts, 1)
}

async fn post(host: &Host, title: &str) -> Answer {
    let url = format!("{}/todos", host.origin());
    let request = tests::http::client().post(url).json(&json!({ "title": title }));
    request.header("idempotency-key", title).answer().await
}

/// Writes until it is done: what fails on the way is 503, and nothing else.
async fn post_until_done(host: &Host, title: &str) {
    until("the write is done", async || match post(host, title).await {
        answer if answer.status == 503 => {
            assert!(answer.header("retry-after").parse::<u32>().is_ok());
            None
        }
        answer if answer.status == 200 => Some(()), // done, though not told
        answer => {
            answer.is(201);
            Some(())
        }
    })
    .await;
}

#[tokio::test]
async fn a_host_that_is_down_is_passed_over() {
    let database = Database::new().await;
    let (down, up) = (Gate::closed(&database), Gate::opened(&database));
    let url = by_either(&down, &up, "target_session_attrs=read-write");
    let host = Up::on(&url, Project::new()).with_admin().start().await;
    post(&host, "one").await.is(201);
    host.admin("/readyz").await.is(200);
}

#[tokio::test]
async fn a_host_that_is_frozen_is_passed_over() {
    let database = Database::new().await;
    let (frozen, up) = (Gate::opened(&database), Gate::opened(&database));
    frozen.freeze();
    let url = by_either(&frozen, &up, "target_session_attrs=read-write&connect_timeout=1");
    let host = Up::on(&url, Project::new()).with_admin().start().await;
    post(&host, "one").await.is(201);
    post(&host, "two").await.is(201);
    host.admin("/readyz").await.is(200);
}

#[tokio::test]
async fn a_server_that_freezes_is_left_for_another() {
    let database = Database::new().await;
    let (first, second) = (Gate::opened(&database), Gate::opened(&database));
    let url = by_either(&first, &second, "target_session_attrs=read-write&connect_timeout=1");
    let up = Up::on(&url, Project::new()).argument("--database-timeout=3s");
    let host = up.start().await;
    post(&host, "before").await.is(201);
    assert_eq!(second.passed(), 0, "the first one is the primary");
    first.freeze();
    post_until_done(&host, "while frozen").await;
    for number in 0..20 {
        // None of them meets an old connection, or waits for the frozen host again.
        post(&host, &format!("after {number}")).await.is(201);
    }
    assert_eq!(database.titles().await.len(), 22);
}

#[tokio::test]
async fn while_nothing_answers_one_at_a_time_looks() {
    let database = Database::new().await;
    let gate = Gate::opened(&database);
    gate.freeze();
    let url = format!("{}&connect_timeout=1", gate.url());
    let host = Up::misbehaving(&url, &[]).start().await;
    host.run_sql(4, "SELECT 'there'").await.is(503);
    let before = gate.passed();
    let requests = (0..30).map(|_| host.run_sql(4, "SELECT 'there'"));
    for answer in futures::future::join_all(requests).await {
        answer.is(503);
    }
    let looks = gate.passed() - before;
    assert!((1..10).contains(&looks), "{looks} connections for 30 requests");
}

#[tokio::test]
async fn a_database_that_says_nothing_is_given_up_with_503() {
    let database = Database::new().await;
    let mut gate = Gate::opened(&database);
    let up = Up::on(gate.url(), Project::new()).argument("--database-timeout=3s");
    let host = up.start().await;
    post(&host, "before").await.is(201);
    gate.freeze();
    post(&host, "while frozen").await.is_problem(503);
    gate.close().await;
    gate.open();
    post_until_done(&host, "after").await;
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_appears_once_when_it_is_sent_again() {
    let database = Database::new().await;
    let mut gate = Gate::opened(&database);
    let host = Up::on(gate.url(), Project::new()).start().await;
    post(&host, "first").await.is(201);
    gate.hold_answers();
    let url = format!("{}/todos", host.origin());
    let send = || {
        let request = tests::http::client().post(&url).json(&json!({ "title": "second" }));
        let request = request.header("idempotency-key", "second");
        tokio::spawn(async move { request.answer().await })
    };
    let mut lost = send();
    until("it is done", async || {
        if lost.is_finished() {
            lost = send(); // the connection was not back yet, and a new one gets no answer
        }
        (database.titles().await.len() == 2).then_some(())
    })
    .await;
    gate.close().await;
    lost.await.unwrap().is_problem(503);
    gate.open();
    until("it is told", async || match post(&host, "second").await {
        answer if answer.status == 503 => None,
        answer => {
            answer.is(200);
            Some(())
        }
    })
    .await;
    assert_eq!(database.titles().await, ["first", "second"]);
}

#[tokio::test]
async fn a_server_is_who_the_authority_says_or_it_gets_no_password() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = TlsServer::start(&authority).await;
    let both = format!("{}{}", stranger.pem(), authority.pem());
    let tls = "SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    for (ca, name, mode, right) in [
        (authority.pem(), "localhost", "sslmode=require", true),
        (authority.pem(), "localhost", "sslmode=prefer", true),
        (&both, "localhost", "sslmode=require", true),
        (stranger.pem(), "localhost", "sslmode=require", false),
        (stranger.pem(), "localhost", "sslmode=prefer", false),
        (authority.pem(), "127.0.0.1", "sslmode=require", false),
        ("", "localhost", "sslmode=require", false),
        ("", "localhost", "sslmode=prefer", true),
    ] {
        let what = format!("{name} {mode}, CA of {} bytes", ca.len());
        let up = Up::misbehaving(&server.url(name, mode), &[]);
        let host = up.variable("database_ca", ca).start().await;
        let answer = host.run_sql(4, tls).await;
        let ready = host.admin("/readyz").await;
        if right {
            assert_eq!(answer.is(200).text(), "true", "{what}");
            assert_eq!(ready.status, 200, "{what}: {}", ready.text());
        } else {
            assert_eq!(answer.status, 503, "{what}: {}", answer.text());
            assert!(answer.text().contains("certificate"), "{what}: {}", answer.text());
            assert_eq!(ready.status, 503, "{what}: {}", ready.text());
        }
    }
}

#[tokio::test]
async fn with_an_authority_a_server_without_tls_gets_no_password_either() {
    let database = Database::new().await;
    let mut url = database.url().clone();
    url.set_query(None);
    let up = Up::misbehaving(url.as_str(), &[]);
    let host = up.variable("database_ca", Authority::new().pem()).start().await;
    let answer = host.run_sql(4, "SELECT 'secret'").await.is(503);
    assert!(answer.text().contains("TLS"), "{}", answer.text());
    assert!(database.connections().await.is_empty());
}

#[tokio::test]
async fn migrations_are_applied_under_the_same_authority() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = TlsServer::start(&authority).await;
    for (ca, right) in [(authority.pem(), true), (stranger.pem(), false)] {
        let mut command = tests::host::command("migrate");
        let project = Project::new();
        command.current_dir(project.folder());
        command.env("SPIN_VARIABLE_DATABASE_URL", server.url("localhost", "sslmode=require"));
        command.env("SPIN_VARIABLE_DATABASE_CA", ca);
        let outcome = tests::child::run("runtime-host migrate", command).await;
        if right {
            outcome.succeeded();
        } else {
            assert!(outcome.failed().contains("certificate"), "{}", outcome.stderr);
        }
    }
}
