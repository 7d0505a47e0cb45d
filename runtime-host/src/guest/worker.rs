//! Instances at work: how many requests each takes, and when it is given up.
//!
//! wasmtime-wasi-http's `ProxyHandler` runs a task (a worker) per instance and
//! asks the types here.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Sleep;
use wasmtime::component::TaskGroupId;
use wasmtime::{Engine, Store, StoreContextMut};
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};

use crate::digest::Digest;
use crate::guest::health::Health;
use crate::guest::store::{CpuExhausted, Guest, Shared};

/// How much later a worker is ended from outside when its guest does not let it
/// see the time itself.
const GRACE: Duration = Duration::from_secs(1);
/// How long an instance waits for its next request. Making one takes
/// microseconds, so little is gained by keeping it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(1);

/// What `ProxyHandler` says of a worker whose task was dropped: when the host
/// ends, or panics, of which the panic's own message tells.
const DROPPED: &str = "worker panicked";

/// Makes instances of one component.
pub struct Workers {
    pub pre: ProxyPre<Guest>,
    pub engine: Engine,
    pub shared: Arc<Shared>,
    pub digest: Digest,
    pub health: Arc<Health>,
}

/// What comes with a request.
pub struct Ticket {
    /// Method and path, for the log.
    pub line: String,
    /// Told when the instance ends before it answers.
    pub failure: oneshot::Sender<Failure>,
    /// One of the server's requests; given back when the guest is done with it.
    pub permit: Arc<OwnedSemaphorePermit>,
}

/// Why an instance ended before it answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    TimedOut,
    CpuExhausted,
    Trapped,
    /// It could not be instantiated.
    NotStarted,
    /// It gave an error for an answer.
    NoAnswer,
}

impl Failure {
    /// In metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::TimedOut => "timeout",
            Self::CpuExhausted => "cpu",
            Self::Trapped => "trap",
            Self::NotStarted => "instantiation",
            Self::NoAnswer => "error",
        }
    }
}

impl HandlerState for Workers {
    type StoreData = Guest;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Guest, Expiration, Worker>> {
        let limits = &self.shared.limits;
        let mut store = Guest::store(&self.engine, &self.shared, self.digest);
        let instance = self.pre.instantiate_async(&mut store);
        let proxy = tokio::time::timeout(limits.request_timeout, instance).await??;
        // Before WASI 0.3 components were not made to be used twice.
        let (concurrent, reuse) = match self.pre {
            ProxyPre::P3(_) => (limits.requests_per_instance, limits.instance_reuse),
            ProxyPre::P2(_) => (1, 1),
        };
        let clock = Arc::new(Clock::new(limits.request_timeout, limits.response_timeout));
        Ok(Instance {
            store,
            proxy,
            view: |guest| guest.http(),
            expiration: Expiration {
                sleep: Box::pin(tokio::time::sleep(IDLE_TIMEOUT)),
                clock: clock.clone(),
            },
            state: Worker {
                concurrent: concurrent as usize,
                reuse: reuse as usize,
                clock,
                shared: self.shared.clone(),
                health: self.health.clone(),
                in_flight: Mutex::default(),
            },
        })
    }
}

/// What the two halves of a worker know of its time.
struct Clock {
    request_timeout: Duration,
    response_timeout: Duration,
    /// A request was answered for the guest, which still works on it.
    gave_up: AtomicBool,
    /// The whole worker was ended.
    expired: AtomicBool,
}

impl Clock {
    fn new(request_timeout: Duration, response_timeout: Duration) -> Self {
        let (gave_up, expired) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { request_timeout, response_timeout, gave_up, expired }
    }
}

/// Ends a worker from outside, whatever its guest does.
pub struct Expiration {
    sleep: Pin<Box<Sleep>>,
    clock: Arc<Clock>,
}

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        status: WorkerStatus,
        start: Instant,
    ) -> Poll<()> {
        let limit = match status {
            WorkerStatus::Idle => IDLE_TIMEOUT,
            WorkerStatus::Requests => self.clock.request_timeout + GRACE,
            WorkerStatus::PostReturn if self.clock.gave_up.load(Ordering::Relaxed) => GRACE,
            WorkerStatus::PostReturn => self.clock.response_timeout,
        };
        let deadline = (start + limit).into();
        if self.sleep.deadline() != deadline {
            self.sleep.as_mut().reset(deadline);
        }
        let expired = self.sleep.as_mut().poll(cx);
        if expired.is_ready() && status != WorkerStatus::Idle {
            self.clock.expired.store(true, Ordering::Relaxed);
        }
        expired
    }
}

/// One instance's worker.
pub struct Worker {
    concurrent: usize,
    reuse: usize,
    clock: Arc<Clock>,
    shared: Arc<Shared>,
    health: Arc<Health>,
    in_flight: Mutex<Vec<(String, oneshot::Sender<Failure>)>>,
}

impl WorkerState for Worker {
    type StoreData = Guest;
    type RequestData = Ticket;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= self.reuse {
            ShouldAccept::Never
        } else if concurrent >= self.concurrent {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        mut store: StoreContextMut<'_, Guest>,
        ticket: Ticket,
        _: TaskGroupId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        store.data_mut().begin_request();
        let mut in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever got an answer listens no more.
        in_flight.retain(|(_, failure)| !failure.is_closed());
        in_flight.push((ticket.line, ticket.failure));
        let (clock, permit) = (self.clock.clone(), ticket.permit);
        Box::pin(async move {
            // This future is dropped when the guest has answered, and so is the permit.
            let _permit = permit;
            tokio::time::sleep(clock.request_timeout).await;
            clock.gave_up.store(true, Ordering::Relaxed);
        })
    }

    fn drop(&self, store: Store<Guest>, result: Result<(), wasmtime::Error>) {
        drop(store);
        let Err(error) = result else { return };
        let failure = if self.clock.expired.load(Ordering::Relaxed) {
            Failure::TimedOut
        } else if error.is::<CpuExhausted>() {
            Failure::CpuExhausted
        } else {
            Failure::Trapped
        };
        let mut in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        in_flight.retain(|(_, failure)| !failure.is_closed());
        let lines: Vec<&str> = in_flight.iter().map(|(line, _)| line.as_str()).collect();
        let requests = lines.join(", ");
        match failure {
            // Its requests were given up before, or the host is ending.
            Failure::TimedOut if lines.is_empty() => tracing::debug!("{error:#}"),
            Failure::Trapped if lines.is_empty() && error.to_string() == DROPPED => {}
            _ if lines.is_empty() => {
                self.health.fail();
                self.shared.metrics.failed(failure);
                tracing::error!("after its answers, the component failed: {}", error.root_cause());
            }
            Failure::TimedOut => {
                tracing::error!("{requests}: the component did not answer in time");
            }
            Failure::CpuExhausted => tracing::error!("{requests}: {}", error.root_cause()),
            _ => {
                tracing::error!("{requests}: the component trapped: {}", error.root_cause());
                tracing::debug!("{error:?}");
            }
        }
        for (_, sender) in in_flight.drain(..) {
            // A client that has gone meanwhile needs no answer.
            let _ = sender.send(failure);
        }
    }
}
