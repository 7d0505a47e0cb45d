//! Waiting: for a condition, never for a time.

use std::time::{Duration, Instant};

/// After this a condition has failed. Generous, because nothing is measured by
/// it: a test that passes never waits for it.
pub const DEADLINE: Duration = Duration::from_secs(90);

const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Looks until there is something, and panics with `what` when there is not.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < end, "waited {DEADLINE:?} in vain until {what}");
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

/// As [`until`], for the thread of a fixture.
pub(crate) fn until_blocking<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE * 3; // the first start may download PostgreSQL
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < end, "waited {:?} in vain until {what}", DEADLINE * 3);
        std::thread::sleep(BETWEEN_LOOKS);
    }
}

/// Runs a future to its end on a thread of its own: for `Drop` and for what all
/// tests share, which must not depend on the runtime of one test.
pub(crate) fn on_a_thread<T: Send>(task: impl AsyncFnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("start a runtime").block_on(task())
        });
        thread.join().expect("the fixture's thread panicked, see above")
    })
}
