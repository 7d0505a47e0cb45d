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

use crate::guest::{CpuExhausted, Guest, Shared};

/// Time until the head of a response: longer than a page may take, shorter than
/// what browsers and load balancers wait.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for the rest of a response, and for what a guest does after it.
const RESPONSE_TIMEOUT: Duration = Duration::from_mins(5);
/// How much later a worker is ended from outside when its guest does not let it
/// see the time itself.
const GRACE: Duration = Duration::from_secs(1);
/// How long an instance waits for its next request. Making one takes
/// microseconds, so little is gained by keeping it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(1);

/// Requests in one instance at the same time. More are faster, by a fifth at
/// 8; but all of them are lost when one traps.
const MAX_CONCURRENT: usize = 8;
/// Requests in one instance altogether, which bounds what a leak can gather.
const MAX_REUSE: usize = 128;

/// What `ProxyHandler` says of a worker whose task was dropped: when the host
/// ends, or panics, of which the panic's own message tells.
const DROPPED: &str = "worker panicked";

/// Makes instances of one component.
pub struct Workers {
    pub pre: ProxyPre<Guest>,
    pub engine: Engine,
    pub shared: Arc<Shared>,
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
}

impl HandlerState for Workers {
    type StoreData = Guest;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Guest, Expiration, Worker>> {
        let mut store = Guest::store(&self.engine, &self.shared);
        let proxy = self.pre.instantiate_async(&mut store).await?;
        // Before WASI 0.3 components were not made to be used twice.
        let (concurrent, reuse) = match self.pre {
            ProxyPre::P3(_) => (MAX_CONCURRENT, MAX_REUSE),
            ProxyPre::P2(_) => (1, 1),
        };
        let clock = Arc::new(Clock::default());
        Ok(Instance {
            store,
            proxy,
            view: |guest| guest.http(),
            expiration: Expiration {
                sleep: Box::pin(tokio::time::sleep(IDLE_TIMEOUT)),
                clock: clock.clone(),
            },
            state: Worker { concurrent, reuse, clock, in_flight: Mutex::default() },
        })
    }
}

/// What the two halves of a worker know of its time.
#[derive(Default)]
struct Clock {
    /// A request was answered for the guest, which still works on it.
    gave_up: AtomicBool,
    /// The whole worker was ended.
    expired: AtomicBool,
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
            WorkerStatus::Requests => REQUEST_TIMEOUT + GRACE,
            WorkerStatus::PostReturn if self.clock.gave_up.load(Ordering::Relaxed) => GRACE,
            WorkerStatus::PostReturn => RESPONSE_TIMEOUT,
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
            tokio::time::sleep(REQUEST_TIMEOUT).await;
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
                tracing::error!("after its answers, the component failed: {}", error.root_cause());
            }
            Failure::TimedOut => {
                tracing::error!("{requests}: the component did not answer in time");
            }
            Failure::CpuExhausted => tracing::error!("{requests}: {CpuExhausted}"),
            Failure::Trapped => {
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
