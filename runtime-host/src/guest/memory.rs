//! How much memory guests may take: each by itself, and all together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::gauge::Gauge;
use wasmtime::{ResourceLimiter, StoreLimits, StoreLimitsBuilder};

/// The memory of all guests.
#[derive(Debug)]
pub struct AllMemory {
    limit: u64,
    taken: AtomicU64,
    /// The same, for metrics.
    gauge: Gauge,
}

impl AllMemory {
    pub fn new(limit: u64, gauge: Gauge) -> Arc<Self> {
        Arc::new(Self { limit, taken: AtomicU64::new(0), gauge })
    }

    fn take(&self, bytes: u64) -> bool {
        let fits = |taken: u64| taken.checked_add(bytes).filter(|sum| *sum <= self.limit);
        let taken = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok();
        if taken {
            self.gauge.inc_by(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
        taken
    }

    fn give_back(&self, bytes: u64) {
        self.taken.fetch_sub(bytes, Ordering::Relaxed);
        self.gauge.dec_by(i64::try_from(bytes).unwrap_or(i64::MAX));
    }
}

/// All guests together have what they may have; that is no fault of the one that asks.
#[derive(Debug, thiserror::Error)]
#[error("all instances together may take {limit} of memory (--all-guests-memory)", limit = crate::limits::units::Size(*.0))]
pub struct NoMemoryLeft(u64);

/// The bounds of one instance. What it took is given back with it.
pub struct GuestMemory {
    own: StoreLimits,
    all: Arc<AllMemory>,
    taken: u64,
}

impl GuestMemory {
    pub fn new(own: usize, all: Arc<AllMemory>) -> Self {
        let own = StoreLimitsBuilder::new()
            .memory_size(own)
            // A Rust guest would only abort; the trap says what happened.
            .trap_on_grow_failure(true)
            .build();
        Self { own, all, taken: 0 }
    }
}

impl Drop for GuestMemory {
    fn drop(&mut self) {
        self.all.give_back(self.taken);
    }
}

impl ResourceLimiter for GuestMemory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if !self.own.memory_growing(current, desired, maximum)? {
            return Ok(false);
        }
        let more = desired.saturating_sub(current) as u64;
        if !self.all.take(more) {
            return Err(wasmtime::Error::new(NoMemoryLeft(self.all.limit)));
        }
        self.taken += more;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.own.table_growing(current, desired, maximum)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.own.memory_grow_failed(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_guests_together_have_a_bound_and_give_back_what_they_took() {
        let all = AllMemory::new(100, Gauge::default());
        let (mut one, mut other) =
            (GuestMemory::new(80, all.clone()), GuestMemory::new(80, all.clone()));
        assert!(one.memory_growing(0, 60, None).unwrap());
        assert!(other.memory_growing(0, 40, None).unwrap());
        let error = other.memory_growing(40, 41, None).unwrap_err();
        assert!(error.is::<NoMemoryLeft>(), "{error}");
        assert_eq!(all.gauge.get(), 100);
        drop(one);
        assert!(other.memory_growing(40, 80, None).unwrap());
        assert!(!other.memory_growing(80, 81, None).is_ok_and(|grown| grown), "its own bound");
        drop(other);
        assert_eq!((all.gauge.get(), all.taken.load(Ordering::Relaxed)), (0, 0));
    }
}
