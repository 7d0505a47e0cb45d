//! Statements on their way, and how they end.

use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};
use std::time::Duration;

use futures::future::{MaybeDone, maybe_done};

use crate::bindings::Error;
use crate::effects::Effects;
use crate::errors;
use crate::pool::Lease;

/// How long a statement that nobody waits for any more may take to end by itself. To cancel it costs
/// two new connections, one for the request and one instead of its own: where all is slow, because
/// the machine has too much to do, that would make it slower still.
const GRACE: Duration = Duration::from_secs(1);
/// The same once its rows have begun to come: there may be no end to them.
const GRACE_OF_ROWS: Duration = Duration::from_millis(100);

/// A statement on its way. Dropped before [`InFlight::finish`] (the request was
/// given up, the rest of the rows is unwanted), it has the server cancel the
/// statement, if that is not over soon, and keeps the connection from being used again.
pub struct InFlight {
    session: Option<Lease>,
    grace: Duration,
}

impl InFlight {
    pub fn new(session: &Lease, effects: Effects) -> Self {
        session.tainted.fetch_or(effects.lasting, Ordering::Relaxed);
        session.forbids_writes.fetch_or(effects.forbids_writes, Ordering::Relaxed);
        session.in_transaction.fetch_or(effects.begins_transaction, Ordering::Relaxed);
        // What was begun goes on until the end of the connection: a transaction holds its locks, and a
        // pooler's server is described in one that the component knows nothing of.
        let begun = session.pooled || session.in_transaction.load(Ordering::Relaxed);
        let grace = if begun { Duration::ZERO } else { GRACE };
        Self { session: Some(session.clone()), grace }
    }

    /// How long the server may say nothing.
    pub fn timeout(&self) -> Duration {
        self.session.as_ref().map_or(Duration::MAX, |session| session.manager.silence)
    }

    /// Its rows have begun to come.
    pub fn answers(&mut self) {
        self.grace = self.grace.min(GRACE_OF_ROWS);
    }

    pub fn finish(mut self) {
        self.session = None;
    }

    /// The server refused the statement, or the connection is lost.
    pub fn failed(self, error: &tokio_postgres::Error) -> Error {
        if let Some(session) = &self.session {
            session.judge(error);
        }
        self.finish();
        errors::query(error)
    }

    /// The server has said nothing for too long: whether it will do the statement is unknown, and
    /// it is not asked again. If it answers nobody else either, the other connections are given
    /// up as well; one slow statement costs one connection.
    pub fn silent(mut self) -> Error {
        self.grace = Duration::ZERO;
        if let (Some(session), Ok(runtime)) = (&self.session, tokio::runtime::Handle::try_current())
        {
            let manager = session.manager.clone();
            runtime.spawn(async move {
                if manager.target.connect().await.is_err() {
                    manager.doubt();
                }
            });
        }
        let limit = self.timeout();
        Error::ConnectionFailed(format!("the database said nothing for {limit:?}"))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else { return };
        session.abandoned.fetch_add(1, Ordering::Relaxed);
        if session.client.is_closed() {
            return;
        }
        // Without a runtime the process is ending, and the connection with it.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        // Asked at once: what the component asks next stands behind it.
        let mut over = Box::pin(maybe_done(is_over(session.clone())));
        if !self.grace.is_zero() {
            let _ = over.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
        runtime.spawn(end(session, over, self.grace));
    }
}

/// Waits for the end of what was given up, and gives the connection back; or has the server cancel
/// it, and the connection goes.
async fn end(
    session: Lease,
    mut over: Pin<Box<MaybeDone<impl Future<Output = bool>>>>,
    grace: Duration,
) {
    if !grace.is_zero()
        && tokio::time::timeout(grace, over.as_mut()).await.is_ok()
        && over.as_mut().take_output() == Some(true)
    {
        session.abandoned.fetch_sub(1, Ordering::Relaxed);
        return;
    }
    if session.client.is_closed() {
        return;
    }
    let (token, manager) = (session.client.cancel_token(), session.manager.clone());
    drop((session, over));
    manager.target.cancel(token).await;
}

/// Whether the server answers an empty query, which it does after all that it was asked before.
async fn is_over(session: Lease) -> bool {
    session.client.batch_execute("").await.is_ok()
}
