//! What to do about a pointer, and when a new version is taken back. Pure.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::deploy::release::Release;
use crate::digest::Digest;

/// What a pod remembers of the versions it has seen.
#[derive(Debug, Default)]
pub struct Memory {
    pub live: Option<Digest>,
    /// The highest generation so far.
    pub generation: u64,
    /// Versions that failed, with the generation in which they did, and why.
    pub quarantine: BTreeMap<Digest, (u64, String)>,
}

/// What to do about a wanted version.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// It is live.
    Keep,
    /// It is not to be served, for this reason.
    Refuse(String),
    /// It is new.
    Load,
}

/// Decides about the version that the pointer names. A version in quarantine
/// gets another chance in a higher generation: somebody asked for it again.
pub fn decide(wanted: &Release, memory: &Memory) -> Step {
    if wanted.generation < memory.generation {
        return Step::Refuse(format!(
            "generation {} is lower than {}, which this pod has seen: push again, a rollback is a \
             new generation, too",
            wanted.generation, memory.generation
        ));
    }
    if memory.live == Some(wanted.digest) {
        return Step::Keep;
    }
    match memory.quarantine.get(&wanted.digest) {
        Some((generation, reason)) if *generation >= wanted.generation => {
            Step::Refuse(reason.clone())
        }
        _ => Step::Load,
    }
}

/// Failures that are too few to tell anything.
const MIN_FAILURES: u64 = 3;
/// How much larger a share of requests may fail than before, in percent.
const MAX_FAILURE_RISE: f64 = 5.0;

/// Requests that a version answered, and how many of them failed by its fault.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub requests: u64,
    pub failures: u64,
}

impl Counts {
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits")]
    fn failed_percent(self) -> f64 {
        if self.requests == 0 { 0.0 } else { 100.0 * self.failures as f64 / self.requests as f64 }
    }
}

/// How far back the version before is a measure for a new one: what it did in another hour says
/// nothing of what its clients and its database do now.
const LATELY: Duration = Duration::from_mins(10);

/// What a version's requests came to, as it was noted from time to time.
#[derive(Debug, Default)]
pub struct Lately(VecDeque<(Instant, Counts)>);

impl Lately {
    pub fn note(&mut self, now: Instant, counts: Counts) {
        self.0.push_back((now, counts));
        // The oldest note that stays is the last one from before.
        while self.0.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= LATELY) {
            self.0.pop_front();
        }
    }

    /// Since the oldest note.
    pub fn counts(&self) -> Counts {
        let (Some((_, first)), Some((_, last))) = (self.0.front(), self.0.back()) else {
            return Counts::default();
        };
        let first = if self.0.len() == 1 { Counts::default() } else { *first };
        Counts {
            requests: last.requests - first.requests,
            failures: last.failures - first.failures,
        }
    }
}

/// Whether a new version fails so much more than the one before that it has to go.
pub fn fails(new: Counts, before: Counts) -> bool {
    new.failures >= MIN_FAILURES
        && new.failed_percent() > before.failed_percent() + MAX_FAILURE_RISE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::release::tests::release;

    fn memory() -> Memory {
        let bad = (Digest::of(b"bad"), (4, "it trapped".to_owned()));
        Memory { live: Some(Digest::of(b"live")), generation: 5, quarantine: [bad].into() }
    }

    #[test]
    fn a_new_version_is_loaded_also_in_the_same_generation() {
        assert_eq!(decide(&release(6, "new"), &memory()), Step::Load);
        assert_eq!(decide(&release(5, "new"), &memory()), Step::Load, "set by hand");
    }

    #[test]
    fn the_live_version_stays() {
        assert_eq!(decide(&release(6, "live"), &memory()), Step::Keep);
    }

    #[test]
    fn a_lower_generation_is_refused_whatever_it_names() {
        for name in ["new", "live", "bad"] {
            assert!(matches!(decide(&release(4, name), &memory()), Step::Refuse(_)), "{name}");
        }
    }

    #[test]
    fn a_version_in_quarantine_waits_for_a_higher_generation() {
        let mut memory = memory();
        memory.generation = 4;
        assert_eq!(decide(&release(4, "bad"), &memory), Step::Refuse("it trapped".to_owned()));
        assert_eq!(decide(&release(5, "bad"), &memory), Step::Load);
    }

    #[test]
    fn what_was_long_ago_does_not_count() {
        let mut lately = Lately::default();
        let begin = Instant::now();
        let mut note = |minutes: u64, requests, failures| {
            let now = begin + Duration::from_secs(60 * minutes);
            lately.note(now, Counts { requests, failures });
            let Counts { requests, failures } = lately.counts();
            (requests, failures)
        };
        assert_eq!(note(0, 100, 20), (100, 20));
        assert_eq!(note(5, 200, 20), (100, 0));
        assert_eq!(note(10, 300, 21), (200, 1));
        assert_eq!(note(16, 400, 21), (200, 1), "since the fifth minute");
        assert_eq!(note(60, 500, 21), (100, 0));
    }

    #[test]
    fn a_version_that_fails_more_than_the_one_before_has_to_go() {
        let counts = |requests, failures| Counts { requests, failures };
        let before = counts(1000, 20);
        assert!(fails(counts(3, 3), before));
        assert!(fails(counts(100, 10), before));
        assert!(!fails(counts(2, 2), before), "too few to tell");
        assert!(!fails(counts(100, 5), before), "about as before");
        assert!(!fails(counts(1000, 0), before));
        assert!(fails(counts(3, 3), Counts::default()));
    }
}
