//! A connection as refinery wants one, for migrations with a transaction and for those without.

use refinery_core::Migration;
use refinery_core::traits::r#async::{AsyncMigrate, AsyncQuery, AsyncTransaction};
use tokio_postgres::{Client, Error};

/// The first line of a file whose statements cannot run in a transaction, such as
/// `CREATE INDEX CONCURRENTLY`. Whatever stops them half-way, they are all run again, so that such a
/// file begins by dropping what it makes.
const ALONE: &str = "-- no transaction";

pub struct Session(Client);

impl Session {
    pub fn of(client: Client) -> Self {
        Self(client)
    }
}

impl AsyncTransaction for Session {
    type Error = Error;

    async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(
        &'a mut self,
        queries: T,
    ) -> Result<usize, Error> {
        let mut queries = queries.peekable();
        if let Some(migration) = queries.next_if(|query| query.starts_with(ALONE)) {
            for statement in statements(migration) {
                self.0.batch_execute(statement).await?;
            }
        }
        AsyncTransaction::execute(&mut self.0, queries).await
    }
}

impl AsyncQuery<Vec<Migration>> for Session {
    async fn query<'a>(&'a mut self, query: &'a str) -> Result<Vec<Migration>, Error> {
        AsyncQuery::query(&mut self.0, query).await
    }
}

impl AsyncMigrate for Session {}

/// Each statement ends with a semicolon at the end of a line: several that are sent together are
/// one transaction.
fn statements(file: &str) -> impl Iterator<Item = &str> {
    let (mut start, mut end) = (0, 0);
    let mut all = Vec::new();
    for line in file.split_inclusive('\n') {
        end += line.len();
        // Whatever a line ends with, and be it blanks.
        if line.trim_end().ends_with(';') {
            all.push(&file[start..end]);
            start = end;
        }
    }
    all.push(&file[start..]);
    all.into_iter().filter(|statement| !statement.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_ends_at_the_end_of_a_line() {
        let file = "-- no transaction\nSELECT ';';\nSELECT\n1;\n\n";
        assert_eq!(
            statements(file).collect::<Vec<_>>(),
            ["-- no transaction\nSELECT ';';\n", "SELECT\n1;\n"]
        );
        for end in ["\r\n", " \n", ""] {
            let file = format!("SELECT 1;\r\nSELECT ';'\n, 2;{end}");
            let last = format!("SELECT ';'\n, 2;{end}");
            assert_eq!(statements(&file).collect::<Vec<_>>(), ["SELECT 1;\r\n", last.as_str()]);
        }
    }
}
