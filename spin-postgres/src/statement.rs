//! One statement of a component on its connection.

use std::sync::atomic::Ordering;

use futures::TryStreamExt as _;
use tokio_postgres::error::SqlState;
use tokio_postgres::{RowStream, Statement};

use crate::bindings::{Error, ParameterValue, QueryError};
use crate::effects::Effects;
use crate::in_flight::InFlight;
use crate::lend::to_its_end;
use crate::params;
use crate::pool::Lease;
use crate::reply::Reply;

/// The interface has no way for a copy's data, and the connection would wait for it.
const NO_COPY: &str = "COPY FROM STDIN and COPY TO STDOUT have no way for their data here: write \
    INSERT INTO … SELECT * FROM unnest($1, …), or SELECT";

/// Runs a statement; the rows come as they are read. One round trip once it is
/// prepared. A statement that the server no longer accepts (a migration changed
/// its table, a pooler between lost it) is prepared anew and tried once more:
/// the server refused it before running it.
pub async fn query(session: &Lease, sql: &str, values: &[ParameterValue]) -> Result<Reply, Error> {
    let known = &session.manager.effects;
    let effects = known.get(sql).unwrap_or_else(|| {
        let effects = Effects::of(sql);
        known.keep(sql, &effects);
        effects
    });
    let Some(effects) = effects else {
        return Err(Error::QueryFailed(QueryError::Text(NO_COPY.to_owned())));
    };
    let in_flight = InFlight::new(session, effects);
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

type Prepared = (Statement, Vec<params::Encoded>);

/// Prepares a statement, or takes it as it was prepared before. Values that do not fit the old one
/// may fit a new one: a migration may have changed a column's type.
async fn prepare(
    session: &Lease,
    sql: &str,
    values: &[ParameterValue],
) -> Result<Prepared, Refused> {
    let client = &session.client;
    if session.in_transaction.load(Ordering::Relaxed) {
        let statement = client.prepare(sql).await.map_err(Refused::Server)?;
        let encoded = params::encode_all(&statement, values).map_err(Refused::Parameter)?;
        return Ok((statement, encoded));
    }
    let statement = prepare_cached(session, sql).await?;
    if let Ok(encoded) = params::encode_all(&statement, values) {
        return Ok((statement, encoded));
    }
    client.statement_cache.remove(sql, &[]);
    let statement = prepare_cached(session, sql).await?;
    let encoded = params::encode_all(&statement, values).map_err(Refused::Parameter)?;
    Ok((statement, encoded))
}

/// To its end, once it is begun: the server would keep a statement that nobody here knows of.
async fn prepare_cached(session: &Lease, sql: &str) -> Result<Statement, Refused> {
    let (session, sql) = (session.clone(), sql.to_owned());
    let prepared = to_its_end(async move { session.client.prepare_cached(&sql).await });
    prepared.await.map_err(Refused::Server)
}

async fn try_query(
    session: &Lease,
    sql: &str,
    values: &[ParameterValue],
) -> Result<(Statement, RowStream), Refused> {
    if session.pooled {
        return try_unnamed(session, sql, values).await;
    }
    let (statement, encoded) = prepare(session, sql, values).await?;
    let rows = session.client.query_raw(&statement, encoded).await.map_err(Refused::Server)?;
    Ok((statement, rows))
}

/// Runs a statement that is prepared nowhere, and once more when what is known of its types may be
/// out of date.
async fn try_unnamed(
    session: &Lease,
    sql: &str,
    values: &[ParameterValue],
) -> Result<(Statement, RowStream), Refused> {
    let in_transaction = session.in_transaction.load(Ordering::Relaxed);
    let result = run_unnamed(session, sql, values, in_transaction).await;
    if let Err(refused) = &result
        && refused.is_of_types()
    {
        session.manager.described.forget(sql);
        if !in_transaction {
            return run_unnamed(session, sql, values, in_transaction).await;
        }
    }
    result
}

async fn run_unnamed(
    session: &Lease,
    sql: &str,
    values: &[ParameterValue],
    in_transaction: bool,
) -> Result<(Statement, RowStream), Refused> {
    let known = session.manager.described.get(&session.client, sql, in_transaction).await;
    let statement = known.map_err(Refused::Server)?;
    let encoded = params::encode_all(&statement, values).map_err(Refused::Parameter)?;
    let typed = encoded.into_iter().zip(statement.params().iter().cloned());
    let rows = session.client.query_typed_raw(sql, typed).await.map_err(Refused::Server)?;
    Ok((statement, rows))
}

impl Refused {
    /// The server did not run the statement, as it did not fit what it is about.
    fn is_of_types(&self) -> bool {
        match self {
            Self::Parameter(_) => true,
            Self::Server(error) => error.code().is_some_and(|code| code.code().starts_with("42")),
        }
    }
}

fn is_stale(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|error| {
        *error.code() == SqlState::INVALID_SQL_STATEMENT_NAME
            // A name that the component itself has given to one.
            || *error.code() == SqlState::DUPLICATE_PSTATEMENT
            || (*error.code() == SqlState::FEATURE_NOT_SUPPORTED
                && error.message().starts_with("cached plan must not change"))
    })
}
