//! What all connections have in common.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arc_swap::ArcSwapOption;
use tokio::sync::Semaphore;

use crate::guest::loaded::Loaded;
use crate::http::cors::Origins;
use crate::http::pulse::Pulse;
use crate::http::secret_path::SecretPaths;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::spin::routes::Routes;

/// What is served. `live` is swapped for a new version.
pub struct Server {
    pub live: ArcSwapOption<Loaded>,
    pub limits: Limits,
    pub routes: Arc<Routes>,
    /// Whose scripts may read the host's own answers.
    pub origins: Origins,
    pub secret_paths: SecretPaths,
    pub metrics: Arc<Metrics>,
    pub requests: Arc<Semaphore>,
    /// Those of them whose bodies are still coming.
    pub uploads: Arc<Semaphore>,
    /// One line a request in the log.
    pub access_log: bool,
    /// The end was asked for: not ready any more, though it still serves.
    pub stopping: AtomicBool,
    pub pulse: Arc<Pulse>,
}

impl Server {
    /// Without a component every request gets 503.
    pub fn new(
        limits: Limits,
        routes: Arc<Routes>,
        origins: Origins,
        secret_paths: SecretPaths,
        metrics: Arc<Metrics>,
        access_log: bool,
    ) -> Self {
        Self {
            live: ArcSwapOption::empty(),
            requests: Arc::new(Semaphore::new(limits.max_requests as usize)),
            uploads: Arc::new(Semaphore::new(limits.max_uploads())),
            limits,
            routes,
            origins,
            secret_paths,
            metrics,
            access_log,
            stopping: AtomicBool::new(false),
            pulse: Pulse::start(),
        }
    }
}
