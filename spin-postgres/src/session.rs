//! One pooled connection, and what has to be known before the next borrower
//! gets it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use futures::TryStreamExt as _;
use tokio_postgres::error::SqlState;
use tokio_postgres::{RowStream, Statement};

use crate::bindings::{Error, ParameterValue};
use crate::pool::{Lease, Manager};
use crate::reply::Reply;
use crate::{errors, params};

/// Takes a session back to how it was after the connection was made, except
/// for its prepared statements. `ROLLBACK` first: outside of a transaction it
/// only warns.
const RESET: &str = "ROLLBACK; CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; \
    UNLISTEN *; SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES";

/// Statements kept prepared on one connection. A component has dozens; one that
/// writes values into its SQL would otherwise fill the server's memory.
const MAX_STATEMENTS: usize = 256;

/// How a server says that it is about to leave, or is not there yet.
const GONE: [SqlState; 4] = [
    SqlState::ADMIN_SHUTDOWN,
    SqlState::CRASH_SHUTDOWN,
    SqlState::CANNOT_CONNECT_NOW,
    SqlState::DATABASE_DROPPED,
];

pub struct Session {
    client: ClientWrapper,
    /// Something may have changed that outlives a statement: reset before reuse.
    tainted: AtomicBool,
    /// A statement was given up halfway: not to be used again.
    abandoned: AtomicBool,
    /// The server is gone, frozen or no primary any more: not to be used again.
    failed: AtomicBool,
    /// The manager's doubts when the connection was made.
    doubts: u64,
    manager: Arc<Manager>,
}

impl Session {
    pub fn new(client: ClientWrapper, doubts: u64, manager: Arc<Manager>) -> Self {
        let (tainted, abandoned, failed) = (false.into(), false.into(), false.into());
        Self { client, tainted, abandoned, failed, doubts, manager }
    }

    /// Makes the session fit for its next borrower; an error replaces it.
    /// A session that ran only plain statements needs no round trip.
    pub async fn recycle(&mut self) -> Result<(), &'static str> {
        if *self.abandoned.get_mut() {
            return Err("a statement was given up halfway");
        }
        if *self.failed.get_mut() || self.doubts != self.manager.doubts() {
            return Err("its server failed this connection or another");
        }
        if self.client.is_closed() {
            return Err("the connection is closed");
        }
        if std::mem::take(self.tainted.get_mut()) {
            self.client.batch_execute(RESET).await.map_err(|_| "the session could not be reset")?;
        }
        if self.client.statement_cache.size() > MAX_STATEMENTS {
            self.client.statement_cache.clear();
        }
        Ok(())
    }

    /// What an error says of the server. One that shuts down, or that takes no
    /// writes any more, has failed all of its connections.
    fn judge(&self, error: &tokio_postgres::Error) {
        let gone = match error.code() {
            None => self.client.is_closed(),
            Some(code) if *code == SqlState::READ_ONLY_SQL_TRANSACTION => {
                // Unless the component itself asked for a transaction without writes.
                !self.tainted.load(Ordering::Relaxed) && self.manager.target.is_for_writing()
            }
            Some(code) => GONE.contains(code),
        };
        if gone {
            self.failed.store(true, Ordering::Relaxed);
            self.manager.doubt();
        }
    }
}

/// Runs a statement; the rows come as they are read. One round trip once it is
/// prepared. A statement that the server no longer accepts (a migration changed
/// its table, a pooler between lost it) is prepared anew and tried once more:
/// the server refused it before running it.
pub async fn query(session: &Lease, sql: &str, values: &[ParameterValue]) -> Result<Reply, Error> {
    let in_flight = InFlight::new(session, sql);
    let answer = tokio::time::timeout(in_flight.timeout(), begin(session, sql, values)).await;
    match answer {
        Ok(Ok((statement, rows))) => Ok(Reply::new(statement, rows, in_flight)),
        Ok(Err(Refused::Server(error))) => Err(in_flight.failed(&error)),
        Ok(Err(Refused::Parameter(error))) => {
            in_flight.finish();
            Err(error)
        }
        Err(_) => Err(in_flight.silent()),
    }
}

