//! Whether the runtime that serves makes progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const BEAT: Duration = Duration::from_secs(1);

/// When a task of the runtime last ran.
#[derive(Debug)]
pub struct Pulse {
    start: Instant,
    /// Milliseconds since `start`.
    last: AtomicU64,
}

impl Pulse {
    /// Beats until nobody else looks any more.
    pub fn start() -> Arc<Self> {
        let pulse = Arc::new(Self { start: Instant::now(), last: AtomicU64::new(0) });
        let beating = Arc::downgrade(&pulse);
        tokio::spawn(async move {
            while let Some(pulse) = beating.upgrade() {
                pulse.last.store(pulse.now(), Ordering::Relaxed);
                drop(pulse);
                tokio::time::sleep(BEAT).await;
            }
        });
        pulse
    }

    /// How long ago that was.
    pub fn age(&self) -> Duration {
        Duration::from_millis(self.now().saturating_sub(self.last.load(Ordering::Relaxed)))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
