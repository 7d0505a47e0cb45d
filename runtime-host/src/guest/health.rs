//! How well one loaded component does.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of one loaded component's requests; for the automatic way back after a swap.
#[derive(Debug, Default)]
pub struct Health {
    requests: AtomicU64,
    failures: AtomicU64,
}

impl Health {
    /// A request was answered. It failed when the component trapped, used up
    /// its time, could not be instantiated, or said 5xx other than 503.
    pub fn record(&self, failed: bool) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if failed {
            self.fail();
        }
    }

    /// The component trapped when its answers had begun: those are counted already.
    pub fn fail(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}
