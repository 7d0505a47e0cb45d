//! Which version a pod serves: it follows the pointer, checks what that names,
//! swaps it in, and takes it back when it fails in its first minute.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::deploy::release::{Pointer, Release};
use crate::guest::loaded::Loaded;
use crate::http::server::Server;
use cached::Cached;
use check::{Checks, Refusal};
use decide::{Counts, Memory, Step, decide, fails};
use events::{Events, What};
use report::Report;

pub mod cached;
pub mod check;
pub mod decide;
pub mod events;
mod probe;
pub mod report;
pub mod source;

/// How long a new version may be taken back.
const PROBATION: Duration = Duration::from_mins(1);
/// Between two looks at a version on probation: what fails meanwhile, fails.
const LOOK: Duration = Duration::from_millis(100);
/// How long a start waits for the API server before it takes what it had.
const START_PATIENCE: Duration = Duration::from_secs(3);
/// Pods begin with a new version at any time within this, so that those of a
/// node don't compile all at once.
const STAGGER: Duration = Duration::from_secs(2);
/// Between two tries of a version that lacks something: doubled each time.
const RETRY: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(15)];

/// One pod's versions.
pub struct Rollout {
    checks: Checks,
    cached: Cached,
    server: Arc<Server>,
    events: Events,
    report: Arc<Report>,
    memory: Memory,
    /// The last version that passed its minute.
    good: Option<(Release, Arc<Loaded>)>,
    /// The live version until it passes its own, and when that is.
    on_probation: Option<(Release, Instant)>,
}

impl Rollout {
    pub fn new(
        checks: Checks,
        cached: Cached,
        server: Arc<Server>,
        events: Events,
        report: Arc<Report>,
    ) -> Self {
        let memory = Memory::default();
        Self { checks, cached, server, events, report, memory, good: None, on_probation: None }
    }

    /// Follows the pointer for as long as it is polled.
    pub async fn run(mut self, mut pointers: watch::Receiver<Option<Pointer>>) {
        if tokio::time::timeout(START_PATIENCE, pointers.changed()).await.is_err() {
            self.start_from_cache().await;
        }
        loop {
            let wanted = pointers.borrow_and_update().clone();
            tokio::select! {
                // A newer pointer supersedes whatever goes on for the last one.
                changed = pointers.changed() => if changed.is_err() { return },
                () = self.follow(wanted) => return,
            }
        }
    }

    /// Serves what was live last, until the API server says more.
    async fn start_from_cache(&mut self) {
        let Some((release, bytes)) = self.cached.load() else { return };
        tracing::warn!("starting with the last version, {}, from the cache", release.digest);
        match self.checks.pass_bytes(&release, bytes).await {
            Ok(loaded) => {
                self.swap(&release, loaded);
                self.pass(release);
            }
            Err(refusal) => tracing::error!("the cached version cannot be served: {refusal}"),
        }
    }

    /// Does what a pointer asks for; never ends by itself.
    async fn follow(&mut self, pointer: Option<Pointer>) {
        if let Some(pointer) = pointer {
            self.report.wanted(&pointer.live);
            match decide(&pointer.live, &self.memory) {
                Step::Keep => {}
                Step::Refuse(reason) => {
                    tracing::error!("{} is refused: {reason}", pointer.live.digest);
                    self.events.write(What::Refused, format!("{}: {reason}", pointer.live.digest));
                    self.report.problem(reason);
                }
                Step::Load => {
                    if self.memory.live.is_some() {
                        tokio::time::sleep(STAGGER.mul_f32(fastrand::f32())).await;
                    }
                    self.load(&pointer.live).await;
                }
            }
            self.memory.generation = self.memory.generation.max(pointer.live.generation);
            if self.memory.live.is_none() {
                self.load_previous(&pointer).await;
            }
            self.watch_probation(&pointer).await;
        }
        std::future::pending::<()>().await;
    }

