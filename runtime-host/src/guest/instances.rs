//! Instances. Each takes one request at a time and runs in the task that asks, so that a
//! request is handed over to nobody; between two requests it waits here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use futures::future::{self, poll_fn};
use http::{Request, Response};
use parking_lot::Mutex;
use tempfile::TempDir;
use wasmtime::{AsContextMut as _, Engine, Store};
use wasmtime_wasi_http::handler::{Prepared, Proxy, ProxyPre};
use wasmtime_wasi_http::{WasiBody, WasiHttpView as _};

use crate::digest::Digest;
use crate::guest::failure::Failure;
use crate::guest::health::Health;
use crate::guest::line::Line;
use crate::guest::memory::NoMemoryLeft;
use crate::guest::store::{Guest, Shared};
use crate::spin::application::Application;

/// How long an instance waits for its next request. Making one takes microseconds, so little is
/// gained by keeping it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(1);

/// All instances of one component.
pub struct Instances {
    pre: ProxyPre<Guest>,
    engine: Engine,
    pub shared: Arc<Shared>,
    digest: Digest,
    pub health: Arc<Health>,
    files: Option<TempDir>,
    application: Arc<dyn Application>,
    idle: Mutex<Idle>,
}

/// The instances that wait, the one that was used last at the end.
#[derive(Default)]
struct Idle {
    instances: Vec<(Instance, Instant)>,
    /// Somebody looks after them until none is left.
    is_watched: bool,
}

/// An instance and how many requests it has taken.
pub struct Instance {
    store: Store<Guest>,
    proxy: Proxy,
    requests: u32,
}

impl Instances {
    pub fn new(
        pre: ProxyPre<Guest>,
        engine: Engine,
        shared: Arc<Shared>,
        digest: Digest,
        health: Arc<Health>,
        files: Option<TempDir>,
        application: Arc<dyn Application>,
    ) -> Self {
        Self { pre, engine, shared, digest, health, files, application, idle: Mutex::default() }
    }

    pub fn take(&self) -> Option<Instance> {
        self.idle.lock().instances.pop().map(|(instance, _)| instance)
    }

    pub async fn instantiate(&self, line: &Line) -> Result<Instance, Failure> {
        let files = self.files.as_ref().map(TempDir::path);
        let (shared, application) = (&self.shared, &self.application);
        let mut store = match Guest::store(&self.engine, shared, self.digest, files, application) {
            Ok(store) => store,
            Err(error) => {
                tracing::error!("{line}: the component's files cannot be opened: {error:#}");
                return Err(Failure::NotStarted);
            }
        };
        let proxy = self.pre.instantiate_async(&mut store);
        let error = match tokio::time::timeout(self.shared.limits.request_timeout, proxy).await {
            Ok(Ok(proxy)) => return Ok(Instance { store, proxy, requests: 0 }),
            Ok(Err(error)) if error.is::<wasmtime::PoolConcurrencyLimitError>() => {
                return Err(Failure::NoRoom);
            }
            Ok(Err(error)) if error.is::<NoMemoryLeft>() => return Err(Failure::NoMemory),
            Ok(Err(error)) => error,
            Err(elapsed) => elapsed.into(),
        };
        tracing::error!("{line}: the component cannot be instantiated: {error:#}");
        Err(Failure::NotStarted)
    }

    /// Takes an instance back that has done its work.
    pub fn put(self: &Arc<Self>, instance: Instance) {
        // Before WASI 0.3 components were not made to be used twice.
        let reusable = matches!(self.pre, ProxyPre::P3(_));
        if !reusable || instance.requests >= self.shared.limits.instance_reuse {
            return;
        }
        let mut idle = self.idle.lock();
        idle.instances.push((instance, Instant::now()));
        if !std::mem::replace(&mut idle.is_watched, true) {
            self.clone().send_home();
        }
    }

    /// Drops what waits for too long, until nothing waits.
    fn send_home(self: Arc<Self>) {
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(IDLE_TIMEOUT).await;
                let mut idle = self.idle.lock();
                let waits = &mut idle.instances;
                let fresh = waits.partition_point(|(_, since)| since.elapsed() >= IDLE_TIMEOUT);
                let old: Vec<_> = waits.drain(..fresh).collect();
                let none_left = waits.is_empty();
                idle.is_watched = !none_left;
                drop(idle);
                drop(old);
                if none_left {
                    return;
                }
            }
        });
    }
}

impl Instance {
    /// Runs the guest until it has answered and has nothing more to do. The answer's body needs
    /// this to go on.
    pub async fn work(
        mut self,
        request: Request<WasiBody>,
        answer: oneshot::Sender<wasmtime::Result<Response<WasiBody>>>,
    ) -> (Self, wasmtime::Result<()>) {
        self.requests += 1;
        self.store.data_mut().begin(&request);
        let proxy = &self.proxy;
        let work = self.store.run_concurrent(async |accessor| {
            let prepared = accessor.with(|mut access| {
                let store = access.as_context_mut();
                Prepared::new(store, proxy, request, |guest: &mut Guest| guest.http(), answer)
            })?;
            // Its time is up when `Run` says so.
            prepared.run(accessor, future::pending()).await?;
            poll_fn(|cx| accessor.poll_no_interesting_tasks(cx)).await;
            wasmtime::error::Ok(())
        });
        let result = work.await.flatten();
        (self, result)
    }
}
