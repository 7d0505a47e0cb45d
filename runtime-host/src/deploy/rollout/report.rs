//! What a pod says of its version: to the log, to `/status`, to its owner.

use std::time::Instant;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::decide::Counts;
use crate::deploy::release::Release;
use crate::digest::Digest;

/// The answer of `/status`. `push` and `status` read it from every pod.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub live: Option<Live>,
    /// The version that the pointer names.
    pub wanted: Option<Wanted>,
    /// Why the wanted version is not the live one.
    pub problem: Option<String>,
    /// Why the API server's word cannot be had or used.
    pub source_problem: Option<String>,
    /// The highest generation that this pod has seen.
    pub generation: u64,
    pub quarantine: Vec<Quarantined>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Live {
    pub digest: Digest,
    pub generation: u64,
    pub version: Option<String>,
    /// Seconds.
    pub age: u64,
    pub on_probation: bool,
    pub requests: u64,
    pub failures: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    pub digest: Digest,
    pub generation: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quarantined {
    pub digest: Digest,
    pub generation: u64,
    pub reason: String,
    /// It was live, and failed on probation.
    #[serde(default)]
    pub taken_back: bool,
}

/// The status under construction.
#[derive(Default)]
pub struct Report(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    status: Status,
    live: Option<(Release, Instant)>,
    pointer_problem: Option<String>,
    api_problem: Option<String>,
    on_probation: bool,
}

impl Report {
    /// The status now; `counts` are those of the live version.
    pub fn status(&self, counts: Counts) -> Status {
        let inner = self.0.lock();
        let live = inner.live.as_ref().map(|(release, since)| Live {
            digest: release.digest,
            generation: release.generation,
            version: release.version.clone(),
            age: since.elapsed().as_secs(),
            on_probation: inner.on_probation,
            requests: counts.requests,
            failures: counts.failures,
        });
        let source_problem = inner.api_problem.clone().or_else(|| inner.pointer_problem.clone());
        Status { live, source_problem, ..inner.status.clone() }
    }

    /// The API server answered.
    pub fn reached(&self) {
        if self.0.lock().api_problem.take().is_some() {
            tracing::info!("the API server is back");
        }
    }

    /// The API server did not answer. Said once until it is back.
    pub fn lost(&self, error: &str) {
        if self.0.lock().api_problem.replace(error.to_owned()).is_none() {
            tracing::warn!("the pointer cannot be read, the live version stays: {error}");
        }
    }

    /// The pointer is not there or not usable. Said once for each reason.
    pub fn pointer_problem(&self, problem: Option<String>) {
        let mut inner = self.0.lock();
        if let Some(problem) = &problem
            && inner.pointer_problem.as_ref() != Some(problem)
        {
            tracing::warn!("{problem}");
        }
        inner.pointer_problem = problem;
    }

    pub fn wanted(&self, release: &Release) {
        let mut inner = self.0.lock();
        inner.status.wanted =
            Some(Wanted { digest: release.digest, generation: release.generation });
        inner.status.generation = inner.status.generation.max(release.generation);
        inner.status.problem = None;
    }

    pub fn problem(&self, problem: String) {
        self.0.lock().status.problem = Some(problem);
    }

    pub fn swapped(&self, release: Release, on_probation: bool) {
        let mut inner = self.0.lock();
        inner.live = Some((release, Instant::now()));
        inner.on_probation = on_probation;
    }

    pub fn passed(&self) {
        self.0.lock().on_probation = false;
    }

    pub fn quarantined(&self, release: &Release, reason: &str, taken_back: bool) {
        let mut inner = self.0.lock();
        inner.status.quarantine.retain(|other| other.digest != release.digest);
        inner.status.quarantine.push(Quarantined {
            digest: release.digest,
            generation: release.generation,
            reason: reason.to_owned(),
            taken_back,
        });
        inner.status.problem = Some(reason.to_owned());
    }
}
