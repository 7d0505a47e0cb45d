//! Every limit has a flag, and whoever runs into one is told which.

use serde_json::json;
use tests::host::Up;
use tests::wasm::{
    component_that_does_not_start, component_that_loops, component_that_says_nothing,
    component_that_sleeps, component_that_takes_memory, component_that_traps,
};
use tests::{Answer, App, Ask, DEADLINE, Host, Project, raw, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A host whose component is these bytes, on a database that it does not need.
async fn serving(component: &[u8], arguments: &[&str]) -> Host {
    let mut project = Project::new();
    let path = project.write("other.wasm", component);
    project.set("component.todo.source", path.to_str().unwrap());
    let up = Up::on("postgres://nobody@127.0.0.1:1/nothing", project).with_admin();
    arguments.iter().fold(up, |up, argument| up.argument(argument)).start().await
}

async fn get(host: &Host) -> Answer {
    tests::http::client().get(host.origin()).answer().await
}

/// That it is a problem of the host's own, which says this.
#[track_caller]
fn says(answer: &Answer, status: u16, words: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem = answer.json();
    assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
}

/// Makes every insert wait for the advisory lock 1.
const SLOW: &str = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
        AS 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END';
    CREATE TRIGGER slow BEFORE INSERT ON todoitem FOR EACH ROW EXECUTE FUNCTION slow()";

async fn app(arguments: &[&str]) -> App {
    App::with(|up| arguments.iter().fold(up.with_admin(), |up, argument| up.argument(argument)))
        .await
}

#[tokio::test]
async fn a_value_out_of_bounds_or_without_a_unit_is_refused_with_the_flag_and_what_to_write() {
    for (argument, words) in [
        ("--max-requests=0", "1..=4096"),
        ("--max-connections=x", "invalid"),
        ("--request-timeout=30", "30s"),
        ("--response-timeout=9999h", "it has to be from"),
        ("--cpu-timeout=0", "it has to be from"),
        ("--guest-memory=1KiB", "from 1 MiB to 4 GiB"),
        ("--max-body=ten", "256MiB"),
        ("--max-head=1KiB", "from 8 KiB"),
        ("--header-timeout=1d", "ms, s, m, h"),
        ("--idle-timeout=0", "it has to be from"),
        ("--all-guests-memory=1KiB", "from 1 MiB"),
        ("--all-guests-memory=16MiB", "--guest-memory 256 MiB"),
        ("--trusted-proxies=10.0.0.0/33", "like 10.0.0.0/8"),
        ("--body-timeout=-1s", "whole number"),
        ("--instance-reuse=0", "1.."),
        ("--database-connections=0", "1..=1000"),
        ("--drain-timeout=soon", "whole number"),
        ("--shutdown-delay=2", "30s"),
    ] {
        let said = Up::new(Project::new()).argument(argument).fails().await;
        let flag = argument.split('=').next().unwrap();
        assert!(said.contains(flag) && said.contains(words), "{argument}: {said}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_however_it_comes() {
    let app = app(&["--max-body=1KiB"]).await;
    let large = json!({ "title": "x".repeat(2000) }).to_string();
    let declared = app.post("/todos").body(large.clone());
    let chunks = futures::stream::iter([Ok::<_, std::io::Error>(large)]);
    let undeclared = app.post("/todos").body(reqwest_body(chunks));
    for request in [declared, undeclared] {
        let answer = request.header("content-type", "application/json").answer().await;
        says(&answer, 413, "1 KiB");
    }
    app.add("x").await;
    assert_eq!(app.host.metric("runtime_host_refused_total{limit=\"max_body\"}").await, 2);
}

fn reqwest_body<S>(stream: S) -> tests::http::Body
where
    S: futures::TryStream<Ok = String, Error = std::io::Error> + Send + 'static,
{
    tests::http::Body::wrap_stream(stream)
}

/// Some are counted a moment after their answer: hyper gives it.
async fn heads_are_refused(app: &App, count: u64) {
    until("they are counted", async || {
        let counted = app.host.metric("runtime_host_refused_total{limit=\"max_head\"}").await;
        (counted == count).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let app = app(&["--max-head=8KiB"]).await;
    let answer = app.get("/todos").header("x-long", "x".repeat(9000)).answer().await;
    assert_eq!(answer.status, 431);
    app.get("/todos").header("x-long", "x".repeat(5000)).answer().await.is(200);
    heads_are_refused(&app, 1).await;

    // The limit is what it says, also for what comes at once: in one header, in many, in cookies.
    let app = self::app(&[]).await;
    let long = |bytes: usize| app.get("/todos").header("x-long", "x".repeat(bytes));
    long(64_000).answer().await.is(200);
    for request in [
        long(66_000),
        long(90_000),
        app.get("/").header("cookie", format!("a={}", "x".repeat(66_000))),
        (0..70).fold(app.get("/todos"), |request, n| {
            request.header(format!("x-{n}"), "x".repeat(1000))
        }),
    ] {
        let refused = request.answer().await.is(431);
        assert!(
            refused.text().is_empty() || refused.text().contains("64 KiB"),
            "{}",
            refused.text()
        );
    }
    heads_are_refused(&app, 4).await;
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_given_up() {
    let app = app(&["--request-timeout=3s"]).await;
    app.database.execute(SLOW).await;
    let lock = app.database.lock(1).await;
    let answer = app.post("/todos").json(&json!({ "title": "slow" })).answer().await;
    says(&answer, 504, "3s");
    drop(lock);
    app.list().await;
}

#[tokio::test]
async fn a_component_that_sleeps_is_given_up() {
    let host = serving(&component_that_sleeps(), &["--request-timeout=200ms"]).await;
    for _ in 0..2 {
        says(&get(&host).await, 504, "200ms");
    }
    let failures = "runtime_host_component_failures_total{reason=\"timeout\"}";
    assert_eq!(host.metric(failures).await, 2);
}

#[tokio::test]
async fn a_component_that_loops_is_ended_and_meanwhile_others_are_answered() {
    let host = serving(&component_that_loops(), &["--cpu-timeout=1s"]).await;
    let failures = "runtime_host_component_failures_total{reason=\"cpu\"}";
    let client = tests::http::client();
    let looping: Vec<_> = (0..8)
        .map(|_| {
            let request = client.get(host.origin());
            tokio::spawn(async move { request.answer().await })
        })
        .collect();
    // On a busy machine the first may have ended when the last begins.
    until("they are under way", async || {
        let ended = host.metric(failures).await;
        let now = host.metric("runtime_host_http_requests_in_flight").await;
        (ended + now >= 8).then_some(())
    })
    .await;
    host.admin("/healthz").await.is(200);
    for answer in looping {
        says(&answer.await.unwrap(), 504, "CPU time");
    }
    assert_eq!(host.metric(failures).await, 8);
}

#[tokio::test]
async fn a_component_that_fails_is_told_by_how_it_did() {
    for (component, reason, words, logged) in [
        (component_that_traps(), "trap", "trapped", "unreachable"),
        (component_that_takes_memory(), "trap", "trapped", "memory"),
        (component_that_does_not_start(), "instantiation", "could not be started", "unreachable"),
        (component_that_says_nothing(), "error", "an error instead of an answer", "GET /"),
    ] {
        let host = serving(&component, &["--guest-memory=2MiB"]).await;
        for _ in 0..3 {
            says(&get(&host).await, 500, words);
        }
        host.says(logged).await;
        let failures = format!("runtime_host_component_failures_total{{reason=\"{reason}\"}}");
        assert_eq!(host.metric(&failures).await, 3, "{reason}");
        let status = host.admin("/status").await.json();
        assert_eq!(status["live"]["failures"], 3, "{status}");
    }
}

#[tokio::test]
async fn a_request_too_many_is_told_to_try_again() {
    let app = app(&["--max-requests=1"]).await;
    app.database.execute(SLOW).await;
    let lock = app.database.lock(1).await;
    let first = app.post("/todos").json(&json!({ "title": "first" }));
    let first = tokio::spawn(async move { first.answer().await });
    until("the first waits", async || app.database.has_waiting_lock().await.then_some(())).await;

    let second = app.get("/todos").answer().await;
    says(&second, 503, "Try again");
    assert_eq!(second.header("retry-after"), "1");
    app.host.admin("/readyz").await.is(200);
    assert_eq!(app.host.metric("runtime_host_refused_total{limit=\"max_requests\"}").await, 1);

    drop(lock);
    first.await.unwrap().is(201);
    assert_eq!(app.titles().await, ["first"]);
}

#[tokio::test]
async fn a_connection_too_many_is_told_to_try_again() {
    let app = App::with(|up| {
        let up = up.with_admin().argument("--max-connections=1");
        up.variable("cors_origins", "https://a.example:443")
    })
    .await;
    let mut held = TcpStream::connect(app.host.authority()).await.unwrap();
    held.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    until("it is in", async || {
        (app.host.metric("runtime_host_http_connections").await == 1).then_some(())
    })
    .await;
    let from = "Host: {host}\r\nOrigin: https://a.example\r\n\r\n";
    for (method, words) in [("GET", "Try again"), ("HEAD", "")] {
        let answers = raw::exchange(&app, format!("{method} / HTTP/1.1\r\n{from}")).await;
        assert_eq!(answers[0].status, 503);
        let said = answers[0].head.to_ascii_lowercase();
        for header in [
            "retry-after: 1",
            "connection: close",
            "cache-control: no-store",
            "content-type: application/problem+json",
            "access-control-allow-origin: https://a.example",
        ] {
            assert!(said.contains(header), "{header} in {said}");
        }
        let body = String::from_utf8_lossy(&answers[0].body).into_owned();
        assert!(body.contains(words) && body.is_empty() == words.is_empty(), "{method}: {body}");
    }
    drop(held);
    until("there is room again", async || {
        let answer = app.get("/todos").try_answer().await.ok()?;
        (answer.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_client_that_does_not_finish_its_head_is_cut() {
    let app = app(&["--header-timeout=2s", "--idle-timeout=1h"]).await;
    let answers = raw::exchange(&app, "GET / HTTP/1.1\r\nHost: {host}\r\nX-Never: ").await;
    assert!(answers.is_empty(), "{answers:?}");
    // The second head of a kept connection has the same time.
    let whole = "GET /todos HTTP/1.1\r\nHost: {host}\r\n\r\n";
    let answers = raw::exchange_one_by_one(&app, [whole, "GET / HTTP/1.1\r\nX-Never: "]).await;
    assert_eq!(answers.len(), 1, "{answers:?}");
    until("it is counted", async || {
        let counted = app.host.metric("runtime_host_refused_total{limit=\"header_timeout\"}").await;
        (counted == 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_kept_connection_that_is_not_used_is_closed_and_not_counted_as_refused() {
    let app = app(&["--idle-timeout=2s", "--header-timeout=1h"]).await;
    let answers = raw::exchange(&app, "GET /todos HTTP/1.1\r\nHost: {host}\r\n\r\n").await;
    assert_eq!(answers[0].status, 200);
    let refused = app.host.metric("runtime_host_refused_total{limit=\"header_timeout\"}").await;
    assert_eq!(refused, 0);
}

#[tokio::test]
async fn a_client_that_does_not_finish_its_body_is_told_and_cut() {
    let app = app(&["--body-timeout=200ms"]).await;
    let head = "POST /todos HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n";
    for body in ["Content-Length: 100\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"] {
        let answers = raw::exchange(&app, format!("{head}{body}")).await;
        assert_eq!(answers.len(), 1);
        assert_eq!(answers[0].status, 408, "{}", answers[0].head);
    }
    assert_eq!(app.host.metric("runtime_host_refused_total{limit=\"body_timeout\"}").await, 2);
    let status = app.host.admin("/status").await.json();
    assert_eq!(status["live"]["failures"], 0, "the component is not to blame: {status}");
}

#[tokio::test]
async fn a_client_that_trickles_its_body_is_not_the_components_failure() {
    let app = app(&["--request-timeout=300ms", "--body-timeout=10s"]).await;
    let head = "POST /todos HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n";
    let answers = raw::exchange(&app, format!("{head}Content-Length: 100\r\n\r\n{{")).await;
    assert_eq!(answers[0].status, 408, "{}", answers[0].head);
    let status = app.host.admin("/status").await.json();
    assert_eq!(status["live"]["failures"], 0, "{status}");
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answers_is_cut() {
    let app = app(&["--body-timeout=300ms"]).await;
    app.database.fill(100).await;
    let mut stream = TcpStream::connect(app.host.authority()).await.unwrap();
    let request =
        format!("GET /todos?limit=100 HTTP/1.1\r\nHost: {}\r\n\r\n", app.host.authority());
    let (mut reader, mut writer) = stream.split();
    // Requests without end, and not a byte is read, until the host has enough of it.
    let asked = tokio::time::timeout(DEADLINE, async {
        while writer.write_all(request.as_bytes()).await.is_ok() {}
    });
    assert!(asked.await.is_ok(), "the host still waits for its client");
    let _ = reader.read_to_end(&mut vec![]).await;
    until("it is counted", async || {
        let counted = app.host.metric("runtime_host_refused_total{limit=\"body_timeout\"}").await;
        (counted == 1).then_some(())
    })
    .await;
    app.list().await;
}

#[tokio::test]
async fn the_database_gets_no_more_connections_than_the_budget() {
    let app = app(&["--database-connections=2"]).await;
    let reads = (0..40).map(|_| app.get("/todos").answer());
    for answer in futures::future::join_all(reads).await {
        answer.is(200);
    }
    // The host's own look at the migrations may just be ending.
    until("there are two connections", async || {
        (app.database.connections().await.len() == 2).then_some(())
    })
    .await;
    let state = "runtime_host_database_pool_connections{database=\"0\",state=\"max\"}";
    assert_eq!(app.host.metric(state).await, 2);
    let created = "runtime_host_database_connections_created_total{database=\"0\"}";
    assert_eq!(app.host.metric(created).await, 2);
}
