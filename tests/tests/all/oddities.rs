//! Requests and answers that are odd, and right all the same; and those that are not.

use tests::host::Up;
use tests::{DEADLINE, Host, Project, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use toml::Table;

async fn host() -> Host {
    Up::misbehaving("postgres://nobody@127.0.0.1:1/nothing", &[]).start().await
}

fn entry(pairs: &[(&str, &str)]) -> toml::Value {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect::<Table>().into()
}

/// All that comes for these bytes until the host closes the connection.
async fn exchange(host: &Host, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(host.authority()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut read = Vec::new();
    let closed = timeout(DEADLINE, stream.read_to_end(&mut read)).await;
    assert!(closed.is_ok(), "the connection stays open after {:?}", String::from_utf8_lossy(bytes));
    String::from_utf8_lossy(&read).into_owned()
}

/// A request with these lines, the last on its connection.
fn request(lines: &str) -> Vec<u8> {
    let line = lines.lines().next().unwrap();
    let rest = &lines[line.len()..].replace('\n', "\r\n");
    format!("{line} HTTP/1.1\r\nHost: h\r\nConnection: close{rest}\r\n\r\n").into_bytes()
}

#[tokio::test]
async fn what_is_odd_is_answered() {
    let host = host().await;
    for (lines, says) in [
        // Nobody has to take up an offer of another protocol.
        ("GET /x\nUpgrade: h2c\nHTTP2-Settings: AAMAAABkAAQAAP__", "\r\n\r\n"),
        ("GET /x\nUpgrade: websocket\nSec-WebSocket-Version: 13", "200 OK"),
        ("GET /echo\nX-A: 1\nX-A: 2", "x-a: 1\nx-a: 2\n"),
        ("GET /echo\nX-Empty:", "x-empty: \n"),
        ("GET /echo\nX-Wide: \u{e9}\u{1f600}", "x-wide: \u{e9}\u{1f600}\n"),
        ("GET /echo\nCookie: a=1\nCookie: b=2", "cookie: a=1\ncookie: b=2\n"),
        ("GET /echo?\u{e9}", "spin-full-url: http://h/echo?\u{e9}\n"),
        ("GET /echo?", "spin-full-url: http://h/echo?\n"),
        ("GET /echo?a=/../b%00", "spin-full-url: http://h/echo?a=/../b%00\n"),
        ("GET /echo#part", "spin-full-url: http://h/echo\n"),
        ("GET http://h/echo", "spin-full-url: http://h/echo\n"),
        ("GET /a%2Fb/../c//d", "/a%2Fb/../c//d"),
        ("GET /caf\u{e9}", "/caf\u{e9}"),
        // It is about the server, whose address has no path.
        ("OPTIONS *", "\r\n\r\n1\r\n/\r\n"),
        ("BREW /x", "200 OK"),
        ("GET /status/299", "299 "),
        (
            "GET /echo\nForwarded: for=1.1.1.1\nX-Forwarded-For: 2.2.2.2",
            "spin-client-addr: 127.0.0.1:",
        ),
        ("GET /echo\nContent-Length: 0\nExpect: nothing", "200 OK"),
        (
            "GET /echo\nTransfer-Encoding: chunked\nTrailer: X-T\n\n1;a=\"b\"\nx\n0\nX-T: t",
            "200 OK",
        ),
    ] {
        let got = exchange(&host, &request(lines)).await;
        assert!(got.contains(says), "{lines}: {says:?} in {got}");
        assert_eq!(got.matches("HTTP/1.1 ").count(), 1, "{lines}: {got}");
    }
    let foul = [b"GET /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX-B: ", &[0xff, 0xfe][..]];
    let got = exchange(&host, &[&foul.concat()[..], b"\r\n\r\n"].concat()).await;
    assert!(got.contains("x-b: \u{fffd}\u{fffd}\n"), "{got}");
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_harms_nobody() {
    let host = host().await;
    let many =
        |count: usize| (0..count).map(|n| format!("\nX-{n}: 1")).collect::<Vec<_>>().concat();
    for (bytes, status) in [
        (request("GET *"), "400 "),
        (request("OPTIONS *x"), "400 "),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\nGET / HTTP/1.1\r\n\r\n".to_vec(), "400 "),
        (b"\x0d\x0a\x0d\x0a\x00\x0d\x0aQUIT\x0a\x21\x11".to_vec(), "400 "),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), ""),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), "400 "),
        // With those of the request itself.
        (request(&format!("GET /x{}", many(98))), "200 "),
        (request(&format!("GET /x{}", many(99))), "431 "),
        (request("GET /x\nTransfer-Encoding: identity"), "400 "),
    ] {
        let got = exchange(&host, &bytes).await;
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]);
        assert!(
            got.strip_prefix("HTTP/1.1 ").unwrap_or(&got).starts_with(status),
            "{shown}: {got}"
        );
    }
    assert_eq!(host.get("/fine").await.text(), "/fine");
    until("all are over", async || {
        (host.metric("runtime_host_http_requests_in_flight").await == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_answer_without_a_body_leaves_its_connection_to_the_next() {
    let host = host().await;
    let next = String::from_utf8(request("GET /next")).unwrap();
    for first in ["HEAD /x", "HEAD /echo", "GET /status/204", "GET /status/304", "GET /status/205"]
    {
        let both = format!("{first} HTTP/1.1\r\nHost: h\r\n\r\n{next}");
        let got = exchange(&host, both.as_bytes()).await;
        let (one, two) = got.split_once("\r\n\r\n").unwrap();
        assert!(one.starts_with("HTTP/1.1 "), "{first}: {got}");
        assert!(two.starts_with("HTTP/1.1 200 OK") && two.contains("/next"), "{first}: {got}");
    }
    let old = exchange(&host, b"GET /x HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 200 OK") && old.ends_with("\r\n\r\n/x"), "{old}");
}

#[tokio::test]
async fn a_route_that_no_request_may_reach_is_named_at_the_start() {
    for (route, says) in [
        ("/static/*.js", "* stands at the end only"),
        ("/a/*/b", "* stands at the end only"),
        ("/a/:", "params must be named"),
    ] {
        let mut project = Project::misbehaving();
        project.set("trigger.http", vec![entry(&[("route", route), ("component", "todo")])]);
        let said = Up::on("postgres://nobody@127.0.0.1:1/nothing", project).fails().await;
        assert!(said.contains(route) && said.contains(says), "{said}");
    }
}

#[tokio::test]
async fn what_is_secret_in_a_manifest_is_in_no_error() {
    let url = "postgres://nobody:hunter2@127.0.0.1:1/nothing";
    let source = entry(&[
        ("url", "http://nobody:hunter2@127.0.0.1:1/x.wasm?sig=hunter2"),
        ("digest", &"0".repeat(64)),
    ]);
    for (path, value, says) in [
        ("allowed_outbound_hosts", vec!["{{ database_url }}"].into(), "{{ database_url }}"),
        ("allowed_outbound_hosts", vec!["{{ database_url }}:1"].into(), "{{ database_url }}:1"),
        ("variables.x", "{{ database_url }}{{".into(), "component.todo.variables.x"),
        ("source", source, "http://127.0.0.1:1/x.wasm"),
    ] {
        let mut project = Project::misbehaving();
        project.set(&format!("component.todo.{path}"), value);
        let said = Up::on(url, project).fails().await;
        assert!(said.contains(says) && !said.contains("hunter2"), "{said}");
    }
}
