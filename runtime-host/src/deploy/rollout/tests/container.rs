//! The stand-in for a pod, its process, and the clock.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::watch;

use crate::deploy::release::tests::release;
use crate::deploy::release::{Pointer, Release};
use crate::deploy::rollout::Rollout;
use crate::deploy::rollout::cached::Cached;
use crate::deploy::rollout::decide::Counts;
use crate::deploy::rollout::events::What;
use crate::deploy::rollout::pod::Pod;
use crate::deploy::rollout::refusal::{Check, Refusal};
use crate::deploy::rollout::report::{Report, Status};
use crate::digest::Digest;

/// A pod without a server, an API server or a compiler.
#[derive(Clone, Default)]
pub struct Fake(Arc<Mutex<Plot>>);

/// What is to happen, and what has.
#[derive(Default)]
pub struct Plot {
    /// What becomes of a version that is fetched, where it isn't fine.
    pub fetches: BTreeMap<Digest, Fate>,
    pub checks: BTreeMap<Digest, Fate>,
    pub counts: BTreeMap<Digest, Counts>,
    pub shown: Vec<Digest>,
    pub told: Vec<String>,
}

#[derive(Clone)]
pub enum Fate {
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
                Err(Refusal::Unfit { check: Check::Compile, reason: "it is broken".into() })
            }
            Some(Self::Hangs) => std::future::pending().await,
        }
    }
}

impl Fake {
    pub fn plot(&self) -> MutexGuard<'_, Plot> {
        self.0.lock().unwrap()
    }

    pub fn counts(&self, name: &str, requests: u64, failures: u64) {
        self.plot().counts.insert(digest(name), Counts { requests, failures });
    }

    pub fn shows(&self) -> Option<Digest> {
        self.plot().shown.last().copied()
    }
}

impl Pod for Fake {
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

pub fn digest(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

/// A pod's container, with the folder that outlives its process.
pub struct Container {
    pub fake: Fake,
    folder: tempfile::TempDir,
    pointer: watch::Sender<Option<Pointer>>,
    report: Arc<Report>,
    process: tokio::task::JoinHandle<()>,
}

impl Container {
    pub fn start() -> Self {
        Self::start_on(Fake::default(), tempfile::tempdir().unwrap())
    }

    /// One whose version has passed.
    pub async fn with_a_good_version() -> Self {
        let pod = Self::start();
        pod.takes(1, "good", &[]).await;
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
    pub fn dies(self) -> Self {
        self.process.abort();
        self.fake.plot().shown.clear();
        Self::start_on(self.fake, self.folder)
    }

    /// Points at a version; the ones before it are those that passed, the newest first.
    pub fn point(&self, generation: u64, name: &str, before: &[&str]) {
        let live = release(generation, name);
        let old = before.iter().map(|name| Release { passed: true, ..release(1, name) });
        let history = std::iter::once(live.clone()).chain(old).collect();
        let previous = before.first().map(|name| digest(name));
        self.pointer.send_replace(Some(Pointer { live, previous, history }));
    }

    pub async fn takes(&self, generation: u64, name: &str, before: &[&str]) {
        self.point(generation, name, before);
        self.shows(name).await;
    }

    pub async fn shows(&self, name: &str) {
        let shown = async {
            while self.fake.shows() != Some(digest(name)) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let shown = tokio::time::timeout(Duration::from_mins(10), shown).await;
        assert!(shown.is_ok(), "{name} is not shown: {:#?}", self.fake.plot().told);
    }

    pub fn status(&self) -> Status {
        self.report.status(Counts::default())
    }

    pub fn is_quarantined(&self, name: &str) -> bool {
        self.status().quarantine.iter().any(|entry| entry.digest == digest(name))
    }
}

pub async fn minutes(count: u64) {
    tokio::time::sleep(Duration::from_secs(60 * count + 1)).await;
}

/// On a clock that jumps to the next thing to happen.
pub fn on_a_fast_clock(test: impl AsyncFnOnce()) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    tokio::task::LocalSet::new().block_on(&runtime.unwrap(), test());
}
