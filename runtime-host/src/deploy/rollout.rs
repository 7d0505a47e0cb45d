//! Which version a pod serves: it follows the pointer, checks what that names,
//! swaps it in, and takes it back when it fails on probation.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::deploy::release::{Pointer, Release};
use cached::Cached;
use decide::{Counts, Lately, Memory, Step, decide, fails};
use events::What;
use obtain::{obtain, patiently};
use pod::Pod;
use report::Report;

pub mod cached;
pub mod check;
pub mod decide;
pub mod events;
mod obtain;
pub mod pod;
mod probe;
mod refusal;
pub mod report;
pub mod source;
#[cfg(test)]
mod tests;

/// How long a new version may be taken back.
const PROBATION: Duration = Duration::from_mins(1);
/// The pause between two looks: at a version on probation (what fails meanwhile, clients see), and at
/// one that has passed.
const LOOK: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(15)];
/// How long a start waits for the API server before it takes what it had.
const START_PATIENCE: Duration = Duration::from_secs(3);
/// Pods begin with a new version at any time within this, so that those of a
/// node don't compile all at once.
const STAGGER: Duration = Duration::from_secs(2);

/// One pod's versions.
pub struct Rollout<P: Pod> {
    pod: Arc<P>,
    cached: Arc<Cached>,
    report: Arc<Report>,
    memory: Memory,
    live: Option<Shown<P>>,
    /// What the live one's requests came to in the last minutes.
    lately: Lately,
    /// The last version that passed.
    good: Option<Shown<P>>,
    /// As long as the live version has not.
    on_probation: Option<Probation>,
}

/// A version that is loaded.
struct Shown<P: Pod>(Release, Arc<P::Version>);

impl<P: Pod> Clone for Shown<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), self.1.clone())
    }
}

#[derive(Clone, Copy)]
struct Probation {
    until: Instant,
    /// What the last good version's requests came to before it.
    before: Counts,
}

/// What there is to say of a version on probation.
enum Verdict {
    Passed,
    Failed(Counts),
}

impl<P: Pod> Rollout<P> {
    pub fn new(pod: P, cached: Arc<Cached>, report: Arc<Report>) -> Self {
        Self {
            pod: Arc::new(pod),
            cached,
            report,
            memory: Memory::default(),
            live: None,
            lately: Lately::default(),
            good: None,
            on_probation: None,
        }
    }

