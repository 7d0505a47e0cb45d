//! The host when clients, guests and the log behave badly.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use nix::sys::signal::Signal;
use reqwest::RequestBuilder;
use tests::host::Up;
use tests::{Answer, App, Ask, Database, Host, Project, http, program, raw, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

fn asked(host: &Host, path: &str) -> RequestBuilder {
    http::client().get(format!("{}{path}", host.origin()))
}

async fn failures(host: &Host, reason: &str) -> u64 {
    host.metric(&format!("runtime_host_component_failures_total{{reason=\"{reason}\"}}")).await
}

fn has(echo: &Answer, line: &str) -> bool {
    echo.text().lines().any(|own| own == line)
}

#[tokio::test]
async fn spins_headers_come_from_the_host_and_never_from_a_client() {
    let database = Database::new().await;
    let host = Up::misbehaving(database.url().as_str(), &[]).start().await;
    let request = asked(&host, "/echo?x=1");
    let forged = request.header("spin-client-addr", "6.6.6.6:6").header("spin-path-info", "/admin");
    let echo = forged.header("x-forwarded-for", "7.7.7.7").answer().await.is(200);
    assert!(has(&echo, &format!("spin-full-url: {}/echo?x=1", host.origin())), "{}", echo.text());
    for line in ["spin-path-info: /echo", "spin-base-path: /", "spin-matched-route: /..."] {
        assert!(has(&echo, line), "{line} in {}", echo.text());
    }
    assert!(echo.text().contains("spin-client-addr: 127.0.0.1:"), "{}", echo.text());
    for forged in ["6.6.6.6", "/admin", "spin-client-addr: 7.7.7.7"] {
        assert!(!echo.text().contains(forged), "{forged} in {}", echo.text());
    }
}

#[tokio::test]
async fn a_component_answers_what_its_routes_lead_to_and_the_host_the_rest() {
    let mut project = Project::misbehaving();
    let trigger = |route: &str| {
        let pairs = [("route", route), ("component", "todo")];
        toml::Value::Table(
            pairs.map(|(key, text)| (key.to_owned(), text.into())).into_iter().collect(),
        )
    };
    project.set("trigger.http", vec![trigger("/:who"), trigger("/below/...")]);
    let host = Up::on("postgres://nobody@127.0.0.1:1/nothing", project).start().await;
    let request = asked(&host, "/echo").header("spin-path-match-admin", "yes");
    let echo = request.answer().await.is(200);
    for line in ["spin-path-match-who: echo", "spin-path-info: ", "spin-matched-route: /:who"] {
        assert!(has(&echo, line), "{line} in {}", echo.text());
    }
    assert!(!echo.text().contains("admin"), "{}", echo.text());
    assert_eq!(asked(&host, "/below/it/").answer().await.is(200).text(), "/it/");
    for path in ["/", "/a/b"] {
        let problem = asked(&host, path).answer().await.is(404).json();
        assert!(problem["detail"].as_str().unwrap().contains("route"), "{problem}");
    }
}

#[tokio::test]
async fn the_clients_address_is_taken_from_proxies_that_are_trusted() {
    let database = Database::new().await;
    let trusted = "--trusted-proxies=127.0.0.1, 10.0.0.0/8";
    let host = Up::misbehaving(database.url().as_str(), &[trusted]).start().await;
    let request =
        asked(&host, "/echo").header("x-forwarded-for", "1.1.1.1, 198.51.100.7, 10.2.0.1");
    let echo = request.answer().await.is(200);
    assert!(has(&echo, "spin-client-addr: 198.51.100.7:0"), "{}", echo.text());
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_failure_of_its_version() {
    let database = Database::new().await;
    let host = Up::misbehaving(database.url().as_str(), &[]).start().await;
    assert!(asked(&host, "/short").try_answer().await.is_err(), "the client sees it, too");
    until("it is counted", async || (failures(&host, "body").await == 1).then_some(())).await;
    let status = host.admin("/status").await.json();
    assert_eq!(status["live"]["failures"], 1, "{status}");
    host.says("its answer broke off").await;
}

#[tokio::test]
async fn clients_that_leave_take_their_guests_along() {
    let database = Database::new().await;
    let host = Up::misbehaving(database.url().as_str(), &["--max-requests=4"]).start().await;
    let mut clients = vec![];
    let get = "GET /sleep HTTP/1.1\r\nHost: x\r\n\r\n";
    // Of these, hyper reads nothing more: the next request is there, or nobody takes the body.
    let pipelined = get.repeat(2);
    let post = "POST /sleep HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n";
    let upload = format!("{post}{}", "x".repeat(200_000));
    for bytes in [get, &pipelined, &upload, &upload] {
        let mut client = TcpStream::connect(host.authority()).await.unwrap();
        client.write_all(bytes.as_bytes()).await.unwrap();
        clients.push(client);
    }
    let under_way = async |count| {
        until("so many are under way", async || {
            let metric = host.metric("runtime_host_http_requests_in_flight").await;
            (metric == count).then_some(())
        })
        .await;
    };
    under_way(4).await;
    asked(&host, "/fine").answer().await.is(503);
    drop(clients);
    under_way(0).await;
    asked(&host, "/fine").answer().await.is(200);
}

#[tokio::test]
async fn silent_clients_of_the_admin_port_keep_nobody_out() {
    let app = App::with(Up::with_admin).await;
    let address = app.host.admin_origin().await.replace("http://", "");
    let mut silent = vec![];
    for _ in 0..300 {
        silent.push(TcpStream::connect(&address).await.unwrap());
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        app.host.admin(path).await.is(200);
    }
    // The oldest made room.
    let ended = silent[0].read(&mut [0]).await;
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
}

#[tokio::test]
async fn a_log_that_nobody_reads_stops_no_request() {
    let database = Database::new().await;
    let up = Up::on(database.url().as_str(), Project::misbehaving()).argument("--access-log");
    let mut command = up.command_of(&program("runtime-host"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let origin = lines.find_map(|line| Some(line.ok()?.strip_prefix("Serving ")?.to_owned()));
    let origin = origin.expect("it serves");
    // A pipe holds 64 KiB; this is several times as much.
    let client = http::client();
    for _ in 0..1500 {
        client.get(format!("{origin}/say")).answer().await.is(200);
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn a_terminal_that_goes_stops_the_host_as_it_should() {
    for signal in [Signal::SIGHUP, Signal::SIGQUIT] {
        let mut app = App::start().await;
        app.host.program().signal(signal);
        assert!(app.host.program().ends().await.success());
    }
}

#[tokio::test]
async fn guests_together_take_no_more_memory_than_they_may() {
    let database = Database::new().await;
    let limits = ["--all-guests-memory=16MiB", "--guest-memory=16MiB"];
    let host = Up::misbehaving(database.url().as_str(), &limits).start().await;
    let mut other = TcpStream::connect(host.authority()).await.unwrap();
    other.write_all(b"GET /sleep HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    until("another has some", async || {
        (host.metric("runtime_host_component_memory_bytes").await > 0).then_some(())
    })
    .await;
    let refused = asked(&host, "/memory").answer().await.is(503);
    assert_eq!(refused.header("retry-after"), "1");
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("all memory"), "{detail}");
    let counted = "runtime_host_refused_total{limit=\"all_guests_memory\"}";
    assert_eq!(host.metric(counted).await, 1);
    asked(&host, "/fine").answer().await.is(200);
    let status = host.admin("/status").await.json();
    assert_eq!(status["live"]["failures"], 0, "it is not to blame: {status}");
}

#[tokio::test]
async fn a_request_line_that_names_another_host_is_refused() {
    let app = App::start().await;
    for target in [
        "http://evil.example/todos",
        "http://u:p@{host}/todos",
        "ftp://{host}/todos",
        "http://{host}:1/todos",
    ] {
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: {{host}}\r\nConnection: close\r\n\r\n");
        let answers = raw::exchange(&app, request).await;
        assert_eq!(answers[0].status, 400, "{target}");
        // Some are refused by hyper, which has no words.
        let own = answers[0].head.to_lowercase().contains("problem+json");
        assert!(!own || answers[0].head.to_lowercase().contains("cache-control: no-store"));
    }
    let own = "GET http://{host}/todos HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n";
    assert_eq!(raw::exchange(&app, own).await[0].status, 200);
}
