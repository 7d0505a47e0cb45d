//! A rollout's days, on a clock that jumps: every test is over in milliseconds.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use super::refusal::Refusal;
use super::*;
use crate::deploy::release::tests::release;
use crate::deploy::rollout::report::Status;
use crate::digest::Digest;

/// A stage without a server, an API server or a compiler.
#[derive(Clone, Default)]
struct Fake(Arc<Mutex<Plot>>);

/// What is to happen, and what has.
#[derive(Default)]
struct Plot {
    /// What becomes of a version that is fetched, where it isn't fine.
    fetches: BTreeMap<Digest, Fate>,
    checks: BTreeMap<Digest, Fate>,
    counts: BTreeMap<Digest, Counts>,
    shown: Vec<Digest>,
    told: Vec<String>,
}

#[derive(Clone)]
enum Fate {
    NotNow,
    Unfit,
    /// It takes for ever.
    Hangs,
}

impl Fate {
    async fn befalls(fate: Option<Self>) -> Result<(), Refusal> {
        match fate {
            None => Ok(()),
            Some(Self::NotNow) => Err(Refusal::NotNow("what it needs is away".into())),
            Some(Self::Unfit) => {
                Err(Refusal::Unfit { check: "compile", reason: "it is broken".into() })
            }
            Some(Self::Hangs) => std::future::pending().await,
        }
    }
}

impl Fake {
    fn plot(&self) -> MutexGuard<'_, Plot> {
        self.0.lock().unwrap()
    }

    fn counts(&self, name: &str, requests: u64, failures: u64) {
        self.plot().counts.insert(digest(name), Counts { requests, failures });
    }

    fn shows(&self) -> Option<Digest> {
        self.plot().shown.last().copied()
    }
}

impl Stage for Fake {
    type Version = Digest;

    async fn fetch(&self, release: &Release) -> Result<Vec<u8>, Refusal> {
        let fate = self.plot().fetches.get(&release.digest).cloned();
        Fate::befalls(fate).await.map(|()| release.version.clone().unwrap().into_bytes())
    }

    async fn check(&self, release: &Release, _: Vec<u8>) -> Result<Digest, Refusal> {
        let fate = self.plot().checks.get(&release.digest).cloned();
        Fate::befalls(fate).await.map(|()| release.digest)
    }

    fn show(&self, version: Arc<Digest>) {
        self.plot().shown.push(*version);
    }

    fn counts(&self, version: &Digest) -> Counts {
        self.plot().counts.get(version).copied().unwrap_or_default()
    }

    fn tell(&self, what: What, message: String) {
        self.plot().told.push(format!("{what:?} {message}"));
    }
}