    /// Follows the pointer for as long as it is polled.
    pub async fn run(mut self, mut pointers: watch::Receiver<Option<Pointer>>) {
        if tokio::time::timeout(START_PATIENCE, pointers.changed()).await.is_err() {
            tokio::select! {
                changed = pointers.changed() => if changed.is_err() { return },
                () = self.start_from_cache() => return,
            }
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

    /// Serves what passed last, until the API server says more; never ends by itself.
    async fn start_from_cache(&mut self) {
        if let Some((release, bytes)) = self.cached.load() {
            tracing::warn!("starting with the last version, {}, from the cache", release.digest);
            let checked = patiently(&self.report, &release, async || {
                self.pod.check(&release, bytes.clone()).await
            });
            match checked.await {
                Ok(version) => {
                    self.show(&release, version);
                    self.pass();
                }
                Err(reason) => tracing::error!("the cached version cannot be served: {reason}"),
            }
        }
        self.watch(None).await;
    }

    /// Does what a pointer asks for; never ends by itself.
    async fn follow(&mut self, pointer: Option<Pointer>) {
        if let Some(pointer) = &pointer {
            let wanted = &pointer.live;
            self.report.wanted(wanted);
            match decide(wanted, &self.memory) {
                Step::Keep => {}
                Step::Refuse(reason) => {
                    tracing::error!("{} is refused: {reason}", wanted.digest);
                    self.pod.tell(What::Refused, format!("{}: {reason}", wanted.digest));
                    self.report.problem(reason);
                }
                Step::Load => self.load(pointer).await,
            }
            self.memory.generation = self.memory.generation.max(wanted.generation);
            if self.live.is_none() {
                self.show_previous(pointer).await;
            }
        }
        self.watch(pointer.as_ref()).await;
    }

    /// Loads the version that the pointer names, and waits for as long as something that it needs is missing. The one that
    /// is live may pass meanwhile, or be taken back.
    async fn load(&mut self, pointer: &Pointer) {
        let release = &pointer.live;
        if self.cached.ends_the_process(release) {
            let reason = "process: it ended again and again before this version had passed";
            return self.quarantine(release, reason, What::Refused);
        }
        if self.live.is_some() {
            tokio::time::sleep(STAGGER.mul_f32(fastrand::f32())).await;
        }
        let (pod, cached, report) = (self.pod.clone(), self.cached.clone(), self.report.clone());
        let mut loading = pin!(obtain(&*pod, &cached, &report, release));
        let loaded = loop {
            tokio::select! {
                loaded = &mut loading => break loaded,
                verdict = self.look() => self.settle(verdict, pointer).await,
            }
        };
        match loaded {
            Ok(version) => self.show(release, version),
            Err(reason) => {
                self.cached.end(release.digest);
                self.quarantine(release, &reason, What::Refused);
            }
        }
    }

    /// A pod without any version serves the one before rather than none.
    async fn show_previous(&mut self, pointer: &Pointer) {
        let previous = pointer.previous.and_then(|digest| pointer.release(digest));
        let Some(previous) = previous else { return };
        if self.memory.quarantine.contains_key(&previous.digest) {
            return;
        }
        tracing::warn!("serving the version before, {}", previous.digest);
        match obtain(&*self.pod, &self.cached, &self.report, &previous).await {
            // It has passed elsewhere.
            Ok(version) => {
                self.show(&previous, version);
                self.pass();
            }
            Err(reason) => self.quarantine(&previous, &reason, What::Refused),
        }
        if let Some((_, problem)) = self.memory.quarantine.get(&pointer.live.digest) {
            self.report.problem(problem.clone());
        }
    }

    fn show(&mut self, release: &Release, version: P::Version) {
        let version = Arc::new(version);
        self.pod.show(version.clone());
        // A version that has not passed is no measure for the next one.
        let before = match self.on_probation {
            Some(probation) => probation.before,
            None => self.lately.counts(),
        };
        self.on_probation = Some(Probation { until: Instant::now() + PROBATION, before });
        let old = self.set_live(Shown(release.clone(), version), true);
        let old = old.map_or_else(|| "nothing".to_owned(), |old| old.digest.to_string());
        tracing::info!("swapped {old} for {}", release.digest);
        self.pod.tell(What::Live, format!("{} took over from {old}", release.digest));
    }

    /// Returns what was live until now.
    fn set_live(&mut self, shown: Shown<P>, on_probation: bool) -> Option<Release> {
        self.memory.live = Some(shown.0.digest);
        self.report.swapped(shown.0.clone(), on_probation);
        self.lately = Lately::default();
        self.live.replace(shown).map(|old| old.0)
    }

    /// Looks at the live version for as long as it is polled.
    async fn watch(&mut self, pointer: Option<&Pointer>) {
        loop {
            let verdict = self.look().await;
            match pointer {
                Some(pointer) => self.settle(verdict, pointer).await,
                None => self.pass(),
            }
        }
    }

    /// Looks until there is something to say.
    async fn look(&mut self) -> Verdict {
        loop {
            let [often, seldom] = LOOK;
            let pause = if self.on_probation.is_some() { often } else { seldom };
            tokio::time::sleep(pause).await;
            let Some(Shown(_, version)) = &self.live else { continue };
            let counts = self.pod.counts(version);
            let now = Instant::now();
            self.lately.note(now, counts);
            match self.on_probation {
                Some(probation) if fails(counts, probation.before) => {
                    return Verdict::Failed(counts);
                }
                Some(probation) if now >= probation.until => return Verdict::Passed,
                _ => {}
            }
        }
    }

    async fn settle(&mut self, verdict: Verdict, pointer: &Pointer) {
        match verdict {
            Verdict::Passed => self.pass(),
            Verdict::Failed(counts) => self.take_back(counts, pointer).await,
        }
    }

    fn pass(&mut self) {
        self.on_probation = None;
        let Some(shown) = self.live.clone() else { return };
        self.report.passed();
        tracing::debug!("{} passed its probation", shown.0.digest);
        if let Err(error) = self.cached.keep(&shown.0) {
            tracing::warn!("the version cannot be kept for the next start: {error:#}");
        }
        self.good = Some(shown);
    }

    /// Brings the last good version back; it is still loaded, unless the pod
    /// began with the bad one.
    async fn take_back(&mut self, counts: Counts, pointer: &Pointer) {
        let Some(Shown(failed, _)) = self.live.clone() else { return };
        self.on_probation = None;
        self.cached.end(failed.digest);
        let Counts { requests, failures } = counts;
        let reason = format!("probation: {failures} of its {requests} requests failed");
        if let Some(good) = self.good.clone() {
            self.pod.show(good.1.clone());
            self.set_live(good, false);
            self.quarantine(&failed, &reason, What::TakenBack);
        } else {
            self.quarantine(&failed, &reason, What::TakenBack);
            self.show_previous(pointer).await;
        }
    }

    fn quarantine(&mut self, release: &Release, reason: &str, what: What) {
        tracing::error!("{} is not served: {reason}", release.digest);
        self.pod.tell(what, format!("{}: {reason}", release.digest));
        self.report.quarantined(release, reason, what == What::TakenBack);
        let entry = (release.generation, reason.to_owned());
        self.memory.quarantine.insert(release.digest, entry);
    }
}