    /// Loads a version, however long what it needs is away.
    async fn load(&mut self, release: &Release) {
        let [mut delay, longest] = RETRY;
        loop {
            match self.checks.pass(release).await {
                Ok((loaded, bytes)) => {
                    self.swap(release, loaded);
                    self.remember(release, &bytes);
                    return;
                }
                Err(Refusal::Unfit { check, reason }) => {
                    self.quarantine(release, &format!("{check}: {reason}"), What::Refused);
                    return;
                }
                Err(Refusal::NotNow(reason)) => {
                    tracing::warn!("{} waits: {reason}", release.digest);
                    self.report.problem(reason);
                    tokio::time::sleep(delay).await;
                    delay = longest.min(2 * delay);
                }
            }
        }
    }

    /// A pod without any version serves the one before rather than none.
    async fn load_previous(&mut self, pointer: &Pointer) {
        let Some(previous) = pointer.previous.and_then(|digest| pointer.release(digest)) else {
            return;
        };
        if self.memory.quarantine.contains_key(&previous.digest) {
            return;
        }
        tracing::warn!("serving the version before, {}", previous.digest);
        let problem = self.memory.quarantine.get(&pointer.live.digest).cloned();
        self.load(&previous).await;
        if let Some((_, problem)) = problem {
            self.report.problem(problem);
        }
    }

    /// One atomic store; requests under way end where they began.
    fn swap(&mut self, release: &Release, loaded: Loaded) {
        let loaded = Arc::new(loaded);
        let before = self.server.live.swap(Some(loaded.clone()));
        self.memory.live = Some(release.digest);
        self.on_probation = Some((release.clone(), Instant::now() + PROBATION));
        self.report.swapped(release.clone(), true);
        let before = before.map_or_else(|| "nothing".to_owned(), |old| old.digest.to_string());
        self.server.metrics.swaps("done");
        tracing::info!("swapped {before} for {}", release.digest);
        self.events.write(What::Live, format!("{} took over from {before}", release.digest));
    }

    fn remember(&self, release: &Release, bytes: &[u8]) {
        if let Err(error) = self.cached.store(release, bytes) {
            tracing::warn!("the version cannot be kept for the next start: {error:#}");
        }
    }

    /// Waits until the live version has passed its minute, or takes it back.
    async fn watch_probation(&mut self, pointer: &Pointer) {
        let Some((release, until)) = self.on_probation.clone() else { return };
        let mut look = tokio::time::interval(LOOK);
        while Instant::now() < until {
            look.tick().await;
            let Some(live) = self.server.live.load_full() else { return };
            let before = self.good.as_ref().map(|(_, good)| counts(good)).unwrap_or_default();
            let now = counts(&live);
            if fails(now, before) {
                return self.take_back(&release, now, pointer).await;
            }
        }
        self.pass(release);
    }

    fn pass(&mut self, release: Release) {
        self.on_probation = None;
        self.report.passed();
        tracing::debug!("{} passed its first minute", release.digest);
        self.good = self.server.live.load_full().map(|live| (release, live));
    }

    /// Brings the last good version back; it is still loaded, unless the pod
    /// began with the bad one.
    async fn take_back(&mut self, release: &Release, counts: Counts, pointer: &Pointer) {
        self.on_probation = None;
        let reason = format!(
            "probation: {} of its {} requests failed in its first minute",
            counts.failures, counts.requests
        );
        if let Some((good, loaded)) = self.good.clone() {
            self.server.live.store(Some(loaded));
            self.memory.live = Some(good.digest);
            self.report.swapped(good, false);
            self.quarantine(release, &reason, What::TakenBack);
        } else {
            self.quarantine(release, &reason, What::TakenBack);
            self.load_previous(pointer).await;
        }
    }

    fn quarantine(&mut self, release: &Release, reason: &str, what: What) {
        self.server.metrics.swaps(match what {
            What::TakenBack => "taken_back",
            _ => "refused",
        });
        tracing::error!("{} is not served: {reason}", release.digest);
        self.events.write(what, format!("{}: {reason}", release.digest));
        self.report.quarantined(release, reason);
        let entry = (release.generation, reason.to_owned());
        self.memory.quarantine.insert(release.digest, entry);
    }
}

/// What a version's requests came to.
pub fn counts(loaded: &Loaded) -> Counts {
    Counts { requests: loaded.health.requests(), failures: loaded.health.failures() }
}
