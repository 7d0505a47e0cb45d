//! The host as a service: how it stops.

use tests::{App, Ask, until};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_stop_answers_the_requests_that_are_under_way_and_takes_no_others() {
    let App { mut host, database, .. } = App::start().await;
    database
        .execute(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
                 AS 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END';
             CREATE TRIGGER slow BEFORE INSERT ON todoitem FOR EACH ROW EXECUTE FUNCTION slow()",
        )
        .await;
    let lock = database.lock(1).await;
    let request = tests::http::client()
        .post(format!("{}/todos", host.origin()))
        .body(r#"{"title":"under way"}"#);
    let answer = tokio::spawn(async move { request.answer().await });
    until("the request waits for the lock", async || {
        database.has_waiting_lock().await.then_some(())
    })
    .await;

    let authority = host.authority().to_owned();
    host.program().signal(nix::sys::signal::Signal::SIGTERM);
    until("no connection is taken any more", async || {
        TcpStream::connect(&authority).await.is_err().then_some(())
    })
    .await;
    drop(lock);
    answer.await.unwrap().is(201);
    assert!(host.program().ends().await.success());
    assert_eq!(database.titles().await, ["under way"]);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_clients_that_say_nothing() {
    let App { mut host, database: _database, .. } = App::start().await;
    let silent = TcpStream::connect(host.authority()).await.unwrap();
    let client = tests::http::client(); // keeps its connection
    client.get(host.origin()).answer().await.is(200);
    assert!(host.program().stop().await.success());
    drop((silent, client));
}
