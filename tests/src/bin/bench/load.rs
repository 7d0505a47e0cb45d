//! One kind of request, again and again: over as many connections as are asked for, each with the
//! next request when the one before is answered (closed), or at a given rate (open).

use std::time::{Duration, Instant};

use bytes::Bytes;
use hdrhistogram::Histogram;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use url::Url;

/// What is sent.
#[derive(Clone)]
pub struct Ask {
    pub url: Url,
    /// With a body it is a POST of JSON.
    pub body: Option<&'static str>,
}

/// What came of it.
pub struct Answers {
    pub count: u64,
    pub time: Duration,
    /// In microseconds.
    pub latencies: Histogram<u64>,
    /// Of one answer's body.
    pub bytes: usize,
}

impl Answers {
    pub fn per_second(&self) -> f64 {
        self.count as f64 / self.time.as_secs_f64()
    }
}

/// As many requests as are answered within `time`.
pub async fn closed(ask: &Ask, connections: usize, time: Duration) -> Answers {
    let start = Instant::now();
    run(ask, connections, move |_| {
        let next = Instant::now();
        (next < start + time).then_some(next)
    })
    .await
}

/// `rate` requests a second; the latency counts from when each was due.
pub async fn open(ask: &Ask, connections: usize, rate: f64, time: Duration) -> Answers {
    let start = Instant::now();
    let apart = Duration::from_secs_f64(connections as f64 / rate);
    run(ask, connections, move |(connection, count)| {
        let offset = apart.mul_f64(connection as f64 / connections as f64);
        let due = start + offset + apart * count;
        (due < start + time).then_some(due)
    })
    .await
}

/// `due` says when a connection sends its next request.
async fn run(
    ask: &Ask,
    connections: usize,
    due: impl Fn((usize, u32)) -> Option<Instant> + Clone + Send + Sync + 'static,
) -> Answers {
    let mut clients = JoinSet::new();
    let start = Instant::now();
    for connection in 0..connections {
        let (ask, due) = (ask.clone(), due.clone());
        clients.spawn(async move { client(&ask, |count| due((connection, count))).await });
    }
    let mut all = histogram();
    let mut bytes = 0;
    while let Some(client) = clients.join_next().await {
        let (latencies, length) = client.expect("a client does not panic");
        all.add(latencies).expect("one range");
        bytes = length;
    }
    Answers { count: all.len(), time: start.elapsed(), latencies: all, bytes }
}

async fn client(ask: &Ask, due: impl Fn(u32) -> Option<Instant> + Sync) -> (Histogram<u64>, usize) {
    let mut sender = connect(&ask.url).await;
    let (mut latencies, mut bytes) = (histogram(), 0);
    for count in 0.. {
        let Some(begin) = due(count) else { break };
        tokio::time::sleep_until(begin.into()).await;
        bytes = send(&mut sender, ask).await;
        latencies.saturating_record(u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    (latencies, bytes)
}

async fn connect(url: &Url) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(url.authority()).await.expect("connect");
    stream.set_nodelay(true).expect("set an option");
    let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("begin HTTP");
    tokio::spawn(connection);
    sender
}

async fn send(sender: &mut SendRequest<Full<Bytes>>, ask: &Ask) -> usize {
    let target = &ask.url[url::Position::BeforePath..];
    let mut request = Request::builder().uri(target).header("host", ask.url.authority());
    if ask.body.is_some() {
        request = request.method("POST").header("content-type", "application/json");
    }
    let body = Full::new(Bytes::from_static(ask.body.unwrap_or_default().as_bytes()));
    let answer = sender.send_request(request.body(body).expect("a request")).await;
    let answer = answer.expect("an answer");
    assert!(answer.status().is_success(), "{} {}", answer.status(), ask.url);
    answer.into_body().collect().await.expect("a whole body").to_bytes().len()
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3).expect("bounds")
}
