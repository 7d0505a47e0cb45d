//! One pooled connection, and what has to be known before the next borrower
//! gets it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use deadpool_postgres::ClientWrapper;
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::error::SqlState;

use crate::by_statement::MAX_STATEMENTS;
use crate::manager::Manager;

/// Takes a session back to how it was after the connection was made, except
/// for its prepared statements. `ROLLBACK` first: outside of a transaction it
/// only warns. Whoever set the seed of `random()` would know what the next one draws. Last, it says
/// how to forget the statements that SQL prepared: the driver's own stay.
const RESET: &str = "ROLLBACK; CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; \
    UNLISTEN *; SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES; \
    SELECT setseed(hashtext(gen_random_uuid()::text) / 2147483648.0); \
    SELECT 'DEALLOCATE ' || quote_ident(name) FROM pg_catalog.pg_prepared_statements \
    WHERE from_sql";

/// How a server says that it is about to leave, or is not there yet.
const GONE: [SqlState; 4] = [
    SqlState::ADMIN_SHUTDOWN,
    SqlState::CRASH_SHUTDOWN,
    SqlState::CANNOT_CONNECT_NOW,
    SqlState::DATABASE_DROPPED,
];

pub struct Session {
    pub client: ClientWrapper,
    /// Something may have changed that outlives a statement: reset before reuse.
    pub tainted: AtomicBool,
    /// The component began a transaction of its own. A statement that was prepared before it may
    /// be out of date, which would end the transaction: each is prepared in it.
    pub in_transaction: AtomicBool,
    /// The component may itself have asked for a session or a transaction without writes.
    pub forbids_writes: AtomicBool,
    /// A pooler stands between: no statement is run by a name.
    pub pooled: bool,
    /// Statements that were given up and may still run: not to be used again.
    pub abandoned: AtomicUsize,
    /// The server is gone, frozen or no primary any more: not to be used again.
    failed: AtomicBool,
    /// The manager's doubts when the connection was made.
    doubts: u64,
    pub manager: Arc<Manager>,
}

impl Session {
    pub fn new(client: ClientWrapper, pooled: bool, doubts: u64, manager: Arc<Manager>) -> Self {
        let new = || AtomicBool::new(false);
        Self {
            client,
            tainted: new(),
            in_transaction: new(),
            forbids_writes: new(),
            pooled,
            abandoned: AtomicUsize::new(0),
            failed: new(),
            doubts,
            manager,
        }
    }

    /// Whether its borrower may have left something in it that waits for nobody: locks, a
    /// transaction, a statement that still runs.
    pub fn is_unclean(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed) > 0
            || [&self.tainted, &self.failed].iter().any(|flag| flag.load(Ordering::Relaxed))
    }

    /// Makes the session fit for its next borrower; an error replaces it.
    /// A session that ran only plain statements needs no round trip.
    pub async fn recycle(&mut self) -> Result<(), &'static str> {
        if *self.abandoned.get_mut() > 0 {
            return Err("a statement was given up halfway");
        }
        if *self.failed.get_mut() || self.doubts != self.manager.doubts() {
            return Err("its server failed this connection or another");
        }
        if self.client.is_closed() {
            return Err("the connection is closed");
        }
        *self.in_transaction.get_mut() = false;
        *self.forbids_writes.get_mut() = false;
        if std::mem::take(self.tainted.get_mut()) {
            // Behind a pooler, all that is the connection's own is its transaction.
            self.manager.tally.cleaned.fetch_add(1, Ordering::Relaxed);
            self.reset().await.map_err(|_| "the session could not be reset")?;
        }
        if self.client.statement_cache.size() > MAX_STATEMENTS {
            self.client.statement_cache.clear();
        }
        Ok(())
    }

    async fn reset(&self) -> Result<(), tokio_postgres::Error> {
        let reset = if self.pooled { "ROLLBACK" } else { RESET };
        let said = self.client.simple_query(reset).await?;
        let left = said.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).filter(|text| !text.is_empty()),
            _ => None,
        });
        let left = left.collect::<Vec<_>>().join("; ");
        if left.is_empty() { Ok(()) } else { self.client.batch_execute(&left).await }
    }

    /// What an error says of the server. One that shuts down, or that takes no
    /// writes any more, has failed all of its connections.
    pub fn judge(&self, error: &tokio_postgres::Error) {
        let gone = match error.code() {
            None => self.client.is_closed(),
            Some(code) if *code == SqlState::READ_ONLY_SQL_TRANSACTION => {
                // Unless the component itself asked for a transaction without writes.
                !self.forbids_writes.load(Ordering::Relaxed) && self.manager.target.is_for_writing()
            }
            Some(code) => GONE.contains(code),
        };
        if gone {
            self.failed.store(true, Ordering::Relaxed);
            self.manager.doubt();
        }
    }
}
