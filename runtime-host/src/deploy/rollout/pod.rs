//! The pod that a rollout works on, and in tests a stand-in for it.

use std::sync::Arc;

use super::check::Checks;
use super::decide::Counts;
use super::events::{Events, What};
use super::refusal::Refusal;
use crate::deploy::release::Release;
use crate::guest::loaded::Loaded;
use crate::http::server::Server;
use crate::metrics::Swap;

/// Where versions come from, and where they are shown.
pub trait Pod {
    type Version;

    /// The bytes that the release names.
    async fn fetch(&self, release: &Release) -> Result<Vec<u8>, Refusal>;

    /// All checks that a version has to pass before it takes over.
    async fn check(&self, release: &Release, bytes: Vec<u8>) -> Result<Self::Version, Refusal>;

    /// One atomic store; requests under way end where they began.
    fn show(&self, version: Arc<Self::Version>);

    /// What its requests came to.
    fn counts(&self, version: &Self::Version) -> Counts;

    /// Counts what happened, and tells the pod's owner.
    fn tell(&self, what: What, message: String);
}

/// The one that this process is in.
pub struct ThisPod {
    pub checks: Checks,
    pub server: Arc<Server>,
    pub events: Events,
}

impl Pod for ThisPod {
    type Version = Loaded;

    async fn fetch(&self, release: &Release) -> Result<Vec<u8>, Refusal> {
        self.checks.fetch(release).await
    }

    async fn check(&self, release: &Release, bytes: Vec<u8>) -> Result<Loaded, Refusal> {
        self.checks.pass(release, bytes).await
    }

    fn show(&self, version: Arc<Loaded>) {
        self.server.live.store(Some(version));
    }

    fn counts(&self, version: &Loaded) -> Counts {
        counts(version)
    }

    fn tell(&self, what: What, message: String) {
        self.server.metrics.swaps(match what {
            What::Live => Swap::done,
            What::Refused => Swap::refused,
            What::TakenBack => Swap::taken_back,
        });
        self.events.write(what, message);
    }
}

/// What a version's requests came to.
pub fn counts(loaded: &Loaded) -> Counts {
    Counts { requests: loaded.health.requests(), failures: loaded.health.failures() }
}
