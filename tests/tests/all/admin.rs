//! The admin port: is it alive, is it ready, what does it do.

use tests::host::Up;
use tests::wasm::{digest, todo_component};
use tests::{App, Ask, Database, Gate, Project, until};

async fn app() -> App {
    App::with(Up::with_admin).await
}

#[tokio::test]
async fn a_host_that_serves_is_alive_and_ready() {
    let app = app().await;
    assert_eq!(app.host.admin("/healthz").await.is(200).text(), "ok\n");
    let ready = app.host.admin("/readyz").await.is(200).json();
    for condition in ["component", "database", "shutdown"] {
        assert_eq!(ready[condition], "ok", "{ready}");
    }
    assert_eq!(ready["ready"], true);
}

#[tokio::test]
async fn a_database_that_is_away_is_named_without_its_password() {
    let database = Database::new().await;
    let mut gate = Gate::closed(&database);
    let host = Up::on(gate.url(), Project::new()).with_admin().start().await;
    let ready = host.admin("/readyz").await.is(503).json();
    assert_eq!(ready["ready"], false);
    assert_eq!(ready["component"], "ok");
    let database_says = ready["database"].as_str().unwrap();
    assert!(database_says.contains("127.0.0.1"), "{database_says}");
    let url: url::Url = gate.url().parse().unwrap();
    assert!(!database_says.contains(url.password().unwrap()), "{database_says}");

    host.admin("/healthz").await.is(200);
    let ready = host.admin("/readyz?exclude=database").await.is(200).json();
    assert!(ready.get("database").is_none(), "{ready}");

    gate.open();
    until("it is ready", async || (host.admin("/readyz").await.status == 200).then_some(())).await;
    gate.close().await;
    until("it is not", async || (host.admin("/readyz").await.status == 503).then_some(())).await;
}

#[tokio::test]
async fn probes_do_not_pile_up_at_the_database() {
    let database = Database::new().await;
    let gate = Gate::opened(&database);
    let host = Up::on(gate.url(), Project::new()).with_admin().start().await;
    let before = gate.passed();
    let probes = (0..30).map(|_| host.admin("/readyz"));
    for answer in futures::future::join_all(probes).await {
        answer.is(200);
    }
    let looks = gate.passed() - before;
    assert!((1..15).contains(&looks), "{looks} connections for 30 probes");
}

#[tokio::test]
async fn what_happened_is_counted() {
    let app = app().await;
    app.add("one").await;
    app.add("two").await;
    app.list().await;
    app.get("/nowhere").answer().await.is(404);
    let brew = ::http::Method::from_bytes(b"BREW").unwrap();
    let status = app.request(brew, "/todos").answer().await.status;
    for (metric, count) in [
        ("http_requests_total{method=\"POST\",status=\"201\"}", 2),
        ("http_requests_total{method=\"GET\",status=\"200\"}", 1),
        ("http_requests_total{method=\"GET\",status=\"404\"}", 1),
        (&format!("http_requests_total{{method=\"other\",status=\"{status}\"}}"), 1),
        ("http_request_duration_seconds_count", 5),
        ("http_requests_in_flight", 0),
        (&format!("component_info{{digest=\"{}\"}}", digest(&todo_component())), 1),
        ("database_pool_connections{database=\"0\",state=\"max\"}", 16),
    ] {
        let what = format!("{metric} is {count}");
        until(&what, async || {
            (app.host.metric(&format!("runtime_host_{metric}")).await == count).then_some(())
        })
        .await;
    }
    let memory = app.host.metric("runtime_host_process_resident_memory_bytes").await;
    assert!(memory > 1_000_000, "{memory}");
    let text = app.host.admin("/metrics").await;
    assert!(text.text().ends_with("# EOF\n"));
    assert!(!text.text().contains("127.0.0.1"), "the address of the database is in no label");
}

#[tokio::test]
async fn its_status_says_what_is_live_and_how_it_does() {
    let app = app().await;
    app.list().await;
    app.list().await;
    let status = app.host.admin("/status").await.is(200).json();
    let live = status["live"]["digest"].as_str().unwrap();
    assert!(live.contains(&digest(&todo_component())), "{status}");
    assert_eq!(status["live"]["requests"], 2);
    assert_eq!(status["live"]["failures"], 0);
    assert_eq!(status["stopping"], false);
}

#[tokio::test]
async fn what_it_has_not_got_is_told_with_what_it_has() {
    let app = app().await;
    let answer = app.host.admin("/nothing").await.is(404);
    assert!(answer.text().contains("/readyz"));
    let answer = app.host.admin("/readyz?verbose").await.is(400);
    assert!(answer.text().contains("exclude=database"));
}

#[tokio::test]
async fn nothing_of_it_is_on_the_public_port() {
    let app = app().await;
    for path in ["/healthz", "/readyz", "/status", "/metrics"] {
        assert_eq!(app.get(path).answer().await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_with_the_flag() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let admin = format!("--admin={}", taken.local_addr().unwrap());
    let up = Up::on("postgres://nobody@127.0.0.1:1/nothing", Project::new()).argument(&admin);
    let said = up.fails().await;
    assert!(said.contains("--admin") && said.contains("in use"), "{said}");
}
