//! From tokio-postgres's errors to the interface's. No error ever carries the
//! address, since it holds the password.

use tokio_postgres::error::DbError;

use crate::bindings::{self, Error, QueryError};
use crate::connect::with_sources;

/// A failure of a statement. A lost connection is a `connection-failed`, so
/// that a guest can answer 503 to it; what the server said is a `db-error`.
pub fn query(error: &tokio_postgres::Error) -> Error {
    match error.as_db_error() {
        Some(db_error) => Error::QueryFailed(QueryError::DbError(describe(db_error))),
        None if was_not_sent(error) => Error::QueryFailed(QueryError::Text(with_sources(error))),
        None => Error::ConnectionFailed(with_sources(error)),
    }
}

/// No message has room for it: a text with a zero byte in it, or one that is too long.
fn was_not_sent(error: &tokio_postgres::Error) -> bool {
    let source = std::error::Error::source(error);
    let source = source.and_then(|source| source.downcast_ref::<std::io::Error>());
    source.is_some_and(|error| error.kind() == std::io::ErrorKind::InvalidInput)
}

fn describe(error: &DbError) -> bindings::DbError {
    let extras = [
        ("hint", error.hint()),
        ("schema", error.schema()),
        ("table", error.table()),
        ("column", error.column()),
        ("datatype", error.datatype()),
        ("constraint", error.constraint()),
        ("where_", error.where_()),
        ("file", error.file()),
        ("routine", error.routine()),
    ];
    let mut extras: Vec<_> = extras
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    if let Some(line) = error.line() {
        extras.push(("line".into(), line.to_string()));
    }
    bindings::DbError {
        as_text: error.to_string(),
        severity: error.severity().to_owned(),
        code: error.code().code().to_owned(),
        message: error.message().to_owned(),
        detail: error.detail().map(str::to_owned),
        extras,
    }
}
