//! A stop that nobody notices: not ready first, gone later.

use nix::sys::signal::Signal;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tests::host::Up;
use tests::{App, Ask, http, until};

/// Makes every insert wait for the advisory lock 1.
const SLOW: &str = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
        AS 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END';
    CREATE TRIGGER slow BEFORE INSERT ON todoitem FOR EACH ROW EXECUTE FUNCTION slow()";

async fn app(arguments: &[&str]) -> App {
    App::with(|up| arguments.iter().fold(Up::with_admin(up), |up, a| up.argument(a))).await
}

#[tokio::test]
async fn until_the_delay_is_over_it_serves_and_says_that_it_is_about_to_stop() {
    let mut app = app(&["--shutdown-delay=1h"]).await;
    let kept = app.get("/todos").answer().await.is(200);
    assert!(kept.maybe_header("connection").is_none());
    app.host.program().signal(Signal::SIGTERM);
    until("it is not ready", async || {
        (app.host.admin("/readyz").await.status == 503).then_some(())
    })
    .await;
    let ready = app.host.admin("/readyz?exclude=database").await.is(503).json();
    assert_ne!(ready["shutdown"], "ok");
    assert_eq!(ready["component"], "ok");
    app.host.admin("/healthz").await.is(200);
    let answer = app.get("/todos").answer().await.is(200);
    assert_eq!(answer.header("connection"), "close");
    app.add("still there").await;

    app.host.program().signal(Signal::SIGTERM); // a second one does not wait
    assert!(app.host.program().ends().await.success());
}

#[tokio::test]
async fn no_request_fails_for_clients_of_a_balancer_that_looks_at_readyz() {
    let mut app = app(&["--shutdown-delay=15s"]).await;
    let in_service = Arc::new(AtomicBool::new(true));
    let answered = Arc::new(AtomicUsize::new(0));
    // Half of them keep their connections, half connect anew each time.
    let clients: Vec<_> = (0..8)
        .map(|number| {
            let (in_service, answered) = (in_service.clone(), answered.clone());
            let url = app.url("/todos");
            tokio::spawn(async move {
                let mut failures = vec![];
                let mut client = http::client();
                while in_service.load(Ordering::Relaxed) {
                    if number % 2 == 0 {
                        client = http::client();
                    }
                    match client.get(&url).try_answer().await {
                        Ok(answer) if answer.status == 200 => {
                            answered.fetch_add(1, Ordering::Relaxed);
                        }
                        Ok(answer) => failures.push(format!("{}", answer.status)),
                        Err(error) => failures.push(format!("{error:?}")),
                    }
                }
                failures
            })
        })
        .collect();
    let goes_on = async |more: usize| {
        let goal = answered.load(Ordering::Relaxed) + more;
        until("requests are answered", async || {
            (answered.load(Ordering::Relaxed) >= goal).then_some(())
        })
        .await;
    };
    goes_on(50).await;
    app.host.program().signal(Signal::SIGTERM);
    until("the balancer sees it", async || {
        (app.host.admin("/readyz").await.status == 503).then_some(())
    })
    .await;
    goes_on(50).await; // the balancer is slow to tell everybody
    in_service.store(false, Ordering::Relaxed);
    for client in clients {
        assert_eq!(client.await.unwrap(), Vec::<String>::new());
    }
    assert!(app.host.program().ends().await.success());
}

#[tokio::test]
async fn connections_in_use_learn_of_the_end_even_without_a_delay() {
    let mut app = app(&[]).await;
    app.database.execute(SLOW).await;
    let lock = app.database.lock(1).await;
    let request = app.post("/todos").json(&json!({ "title": "under way" }));
    let answer = tokio::spawn(async move { request.answer().await });
    until("it waits", async || app.database.has_waiting_lock().await.then_some(())).await;
    app.host.program().signal(Signal::SIGTERM);
    until("it is not ready", async || {
        (app.host.admin("/readyz").await.status == 503).then_some(())
    })
    .await;
    drop(lock);
    let answer = answer.await.unwrap().is(201);
    assert_eq!(answer.header("connection"), "close");
    assert!(app.host.program().ends().await.success());
    assert_eq!(app.database.titles().await, ["under way"]);
}

#[tokio::test]
async fn what_does_not_end_in_time_is_cut_and_told() {
    let mut app = app(&["--drain-timeout=100ms"]).await;
    app.database.execute(SLOW).await;
    let _lock = app.database.lock(1).await;
    let request = app.post("/todos").json(&json!({ "title": "too long" }));
    let answer = tokio::spawn(async move { request.try_answer().await });
    until("it waits", async || app.database.has_waiting_lock().await.then_some(())).await;
    assert!(app.host.program().stop().await.success());
    assert!(answer.await.unwrap().is_err());
    app.host.says("--drain-timeout").await;
}

#[tokio::test]
async fn a_second_signal_cuts_what_is_still_under_way() {
    let mut app = app(&[]).await;
    app.database.execute(SLOW).await;
    let _lock = app.database.lock(1).await;
    let request = app.post("/todos").json(&json!({ "title": "too long" }));
    let answer = tokio::spawn(async move { request.try_answer().await });
    until("it waits", async || app.database.has_waiting_lock().await.then_some(())).await;
    app.host.program().signal(Signal::SIGTERM);
    until("it is not ready", async || {
        (app.host.admin("/readyz").await.status == 503).then_some(())
    })
    .await;
    app.host.program().signal(Signal::SIGINT);
    assert!(app.host.program().ends().await.success());
    assert!(answer.await.unwrap().is_err());
    app.host.says("cut off").await;
}