fn digest(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

/// A pod, with the folder that outlives its process.
struct Pod {
    fake: Fake,
    folder: tempfile::TempDir,
    pointer: watch::Sender<Option<Pointer>>,
    report: Arc<Report>,
    process: tokio::task::JoinHandle<()>,
}

impl Pod {
    fn start() -> Self {
        Self::start_on(Fake::default(), tempfile::tempdir().unwrap())
    }

    /// One whose version has passed its first minute.
    async fn with_a_good_version() -> Self {
        let pod = Self::start();
        pod.point(1, "good", &[]);
        pod.shows("good").await;
        minutes(1).await;
        pod
    }

    fn start_on(fake: Fake, folder: tempfile::TempDir) -> Self {
        let (pointer, pointers) = watch::channel(None);
        let report = Arc::new(Report::default());
        let cached = Arc::new(Cached::new(folder.path()).unwrap());
        let rollout = Rollout::new(fake.clone(), cached, report.clone());
        let process = tokio::task::spawn_local(rollout.run(pointers));
        Self { fake, folder, pointer, report, process }
    }

    /// The process ends in the midst of it, and the container starts again.
    fn dies(self) -> Self {
        self.process.abort();
        self.fake.plot().shown.clear();
        Self::start_on(self.fake, self.folder)
    }

    /// Points at a version; the ones before it are those that passed, the newest first.
    fn point(&self, generation: u64, name: &str, before: &[&str]) {
        let live = release(generation, name);
        let old = before.iter().map(|name| Release { passed: true, ..release(1, name) });
        let history = std::iter::once(live.clone()).chain(old).collect();
        let previous = before.first().map(|name| digest(name));
        self.pointer.send_replace(Some(Pointer { live, previous, history }));
    }

    async fn shows(&self, name: &str) {
        let shown = async {
            while self.fake.shows() != Some(digest(name)) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let shown = tokio::time::timeout(Duration::from_mins(10), shown).await;
        assert!(shown.is_ok(), "{name} is not shown: {:#?}", self.fake.plot().told);
    }

    fn status(&self) -> Status {
        self.report.status(Counts::default())
    }

    fn is_quarantined(&self, name: &str) -> bool {
        self.status().quarantine.iter().any(|entry| entry.digest == digest(name))
    }
}

async fn minutes(count: u64) {
    tokio::time::sleep(Duration::from_secs(60 * count + 1)).await;
}

/// On a clock that jumps to the next thing to happen.
fn on_a_fast_clock(test: impl AsyncFnOnce()) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    tokio::task::LocalSet::new().block_on(&runtime.unwrap(), test());
}

#[test]
fn a_version_that_fails_is_taken_back() {
    on_a_fast_clock(async || {
        let pod = Pod::with_a_good_version().await;
        pod.point(2, "bad", &["good"]);
        pod.shows("bad").await;
        pod.fake.counts("bad", 10, 5);
        pod.shows("good").await;
        assert!(pod.is_quarantined("bad"));
        assert!(!pod.status().live.unwrap().on_probation);
    });
}

#[test]
fn a_version_that_fails_is_taken_back_while_the_next_one_keeps_the_pod_waiting() {
    for fate in [Fate::NotNow, Fate::Hangs] {
        on_a_fast_clock(async || {
            let pod = Pod::with_a_good_version().await;
            pod.point(2, "bad", &["good"]);
            pod.shows("bad").await;
            pod.fake.plot().fetches.insert(digest("next"), fate);
            pod.point(3, "next", &["good"]);
            tokio::time::sleep(Duration::from_secs(10)).await;
            pod.fake.counts("bad", 10, 5);
            pod.shows("good").await;
        });
    }
}

#[test]
fn a_version_that_failed_while_the_next_one_was_refused_does_not_pass() {
    on_a_fast_clock(async || {
        let pod = Pod::with_a_good_version().await;
        pod.point(2, "bad", &["good"]);
        pod.shows("bad").await;
        pod.fake.plot().checks.insert(digest("next"), Fate::Unfit);
        pod.point(3, "next", &["good"]);
        pod.fake.counts("bad", 10, 5);
        minutes(2).await;
        assert_eq!(pod.fake.shows(), Some(digest("good")));
        assert!(pod.is_quarantined("bad") && pod.is_quarantined("next"));
    });
}

#[test]
fn a_version_is_measured_by_what_the_one_before_did_lately() {
    on_a_fast_clock(async || {
        let pod = Pod::with_a_good_version().await;
        // One bad hour, and then a good one.
        pod.fake.counts("good", 1000, 240);
        minutes(60).await;
        pod.fake.counts("good", 2000, 240);
        minutes(5).await;
        pod.point(2, "worse", &["good"]);
        pod.shows("worse").await;
        pod.fake.counts("worse", 100, 20);
        pod.shows("good").await;
    });
    on_a_fast_clock(async || {
        let pod = Pod::start();
        pod.point(1, "good", &[]);
        pod.shows("good").await;
        // A long good life, and then a client that asks for what fails.
        pod.fake.counts("good", 1_000_000, 100);
        minutes(60).await;
        pod.fake.counts("good", 1_001_000, 160);
        minutes(5).await;
        pod.point(2, "no worse", &["good"]);
        pod.shows("no worse").await;
        pod.fake.counts("no worse", 1000, 70);
        minutes(2).await;
        assert!(!pod.is_quarantined("no worse"), "{:?}", pod.fake.plot().told);
    });
}

#[test]
fn a_pod_that_starts_on_a_bad_version_ends_on_the_one_before() {
    on_a_fast_clock(async || {
        let pod = Pod::start();
        pod.fake.plot().checks.insert(digest("bad"), Fate::Unfit);
        pod.point(2, "bad", &["good"]);
        pod.shows("good").await;
        assert!(!pod.status().live.unwrap().on_probation, "it passed elsewhere");
        assert!(pod.status().problem.unwrap().contains("it is broken"));
        // It is what the next bad one makes way for, also when it cannot be fetched again.
        pod.fake.plot().fetches.insert(digest("good"), Fate::Hangs);
        pod.point(3, "worse", &["good"]);
        pod.shows("worse").await;
        pod.fake.counts("worse", 10, 10);
        pod.shows("good").await;
    });
}

#[test]
fn a_version_that_ends_the_process_twice_gives_way_to_the_one_before() {
    on_a_fast_clock(async || {
        let mut pod = Pod::with_a_good_version().await;
        for _ in 0..2 {
            pod.point(2, "deadly", &["good"]);
            pod.shows("deadly").await;
            pod = pod.dies();
        }
        // Without an API server it is not even tried.
        pod.shows("good").await;
        pod = pod.dies();
        pod.point(2, "deadly", &["good"]);
        pod.shows("good").await;
        assert!(pod.is_quarantined("deadly"));
        // Whoever asks for it again gets it.
        pod.point(3, "deadly", &["good"]);
        pod.shows("deadly").await;
    });
}

#[test]
fn a_version_that_ends_the_process_while_it_is_checked_gives_way_as_well() {
    on_a_fast_clock(async || {
        let mut pod = Pod::start();
        pod.fake.plot().checks.insert(digest("deadly"), Fate::Hangs);
        for _ in 0..2 {
            pod.point(2, "deadly", &["good"]);
            tokio::time::sleep(Duration::from_secs(1)).await;
            pod = pod.dies();
        }
        pod.point(2, "deadly", &["good"]);
        pod.shows("good").await;
        assert!(pod.is_quarantined("deadly"));
    });
}

#[test]
fn what_is_away_at_a_start_is_waited_for() {
    on_a_fast_clock(async || {
        let mut pod = Pod::with_a_good_version().await;
        // The power comes back: neither the API server nor the database is there at first.
        pod.fake.plot().checks.insert(digest("good"), Fate::NotNow);
        pod = pod.dies();
        minutes(1).await;
        assert_eq!(pod.fake.shows(), None);
        pod.fake.plot().checks.clear();
        pod.shows("good").await;
        assert!(!pod.is_quarantined("good"));
    });
}

#[test]
fn config_maps_that_were_wrong_may_be_put_right_without_a_new_generation() {
    on_a_fast_clock(async || {
        let pod = Pod::start();
        pod.point(1, "good", &[]);
        pod.shows("good").await;
        pod.fake.plot().fetches.insert(digest("by hand"), Fate::NotNow);
        pod.point(1, "by hand", &["good"]);
        minutes(5).await;
        assert_eq!(pod.fake.shows(), Some(digest("good")));
        assert!(pod.status().problem.is_some());
        pod.fake.plot().fetches.clear();
        pod.shows("by hand").await;
        assert!(!pod.is_quarantined("by hand"));
    });
}

#[test]
fn a_version_that_waits_is_not_one_that_ends_the_process() {
    on_a_fast_clock(async || {
        let mut pod = Pod::start();
        pod.fake.plot().checks.insert(digest("new"), Fate::NotNow);
        for _ in 0..5 {
            pod.point(2, "new", &[]);
            minutes(1).await;
            pod = pod.dies();
        }
        pod.fake.plot().checks.clear();
        pod.point(2, "new", &[]);
        pod.shows("new").await;
    });
}
