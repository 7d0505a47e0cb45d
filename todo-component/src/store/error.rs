//! What can go wrong on the way to the database and back.

use spin_sdk::pg::{PgError, QueryError};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing was changed.
    #[error("no database: {0}")]
    Unavailable(String),
    #[error("there is no such list")]
    NoSuchList,
    /// Another list has the key, or another todo. Nothing was changed.
    #[error("something else has this key")]
    Taken,
    /// A statement was sent, and what became of it is unknown.
    #[error("no answer from the database: {0}")]
    Unanswered(String),
    #[error(
        "the database lacks what the component asks for: apply its migrations with `runtime-host migrate`"
    )]
    NotMigrated,
    #[error("cannot read the variable database_url: {0}")]
    Variable(String),
    #[error("the database refused a statement: {0}")]
    Query(String),
    #[error("the database gave an answer of another shape: {0}")]
    Answer(String),
}

impl Error {
    /// Whether the same may succeed a moment later, or on another server.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Unanswered(_))
    }

    /// The same for a step that changes nothing, whatever became of it.
    #[must_use]
    pub fn changing_nothing(self) -> Self {
        match self {
            Self::Unanswered(text) => Self::Unavailable(text),
            error => error,
        }
    }
}

impl From<PgError> for Error {
    fn from(error: PgError) -> Self {
        match error {
            PgError::QueryFailed(QueryError::DbError(error)) => {
                from_code(&error.code, error.as_text)
            }
            // An error without a code did not come from the server.
            PgError::ConnectionFailed(text) | PgError::QueryFailed(QueryError::Text(text)) => {
                Self::Unanswered(text)
            }
            PgError::BadParameter(text)
            | PgError::ValueConversionFailed(text)
            | PgError::Other(text) => Self::Query(text),
        }
    }
}

fn from_code(code: &str, text: String) -> Error {
    match code {
        // No such table, column or function.
        "42P01" | "42703" | "42883" => Error::NotMigrated,
        // Two rows of one key: a list's, or that of a todo which is restored while its key makes another.
        "23505" => Error::Taken,
        // A standby that cannot write, a conflict, too many clients, a
        // cancelled statement: rolled back, and all pass by themselves.
        "25006" | "40001" | "40P01" | "53300" | "57014" => Error::Unavailable(text),
        // A shutdown or a crash, which may come just after the commit.
        code if code.starts_with("08") || code.starts_with("57") => Error::Unanswered(text),
        _ => Error::Query(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_certainly_rolled_back_counts_as_unchanged() {
        for code in ["25006", "40001", "53300", "57014"] {
            assert!(matches!(from_code(code, String::new()), Error::Unavailable(_)), "{code}");
        }
        for code in ["08006", "57P01", "57P02", "57P03"] {
            assert!(matches!(from_code(code, String::new()), Error::Unanswered(_)), "{code}");
        }
        assert!(!from_code("23514", String::new()).passes());
    }
}
