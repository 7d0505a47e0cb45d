//! Statements on their way, and how they end.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::bindings::Error;
use crate::errors;
use crate::functions::Effects;
use crate::pool::Lease;

/// A statement on its way. Dropped before [`InFlight::finish`] (the request was
/// given up, the rest of the rows is unwanted), it has the server cancel the
/// statement and keeps the connection from being used again.
pub struct InFlight {
    session: Option<Lease>,
}

impl InFlight {
    pub fn new(session: &Lease, effects: Effects) -> Self {
        session.tainted.fetch_or(effects.lasting, Ordering::Relaxed);
        session.forbids_writes.fetch_or(effects.forbids_writes, Ordering::Relaxed);
        session.in_transaction.fetch_or(effects.begins_transaction, Ordering::Relaxed);
        Self { session: Some(session.clone()) }
    }

    /// How long the server may say nothing.
    pub fn timeout(&self) -> Duration {
        self.session.as_ref().map_or(Duration::MAX, |session| session.manager.silence)
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
    pub fn silent(self) -> Error {
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
        session.abandoned.store(true, Ordering::Relaxed);
        if session.client.is_closed() {
            return;
        }
        let (token, manager) = (session.client.cancel_token(), session.manager.clone());
        // Without a runtime the process is ending, and the connection with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { manager.target.cancel(token).await });
        }
    }
}
