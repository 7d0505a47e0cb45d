//! HTTP/1.1 as bytes, for requests that no library would send.

use crate::{App, DEADLINE, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// One answer as it came over the wire.
#[derive(Debug)]
pub struct RawAnswer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

/// Sends `bytes` over one connection and reads until the server closes it.
/// `{host}` stands for the server's own host and port.
///
/// The last request should say `Connection: close`; a server that waits for
/// more after the deadline fails the test.
pub async fn exchange(app: &App, bytes: impl AsRef<[u8]>) -> Vec<RawAnswer> {
    let bytes = replace(bytes.as_ref(), b"{host}", app.host.authority().as_bytes());
    let mut stream = TcpStream::connect(app.host.authority()).await.expect("connect");
    let (mut reader, mut writer) = stream.split();
    let mut received = Vec::new();
    let write = async {
        // A server that refuses need not read on, so writing may fail.
        let _ = writer.write_all(&bytes).await;
        let _ = writer.flush().await;
    };
    let read = async {
        let _ = reader.read_to_end(&mut received).await; // a reset ends it as well
    };
    let both = timeout(DEADLINE, futures::future::join(write, read)).await;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned();
    assert!(
        both.is_ok(),
        "the server left the connection open after {text:?}, and had sent {}",
        received.len()
    );
    answers(&received)
}

/// The same for a second request that begins when the first one's answer has ended.
pub async fn exchange_one_by_one(app: &App, requests: [&str; 2]) -> Vec<RawAnswer> {
    let [first, second] = requests
        .map(|request| replace(request.as_bytes(), b"{host}", app.host.authority().as_bytes()));
    let mut stream = TcpStream::connect(app.host.authority()).await.expect("connect");
    let mut received = vec![0; 1 << 16];
    stream.write_all(&first).await.expect("send");
    let count = stream.read(&mut received).await.expect("an answer");
    received.truncate(count);
    until("the answer has ended", async || {
        let under_way = app.host.metric("runtime_host_http_requests_in_flight").await;
        (under_way == 0).then_some(())
    })
    .await;
    stream.write_all(&second).await.expect("send");
    let closed = timeout(DEADLINE, stream.read_to_end(&mut received)).await;
    assert!(closed.is_ok(), "the server left the connection open");
    answers(&received)
}

/// Sends a part of a request, hangs up and waits until the server has as well.
pub async fn hang_up_after(app: &App, bytes: impl AsRef<[u8]>) {
    let bytes = replace(bytes.as_ref(), b"{host}", app.host.authority().as_bytes());
    let mut stream = TcpStream::connect(app.host.authority()).await.expect("connect");
    stream.write_all(&bytes).await.expect("send");
    stream.shutdown().await.expect("hang up");
    let gone = timeout(DEADLINE, stream.read_to_end(&mut vec![])).await;
    assert!(gone.is_ok(), "the server waits for a client that has left");
}

/// Splits what came over a connection into its answers.
fn answers(mut bytes: &[u8]) -> Vec<RawAnswer> {
    let mut answers = vec![];
    while let Some(end) = find(bytes, b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status =
            status.unwrap_or_else(|| panic!("an answer begins with a status line: {head}"));
        bytes = &bytes[end + 4..];
        let (body, rest) = body(&head, bytes);
        answers.push(RawAnswer { status, head, body });
        bytes = rest;
    }
    assert!(bytes.is_empty(), "no answer: {:?}", String::from_utf8_lossy(bytes));
    answers
}

fn body<'a>(head: &str, bytes: &'a [u8]) -> (Vec<u8>, &'a [u8]) {
    let header = |name: &str| {
        let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let mut values = lines
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim());
        values.next()
    };
    if header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        return chunked(bytes);
    }
    let length = header("content-length").map_or(0, |length| length.parse().expect("a length"));
    let (body, rest) = bytes.split_at(std::cmp::min(length, bytes.len()));
    (body.to_vec(), rest)
}

fn chunked(mut bytes: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut body = vec![];
    loop {
        let end = find(bytes, b"\r\n").expect("a chunk's length");
        let length = std::str::from_utf8(&bytes[..end]).expect("a length of text");
        let length = usize::from_str_radix(length, 16).expect("a chunk's length");
        bytes = &bytes[end + 2..];
        body.extend_from_slice(&bytes[..length]);
        bytes = &bytes[length + 2..];
        if length == 0 {
            return (body, bytes);
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Replaces every occurrence.
pub fn replace(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = find(rest, old) {
        result.extend_from_slice(&rest[..at]);
        result.extend_from_slice(new);
        rest = &rest[at + old.len()..];
    }
    result.extend_from_slice(rest);
    result
}