async fn begin(
    session: &Lease,
    sql: &str,
    values: &[ParameterValue],
) -> Result<(Statement, RowStream), Refused> {
    let result = try_query(session, sql, values).await;
    if let Err(Refused::Server(error)) = &result
        && is_stale(error)
    {
        session.client.statement_cache.remove(sql, &[]);
        return try_query(session, sql, values).await;
    }
    result
}

/// Runs a statement and counts the rows that it changed or found.
pub async fn execute(session: &Lease, sql: &str, values: &[ParameterValue]) -> Result<u64, Error> {
    let mut reply = query(session, sql, values).await?;
    while reply.try_next().await?.is_some() {}
    Ok(reply.rows_affected())
}

enum Refused {
    Server(tokio_postgres::Error),
    Parameter(Error),
}

async fn try_query(
    session: &Lease,
    sql: &str,
    values: &[ParameterValue],
) -> Result<(Statement, RowStream), Refused> {
    let statement = session.client.prepare_cached(sql).await.map_err(Refused::Server)?;
    let encoded = params::encode_all(&statement, values).map_err(Refused::Parameter)?;
    let rows = session.client.query_raw(&statement, encoded).await.map_err(Refused::Server)?;
    Ok((statement, rows))
}

fn is_stale(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|error| {
        *error.code() == SqlState::INVALID_SQL_STATEMENT_NAME
            || (*error.code() == SqlState::FEATURE_NOT_SUPPORTED
                && error.message().starts_with("cached plan must not change"))
    })
}

/// A statement on its way. Dropped before [`InFlight::finish`] (the request was
/// given up, the rest of the rows is unwanted), it has the server cancel the
/// statement and keeps the connection from being used again.
pub struct InFlight {
    session: Option<Lease>,
}

impl InFlight {
    fn new(session: &Lease, sql: &str) -> Self {
        if outlives_statement(sql) {
            session.tainted.store(true, Ordering::Relaxed);
        }
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

    /// The server has said nothing for too long: whether it will do the
    /// statement is unknown, and it is not asked again.
    pub fn silent(self) -> Error {
        if let Some(session) = &self.session {
            session.manager.doubt();
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

/// Whether a statement can leave something behind in its session: anything but
/// a plain query, and the two functions by which a plain query can.
fn outlives_statement(sql: &str) -> bool {
    const PLAIN: [&str; 7] = ["select", "insert", "update", "delete", "with", "values", "merge"];
    const LEAVE_TRACES: [&str; 2] = ["set_config", "advisory"];

    let rest = skip_comments(sql);
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let plain = PLAIN.iter().any(|word| rest[..end].eq_ignore_ascii_case(word));
    !plain || LEAVE_TRACES.iter().any(|word| contains_ignoring_case(rest, word))
}

fn contains_ignoring_case(text: &str, word: &str) -> bool {
    text.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

fn skip_comments(mut sql: &str) -> &str {
    loop {
        sql = sql.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
        if let Some(rest) = sql.strip_prefix("--") {
            sql = rest.split_once('\n').map_or("", |(_, rest)| rest);
        } else if sql.starts_with("/*") {
            // Comments nest in PostgreSQL; on an odd one the session is reset, which is safe.
            sql = sql.split_once("*/").map_or("", |(_, rest)| rest);
        } else {
            return sql;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::outlives_statement;

    #[test]
    fn plain_statements_leave_nothing_behind() {
        for sql in [
            "SELECT 1",
            "  -- a comment\n select * from t",
            "/* a */ (SELECT 1) UNION (SELECT 2)",
            "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
            "insert into t values ('begin')",
            "Update t SET a = 1",
        ] {
            assert!(!outlives_statement(sql), "{sql}");
        }
    }

    #[test]
    fn everything_else_has_the_session_reset() {
        for sql in [
            "BEGIN",
            "/* x */ start transaction",
            "SET statement_timeout = 1",
            "SELECT set_config('a.b', 'c', false)",
            "SELECT PG_ADVISORY_LOCK(1)",
            "LISTEN x",
            "PREPARE p AS SELECT 1",
            "",
            "/* a /* nested */ BEGIN",
            "selected",
        ] {
            assert!(outlives_statement(sql), "{sql}");
        }
    }
}
