//! What components ask of others: where they may, and how much at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tests::host::Up;
use tests::{Ask, Host, Project, http, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A server on this machine that answers with nothing, when it may.
struct Other {
    port: u16,
    connections: Arc<AtomicUsize>,
    may_answer: watch::Sender<bool>,
}

impl Other {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let (may_answer, answers) = watch::channel(true);
        let counter = connections.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(answer(stream, answers.clone()));
            }
        });
        Self { port, connections, may_answer }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

async fn answer(mut stream: TcpStream, mut may_answer: watch::Receiver<bool>) {
    let mut head = Vec::new();
    while stream.read_buf(&mut head).await.is_ok_and(|length| length > 0) {
        if head.ends_with(b"\r\n\r\n") {
            may_answer.wait_for(|may| *may).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            head.clear();
        }
    }
}

/// A host whose component may ask where `allowed` says.
async fn allowing(allowed: &str, arguments: &[&str]) -> Host {
    let mut project = Project::misbehaving();
    project.set("component.todo.allowed_outbound_hosts", vec![allowed.to_owned()]);
    project.set("variables.api.default", "");
    let up = Up::on("postgres://nobody@127.0.0.1:1/nothing", project).with_admin();
    arguments.iter().fold(up, |up, argument| up.argument(argument)).start().await
}

/// What the component got for each URL.
async fn fetched(host: &Host, urls: &[&str]) -> Vec<String> {
    let fetch = http::client().post(format!("{}/fetch", host.origin())).body(urls.join("\n"));
    let answer = fetch.header("connect-timeout", "1").answer().await.is(200);
    answer.text().lines().map(str::to_owned).collect()
}

/// Waits until no request is under way any more: whoever asked has its answer a moment earlier.
async fn all_are_over(host: &Host) {
    until("all are over", async || {
        (host.metric("runtime_host_outbound_http_requests").await == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_star_does_not_lead_to_this_machine_or_its_network() {
    let other = Other::start().await;
    let host = allowing("http://*:*", &[]).await;
    let port = other.port;
    let urls = [
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        // The same address as a number.
        format!("http://2130706433:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://0.0.0.0:{port}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://10.0.0.1/".to_owned(),
    ];
    for url in &urls {
        let [got] = &fetched(&host, &[url]).await[..] else { panic!("one answer") };
        assert!(got.contains("DestinationIpProhibited"), "{url}: {got}");
    }
    assert_eq!(other.connections(), 0);
    // Whoever runs it reads what to write.
    host.says(&format!(r#"add "http://localhost:{port}" or "#)).await;
}

#[tokio::test]
async fn what_is_named_may_be_on_this_machine() {
    let other = Other::start().await;
    let port = other.port;
    for (allowed, url) in [
        ("http://127.0.0.1:*", format!("http://127.0.0.1:{port}/")),
        ("http://localhost:*", format!("http://localhost:{port}/")),
        ("http://127.0.0.0/8:*", format!("http://127.0.0.1:{port}/")),
    ] {
        let host = allowing(allowed, &[]).await;
        assert_eq!(fetched(&host, &[&url]).await, ["200"], "{allowed}");
    }
}

#[tokio::test]
async fn a_host_whose_variable_is_empty_is_none() {
    let host = allowing("http://{{ api }}", &[]).await;
    let [got] = &fetched(&host, &["http://127.0.0.1:1/"]).await[..] else { panic!("one answer") };
    assert!(got.contains("HttpRequestDenied"), "{got}");
}

#[tokio::test]
async fn one_request_too_many_waits_and_then_fails() {
    let other = Other::start().await;
    let url = format!("http://127.0.0.1:{}/", other.port);
    let host = allowing("http://127.0.0.1:*", &["--max-outbound-requests=2"]).await;
    other.may_answer.send_replace(false);
    let refused = "runtime_host_refused_total{limit=\"max_outbound_requests\"}";
    let three = [url.as_str(); 3];
    let (mut got, ()) = tokio::join!(fetched(&host, &three), async {
        until("the third is refused", async || (host.metric(refused).await == 1).then_some(()))
            .await;
        assert_eq!(host.metric("runtime_host_outbound_http_requests").await, 2);
        other.may_answer.send_replace(true);
    });
    got.sort();
    assert_eq!(got[..2], ["200", "200"]);
    assert!(got[2].contains("ConnectionLimitReached"), "{got:?}");
    assert_eq!(fetched(&host, &[&url]).await, ["200"]);
    all_are_over(&host).await;
}

#[tokio::test]
async fn a_connect_timeout_of_its_own_keeps_no_connection_from_being_used_again() {
    let other = Other::start().await;
    let url = format!("http://127.0.0.1:{}/", other.port);
    let host = allowing("http://127.0.0.1:*", &[]).await;
    for _ in 0..5 {
        assert_eq!(fetched(&host, &[&url]).await, ["200"]);
    }
    assert_eq!(other.connections(), 1);
}

/// A server that gives each path's answer as it stands here, and closes the connection.
async fn scripted(script: &'static [(&str, &[u8])]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && stream.read_buf(&mut head).await.unwrap() > 0 {}
            let head = String::from_utf8_lossy(&head).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default();
            let found = script.iter().find(|(own, _)| *own == path);
            stream.write_all(found.map_or(&[], |(_, answer)| answer)).await.unwrap();
        }
    });
    port
}

#[tokio::test]
async fn whatever_a_server_answers_is_an_answer_or_an_error() {
    let port = scripted(&[
        ("/redirect", b"HTTP/1.1 302 Found\r\nlocation: http://10.0.0.1/\r\ncontent-length: 0\r\n\r\n"),
        ("/hints", b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx"),
        ("/old", b"HTTP/1.0 200 OK\r\n\r\nto the end"),
        ("/chunks", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;a=b\r\nx\r\n0\r\nx-t: t\r\n\r\n"),
        ("/foul", b"HTTP/1.1 200 OK\r\nx-foul: \xff\xfe\r\nset-cookie: a\r\nset-cookie: b\r\ncontent-length: 0\r\n\r\n"),
        ("/empty", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("/strange", b"HTTP/1.1 799 \r\ncontent-length: 0\r\n\r\n"),
        ("/short", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nx"),
        ("/cut", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nx"),
        ("/noise", b"noise\r\n\r\n"),
        ("/lengths", b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx"),
    ])
    .await;
    let host = allowing("http://127.0.0.1:*", &[]).await;
    for (path, told) in [
        ("/redirect", "302 Found\n"),
        ("/hints", "200 OK\nx"),
        ("/old", "200 OK\nto the end"),
        ("/chunks", "200 OK\nx"),
        ("/foul", "200 OK\n"),
        ("/empty", "204 No Content\n"),
        ("/strange", "799 "),
        ("/short", "ErrorCode::"),
        ("/cut", "ErrorCode::"),
        ("/noise", "ErrorCode::HttpProtocolError"),
        ("/lengths", "ErrorCode::HttpProtocolError"),
        ("/nothing", "ErrorCode::"),
    ] {
        let url = format!("http://127.0.0.1:{port}{path}");
        let ask = http::client().post(format!("{}/ask", host.origin())).body(url);
        let answer = ask.header("first-byte-timeout", "20").answer().await.is(200);
        assert!(answer.text().starts_with(told), "{path}: {}", answer.text());
    }
    all_are_over(&host).await;
}
