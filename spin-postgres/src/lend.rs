//! How a borrower comes by a connection of a pool: the first that is given back or made.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use deadpool::Status;
use deadpool::managed::{
    self, Metrics, Object, PoolError, RecycleError, RecycleResult, TimeoutType, Timeouts,
};
use deadpool_postgres::ClientWrapper;
use tokio::sync::OwnedSemaphorePermit;

use crate::address::CONNECT_TIMEOUT;
use crate::connect::NoConnection;
use crate::manager::Manager;
use crate::pooler;
use crate::session::Session;

/// How long a component waits for a free connection before it gets an error. On a machine that is too
/// busy for some seconds, a queue that moves is better than an error.
/// Those who wait are bounded by the server's limit of requests.
pub const WAIT_TIMEOUT: Duration = Duration::from_secs(10);

tokio::task_local! {
    /// Held by whoever logs in.
    static TURN: OwnedSemaphorePermit;
}

/// Why there is no new connection.
#[derive(Debug, thiserror::Error)]
pub enum NotMade {
    #[error("it is the turn of others")]
    OutOfTurn,
    #[error(transparent)]
    Failed(#[from] NoConnection),
}

/// How a borrower comes by a connection.
enum Way {
    /// All that there may be are open: he waits for one of them.
    Queue,
    /// One is free.
    Free,
    /// He makes another.
    Login(OwnedSemaphorePermit),
}

/// A connection of the pool: the first that is given back or made. When its borrower goes before it is
/// made, it is made all the same, for whoever comes next: on a machine that is too busy nothing would
/// ever be done otherwise. Who waits for one of others has his place in the queue no longer than he
/// waits.
pub async fn lend(
    pool: managed::Pool<PoolManager>,
) -> Result<Object<PoolManager>, PoolError<NotMade>> {
    let end = tokio::time::Instant::now() + WAIT_TIMEOUT;
    loop {
        let way = tokio::time::timeout_at(end, way(&pool)).await;
        let lent = match way.map_err(|_| PoolError::Timeout(TimeoutType::Wait))? {
            Way::Queue => {
                // Waiting for a way and for one of others is one wait.
                let left = end.saturating_duration_since(tokio::time::Instant::now());
                pool.timeout_get(&Timeouts { wait: Some(left), ..pool.timeouts() }).await
            }
            Way::Free => {
                let pool = pool.clone();
                to_its_end(async move { pool.get().await }).await
            }
            Way::Login(turn) => {
                return to_its_end(async move { TURN.scope(turn, pool.get()).await }).await;
            }
        };
        if !matches!(lent, Err(PoolError::Backend(NotMade::OutOfTurn))) {
            return lent;
        }
        // Somebody else was faster, or what was there was of no use any more.
        tokio::task::yield_now().await;
    }
}

/// Waits until there is a way.
async fn way(pool: &managed::Pool<PoolManager>) -> Way {
    let manager = &pool.manager().0;
    loop {
        let Status { size, max_size, available, waiting } = pool.status();
        if size >= max_size {
            return Way::Queue;
        }
        // Whoever logs in counts as a user of deadpool's, but has none of those that are open.
        if available + manager.logins.under_way() > waiting {
            return Way::Free;
        }
        tokio::select! {
            biased;
            () = manager.given_back.notified() => {}
            turn = manager.logins.turn() => return Way::Login(turn),
        }
    }
}

/// Does something also when nobody waits for it any more.
pub async fn to_its_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let mut work = Box::pin(work);
    // Most often it is done at once.
    if let Poll::Ready(done) = futures::poll!(&mut work) {
        return done;
    }
    let done = tokio::spawn(work).await;
    done.unwrap_or_else(|ended| std::panic::resume_unwind(ended.into_panic()))
}

/// [`Manager`] as deadpool wants it.
pub struct PoolManager(pub Arc<Manager>);

impl managed::Manager for PoolManager {
    type Type = Session;
    type Error = NotMade;

    async fn create(&self) -> Result<Session, NotMade> {
        if TURN.try_with(|_| ()).is_err() {
            return Err(NotMade::OutOfTurn);
        }
        let doubts = self.0.doubts();
        let (client, task) = self.0.connect().await?;
        let pooled = tokio::time::timeout(CONNECT_TIMEOUT, pooler::is_between(&client)).await;
        let pooled = pooled.map_err(|error| NoConnection::after(&error))?;
        let pooled = pooled.map_err(|error| NoConnection::after(&error))?;
        self.0.tally.created.fetch_add(1, Ordering::Relaxed);
        Ok(Session::new(ClientWrapper::new(client, task), pooled, doubts, self.0.clone()))
    }

    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<NotMade> {
        session.recycle().await.map_err(|reason| {
            tracing::debug!(reason, "a database connection is replaced");
            RecycleError::message(reason)
        })
    }
}
