//! An open-loop load: requests leave at a fixed rate whatever becomes of the ones before, and
//! their time counts from when they should have left. Where it may, it goes before all else on
//! the machine, so that no request waits for its client, which elsewhere has a machine of its own.

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tests::http;
use tokio::runtime::Builder;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

/// Requests a second, unless `TODOOZLE_RATE` says otherwise. Few enough that one pod answers them
/// while four others compile beside it on two cores: what is looked for is a request that fails.
const RATE: u32 = 25;
/// Every so-manieth request writes, and every so-manieth opens a connection of its own.
const WRITES: u32 = 5;
const FRESH: u32 = 4;
/// A request without an answer by then has failed.
const LIMIT: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    Read,
    Write,
}

/// What became of one request.
#[derive(Debug)]
pub struct Sample {
    pub due: Instant,
    pub took: Duration,
    pub kind: Kind,
    /// The status, or why there is none.
    pub outcome: Result<u16, String>,
    /// The body of an answer that tells of an error, for whoever reads why a test failed.
    #[expect(dead_code, reason = "it is shown by Debug")]
    said: String,
    /// The title of what it wrote.
    title: String,
}

impl Sample {
    pub fn succeeded(&self) -> bool {
        self.outcome == Ok(if self.kind == Kind::Read { 200 } else { 201 })
    }
}

/// Requests under way.
pub struct Load {
    /// It goes on for as long as this is there.
    stop: watch::Sender<()>,
    done: watch::Receiver<usize>,
    samples: oneshot::Receiver<Vec<Sample>>,
}

pub fn rate() -> u32 {
    std::env::var("TODOOZLE_RATE").map_or(RATE, |rate| rate.parse().expect("a number"))
}

impl Load {
    pub fn start(origin: &str) -> Self {
        let (stop, stopped) = watch::channel(());
        let (counter, done) = watch::channel(0);
        let (result, samples) = oneshot::channel();
        let url = format!("{origin}/todos");
        std::thread::spawn(move || {
            // Of this thread alone; nobody but root may.
            let _ = rustix::process::setpriority_process(None, -20);
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            let _ = result.send(runtime.block_on(send(url, stopped, counter)));
        });
        Self { stop, done, samples }
    }

    /// Waits until this many more seconds' worth of requests are over.
    pub async fn goes_on_for(&mut self, seconds: u32) {
        let goal = *self.done.borrow() + (rate() * seconds) as usize;
        self.done.wait_for(|done| *done >= goal).await.expect("the load goes on");
    }

    /// Ends it, and returns what became of each request.
    pub async fn end(self) -> Samples {
        drop(self.stop);
        let mut samples = self.samples.await.expect("the load ends");
        samples.sort_by_key(|sample| sample.due);
        Samples(samples)
    }
}

async fn send(
    url: String,
    stopped: watch::Receiver<()>,
    counter: watch::Sender<usize>,
) -> Vec<Sample> {
    let kept = http::client();
    let fresh =
        reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("a client");
    let (start, between) = (Instant::now(), Duration::from_secs(1) / rate());
    let mut requests = JoinSet::new();
    let mut samples = Vec::new();
    for number in 0.. {
        let due = start + between * number;
        tokio::time::sleep_until(due.into()).await;
        if stopped.has_changed().is_err() {
            break;
        }
        let client = if number.is_multiple_of(FRESH) { &fresh } else { &kept };
        requests.spawn(request(client.clone(), url.clone(), due, number));
        while let Some(sample) = requests.try_join_next() {
            samples.push(sample.expect("a request does not panic"));
        }
        counter.send_replace(samples.len());
    }
    samples.extend(requests.join_all().await);
    samples
}

async fn request(client: reqwest::Client, url: String, due: Instant, number: u32) -> Sample {
    static TITLE: AtomicU32 = AtomicU32::new(0);
    let kind = if number.is_multiple_of(WRITES) { Kind::Write } else { Kind::Read };
    let title = format!("written under load: {}", TITLE.fetch_add(1, Ordering::Relaxed));
    let request = match kind {
        Kind::Read => client.get(format!("{url}?limit=10")),
        Kind::Write => client.post(url).json(&json!({ "title": title })),
    };
    let answer = async {
        let response = request.timeout(LIMIT).send().await?;
        let status = response.status();
        let body = response.text().await?;
        let said = if status.is_success() { String::new() } else { body };
        Ok((status.as_u16(), said))
    };
    let answer = answer.await.map_err(|error: reqwest::Error| format!("{error:?}"));
    let (outcome, said) = answer
        .map_or_else(|error| (Err(error), String::new()), |(status, said)| (Ok(status), said));
    Sample { due, took: due.elapsed(), kind, outcome, said, title }
}

pub struct Samples(pub Vec<Sample>);

impl Samples {
    pub fn failures(&self) -> Vec<&Sample> {
        self.0.iter().filter(|sample| !sample.succeeded()).collect()
    }

    /// That every request was answered as it should be.
    #[track_caller]
    pub fn all_succeeded(&self) {
        let failures = self.failures();
        let (all, first) = (self.0.len(), &failures[..failures.len().min(5)]);
        assert!(failures.is_empty(), "{} of {all} requests failed: {first:#?}", failures.len());
    }

    /// Those that were due between two instants.
    pub fn times(&self, from: Instant, to: Instant) -> Times {
        let mut times = Histogram::new(3).expect("a histogram");
        for sample in self.0.iter().filter(|sample| (from..to).contains(&sample.due)) {
            let micros = u64::try_from(sample.took.as_micros()).unwrap_or(u64::MAX);
            times.record(micros).expect("a histogram that grows");
        }
        Times(times)
    }

    /// That every write that was acknowledged is in the list once, and none twice.
    pub async fn are_there_once(&self, origin: &str) {
        let listed = titles(origin).await;
        let acknowledged = self.0.iter().filter(|sample| sample.outcome == Ok(201));
        let lost: Vec<_> =
            acknowledged.filter(|sample| !listed.contains_key(&sample.title)).collect();
        assert!(lost.is_empty(), "{} acknowledged writes are lost: {lost:?}", lost.len());
        let twice: Vec<_> = listed.iter().filter(|(_, count)| **count > 1).collect();
        assert!(twice.is_empty(), "written twice: {twice:?}");
    }
}

/// How often each title is in the list.
async fn titles(origin: &str) -> HashMap<String, usize> {
    let client = http::client();
    let mut count = HashMap::new();
    let mut next = Some("/todos?limit=100".to_owned());
    while let Some(page) = next {
        let response = client.get(format!("{origin}{page}")).send().await.expect("a page");
        let link = response.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        for todo in response.json::<Vec<Value>>().await.expect("a list") {
            *count.entry(todo["title"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        next = link.and_then(|link| {
            let target = link.split_once('<')?.1.split_once('>')?.0;
            Some(target[target.find("/todos")?..].to_owned())
        });
    }
    count
}

/// How long requests took.
pub struct Times(Histogram<u64>);

impl Times {
    /// In milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "a request does not take 2^52 microseconds")]
    pub fn at(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1e3
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} requests, median {:.1} ms, p99 {:.1} ms, worst {:.0} ms",
            self.0.len(),
            self.at(0.5),
            self.at(0.99),
            self.at(1.0)
        )
    }
}
