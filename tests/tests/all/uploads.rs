//! Clients that send slowly, or ask before they send.

use std::time::Duration;

use tests::host::Up;
use tests::{App, Ask, DEADLINE, Database, Host, http, raw, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn begun(host: &Host, head: &str) -> TcpStream {
    let mut stream = TcpStream::connect(host.authority()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

async fn reads_until(stream: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    let all = async {
        while !String::from_utf8_lossy(&read).contains(end) {
            let length = stream.read_buf(&mut read).await.unwrap();
            assert!(length > 0, "it ended before {end:?}: {}", String::from_utf8_lossy(&read));
        }
    };
    assert!(tokio::time::timeout(DEADLINE, all).await.is_ok(), "no {end:?}");
    String::from_utf8_lossy(&read).into_owned()
}

#[tokio::test]
async fn bodies_that_do_not_come_leave_half_of_the_places_to_others() {
    let database = Database::new().await;
    let host = Up::misbehaving(database.url().as_str(), &["--max-requests=4"]).start().await;
    let head = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n";
    let mut clients = vec![];
    for end in ["\r\n", "Expect: 100-continue\r\n\r\n", "\r\nx"].iter().cycle().take(9) {
        clients.push(begun(&host, &format!("{head}{end}")).await);
    }
    until("all but two are refused", async || {
        let refused = "runtime_host_refused_total{limit=\"max_uploads\"}";
        (host.metric(refused).await == 7).then_some(())
    })
    .await;
    let url = format!("{}/echo", host.origin());
    http::client().get(&url).answer().await.is(200);
    http::client().post(&url).body("it comes at once").answer().await.is(200);
    let mut refused = begun(&host, &format!("{head}\r\n")).await;
    let said = reads_until(&mut refused, "waiting for their bodies").await;
    assert!(said.starts_with("HTTP/1.1 503 "), "{said}");
}

#[tokio::test]
async fn a_body_that_drips_is_given_up() {
    let database = Database::new().await;
    let host = Up::misbehaving(database.url().as_str(), &["--body-timeout=500ms"]).start().await;
    let head = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n";
    let (mut reader, mut writer) = begun(&host, head).await.into_split();
    // No pause is as long as the limit.
    let drip = async {
        while writer.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let mut answer = [0; 12];
    tokio::select! {
        biased; // an answer is one also where the reset behind it is there already
        read = tokio::time::timeout(DEADLINE, reader.read_exact(&mut answer)) => {
            read.expect("an answer").unwrap();
        }
        () = drip => panic!("it was reset before there was an answer"),
    }
    assert_eq!(&answer, b"HTTP/1.1 408");
}

#[tokio::test]
async fn a_body_that_nobody_wants_is_not_asked_for() {
    let app = App::start().await;
    for (address, status) in [("POST /nowhere", "404"), ("PUT /todos", "405")] {
        let head = format!(
            "{address} HTTP/1.1\r\nHost: {{host}}\r\nContent-Length: 9000000\r\n\
             Expect: 100-continue\r\n\r\n"
        );
        let [answer] = &raw::exchange(&app, head).await[..] else { panic!("one answer") };
        assert_eq!(answer.status.to_string(), status, "{}", answer.head);
    }
}

#[tokio::test]
async fn a_body_that_is_wanted_is_asked_for() {
    let app = App::start().await;
    let head = "POST /todos HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
        Content-Length: 15\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
    let mut stream = begun(&app.host, head).await;
    reads_until(&mut stream, "HTTP/1.1 100 Continue\r\n\r\n").await;
    stream.write_all(br#"{"title":"bun"}"#).await.unwrap();
    reads_until(&mut stream, r#""title":"bun""#).await;
}

#[tokio::test]
async fn heads_that_cannot_be_read_are_counted_and_logged() {
    let app = App::with(|up| up.with_admin().argument("--access-log")).await;
    let many = "x: 1\r\n".repeat(105);
    let long = "a".repeat(70_000);
    for (request, status) in [
        (format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n"), 431),
        (format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"), 414),
        ("GET / HTTP/1.1\r\nHost x\r\n\r\n".to_owned(), 400),
    ] {
        let [answer] = &raw::exchange(&app, request).await[..] else { panic!("one answer") };
        let counted = format!(
            "runtime_host_http_requests_total{{method=\"other\",status=\"{}\"}}",
            answer.status
        );
        assert_eq!(answer.status, status);
        until("it is counted", async || (app.host.metric(&counted).await == 1).then_some(())).await;
        app.host.says(&format!("path=\"-\" status={status}")).await;
    }
}
