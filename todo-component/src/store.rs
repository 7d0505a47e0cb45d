//! The table `todoitem`. Each method is one statement and so one round trip,
//! and each answer one JSON value, which costs the guest one host call instead
//! of one a row.

use crate::todo::{Count, Cursor, Filter, Page, Title, Todo};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use spin_sdk::pg::{Connection, DbValue, ParameterValue, PgError, QueryError};
use spin_sdk::{pg, variables};

/// A row as the JSON that [`Todo`] is read from.
macro_rules! todo_json {
    () => {
        "json_build_object('id', id, 'title', task, 'completed', completed, \
         'order', position, 'version', version, \
         'created_at', to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), \
         'updated_at', to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'))"
    };
}

/// The rows after a cursor ($1, $2), at most $3 of them.
macro_rules! list_json {
    ($predicate:literal) => {
        concat!(
            "(SELECT coalesce(json_agg(",
            todo_json!(),
            " ORDER BY position, id), '[]') FROM (SELECT * FROM todoitem WHERE ",
            $predicate,
            " AND (position, id) > ($1::integer, $2::bigint)",
            " ORDER BY position, id LIMIT $3::bigint) AS page)"
        )
    };
}

/// The same with the counts. Counting stops one past what a page shows exactly.
macro_rules! page_json {
    ($predicate:literal) => {
        concat!(
            "SELECT json_build_object('todos', ",
            list_json!($predicate),
            ", 'active', (SELECT count(*) FROM (SELECT FROM todoitem WHERE NOT completed LIMIT $4::bigint) AS a)",
            ", 'completed', (SELECT count(*) FROM (SELECT FROM todoitem WHERE completed LIMIT $4::bigint) AS c)",
            ")::text"
        )
    };
}

// `true` cannot use a partial index and `completed = $n` could not either, so
// each filter is a statement of its own.
const LIST: [&str; 3] = [
    concat!("SELECT ", list_json!("true"), "::text"),
    concat!("SELECT ", list_json!("NOT completed"), "::text"),
    concat!("SELECT ", list_json!("completed"), "::text"),
];
const PAGE: [&str; 3] = [page_json!("true"), page_json!("NOT completed"), page_json!("completed")];

const GET: &str = concat!("SELECT ", todo_json!(), "::text FROM todoitem WHERE id = $1");

/// A key that is already there gives its row back, whatever else runs at the
/// same time; the update that does so changes nothing.
const CREATE: &str = concat!(
    "INSERT INTO todoitem (task, completed, position, idempotency_key, request_digest) ",
    "VALUES ($1::text, $2::boolean, ",
    "coalesce($3::integer, (SELECT max(position) FROM todoitem), 0), $4::text, ",
    "md5(row($1::text, $2::boolean, $3::integer)::text)) ",
    "ON CONFLICT (idempotency_key) DO UPDATE SET idempotency_key = excluded.idempotency_key ",
    "RETURNING json_build_object('todo', ",
    todo_json!(),
    ", 'replayed', xmax <> 0, ",
    "'same_request', request_digest = md5(row($1::text, $2::boolean, $3::integer)::text))::text"
);

const UPDATE: &str = concat!(
    "UPDATE todoitem SET task = coalesce($2::text, task), ",
    "completed = coalesce($3::boolean, completed), position = coalesce($4::integer, position), ",
    "version = version + 1, updated_at = now() ",
    "WHERE id = $1 AND ($5::bigint[] IS NULL OR version = ANY ($5)) ",
    "RETURNING ",
    todo_json!(),
    "::text"
);

const DELETE: &str = concat!(
    "DELETE FROM todoitem WHERE id = $1 AND ($2::bigint[] IS NULL OR version = ANY ($2)) ",
    "RETURNING ",
    todo_json!(),
    "::text"
);

const COMPLETE_ALL: &str = "UPDATE todoitem SET completed = $1, version = version + 1, \
     updated_at = now() WHERE completed <> $1";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no database: {0}")]
    Unavailable(String),
    #[error("the database has no table todoitem: apply the migrations with `runtime-host migrate`")]
    NotMigrated,
    #[error("cannot read the variable database_url: {0}")]
    Variable(String),
    #[error("the database refused a statement: {0}")]
    Query(String),
    #[error("the database gave an answer of another shape: {0}")]
    Answer(String),
}

impl From<pg::Error> for Error {
    fn from(error: pg::Error) -> Self {
        match error {
            pg::Error::PgError(error) => error.into(),
            pg::Error::Decode(text) => Self::Answer(text),
        }
    }
}

impl From<PgError> for Error {
    fn from(error: PgError) -> Self {
        match error {
            PgError::QueryFailed(QueryError::DbError(error)) => match error.code.as_str() {
                "42P01" => Self::NotMigrated,
                // Shutdown, crash, too many clients, a standby that cannot write,
                // a statement cancelled by a failover: all pass by themselves.
                "25006" | "40001" | "40P01" | "53300" => Self::Unavailable(error.as_text),
                code if code.starts_with("08") || code.starts_with("57") => {
                    Self::Unavailable(error.as_text)
                }
                _ => Self::Query(error.as_text),
            },
            // An error without a code did not come from the server.
            PgError::ConnectionFailed(text) | PgError::QueryFailed(QueryError::Text(text)) => {
                Self::Unavailable(text)
            }
            PgError::BadParameter(text)
            | PgError::ValueConversionFailed(text)
            | PgError::Other(text) => Self::Query(text),
        }
    }
}

/// What a new todo consists of.
#[derive(Debug)]
pub struct NewTodo {
    pub title: Title,
    pub completed: bool,
    /// At the end of the list if none.
    pub order: Option<i32>,
}

/// What [`Store::create`] did.
#[derive(Debug)]
pub enum Created {
    New(Todo),
    /// The same request was answered before; this is its todo as it is now.
    Replayed(Todo),
    /// The key was used before, for another request.
    KeyReused,
}

/// What to change of a todo; `None` leaves a value as it is.
#[derive(Debug, Default)]
pub struct Change {
    pub title: Option<Title>,
    pub completed: Option<bool>,
    pub order: Option<i32>,
}

impl Change {
    pub fn is_empty(&self) -> bool {
        self.title.is_none() && self.completed.is_none() && self.order.is_none()
    }
}

/// The versions that a change may be made to.
#[derive(Debug, PartialEq, Eq)]
pub enum Expected {
    Any,
    OneOf(Vec<i64>),
}

/// What a conditional write found.
#[derive(Debug)]
pub enum Outcome {
    /// The todo after the change, or before its deletion.
    Done(Todo),
    /// The todo has another version; this is it.
    Stale(Todo),
    Missing,
}

/// A connection for the length of a request.
pub struct Store(Connection);

impl Store {
    pub async fn open() -> Result<Self, Error> {
        // The error of an unset variable names it; it never holds its value.
        let url =
            variables::get("database_url").await.map_err(|e| Error::Variable(e.to_string()))?;
        Ok(Self(Connection::open(url).await?))
    }

    /// One page of the list, `limit` todos long at most, with the counts.
    pub async fn page(
        &self,
        filter: Filter,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, Error> {
        #[derive(Deserialize)]
        struct Answer {
            todos: Vec<Todo>,
            active: Count,
            completed: Count,
        }
        let mut params = keyset(after, limit);
        params.push(i64::from(Count::MAX + 1).into());
        let answer: Answer = self.one(PAGE[filter as usize], params).await?;
        let (todos, next) = cut(answer.todos, limit);
        Ok(Page { todos, next, active: answer.active, completed: answer.completed })
    }

    /// One page of the list without the counts, and where the next one begins.
    pub async fn list(
        &self,
        filter: Filter,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<(Vec<Todo>, Option<Cursor>), Error> {
        let todos = self.one(LIST[filter as usize], keyset(after, limit)).await?;
        Ok(cut(todos, limit))
    }

    pub async fn get(&self, id: i64) -> Result<Option<Todo>, Error> {
        self.first(GET, vec![id.into()]).await
    }

    /// Adds a todo, once for each `key`.
    pub async fn create(&self, new: &NewTodo, key: Option<&str>) -> Result<Created, Error> {
        #[derive(Deserialize)]
        struct Answer {
            todo: Todo,
            replayed: bool,
            same_request: bool,
        }
        let params = vec![
            new.title.as_str().to_owned().into(),
            new.completed.into(),
            new.order.map_or(ParameterValue::DbNull, Into::into),
            key.map_or(ParameterValue::DbNull, |key| key.to_owned().into()),
        ];
        let answer: Answer = self.one(CREATE, params).await?;
        Ok(match (answer.replayed, answer.same_request) {
            (false, _) => Created::New(answer.todo),
            (true, true) => Created::Replayed(answer.todo),
            (true, false) => Created::KeyReused,
        })
    }

    pub async fn update(
        &self,
        id: i64,
        change: &Change,
        expected: &Expected,
    ) -> Result<Outcome, Error> {
        let title = change.title.as_ref().map(|title| title.as_str().to_owned());
        let params = vec![
            id.into(),
            title.map_or(ParameterValue::DbNull, Into::into),
            change.completed.map_or(ParameterValue::DbNull, Into::into),
            change.order.map_or(ParameterValue::DbNull, Into::into),
            versions(expected),
        ];
        let changed = self.first(UPDATE, params).await?;
        self.outcome(id, changed).await
    }

    pub async fn delete(&self, id: i64, expected: &Expected) -> Result<Outcome, Error> {
        let deleted = self.first(DELETE, vec![id.into(), versions(expected)]).await?;
        self.outcome(id, deleted).await
    }

    pub async fn delete_all(&self) -> Result<(), Error> {
        self.0.execute("DELETE FROM todoitem", vec![]).await?;
        Ok(())
    }

    /// Deletes what is completed and says how many there were.
    pub async fn delete_completed(&self) -> Result<u64, Error> {
        Ok(self.0.execute("DELETE FROM todoitem WHERE completed", vec![]).await?)
    }

    pub async fn complete_all(&self, completed: bool) -> Result<(), Error> {
        self.0.execute(COMPLETE_ALL, vec![completed.into()]).await?;
        Ok(())
    }

    /// Tells a stale version from a missing row when a write touched none.
    async fn outcome(&self, id: i64, written: Option<Todo>) -> Result<Outcome, Error> {
        Ok(match written {
            Some(todo) => Outcome::Done(todo),
            None => self.get(id).await?.map_or(Outcome::Missing, Outcome::Stale),
        })
    }

    async fn one<T: DeserializeOwned>(
        &self,
        sql: &str,
        params: Vec<ParameterValue>,
    ) -> Result<T, Error> {
        self.first(sql, params).await?.ok_or_else(|| Error::Answer("no row".to_owned()))
    }

    /// The first column of the first row, read as JSON.
    async fn first<T: DeserializeOwned>(
        &self,
        sql: &str,
        params: Vec<ParameterValue>,
    ) -> Result<Option<T>, Error> {
        let mut answer = self.0.query(sql, params).await?;
        let row: Option<Vec<DbValue>> = answer.rows().next().await;
        answer.result().await?;
        let Some(row) = row else { return Ok(None) };
        let Some(DbValue::Str(text)) = row.first() else {
            return Err(Error::Answer("the first column is not text".to_owned()));
        };
        serde_json::from_str(text).map(Some).map_err(|e| Error::Answer(e.to_string()))
    }
}

/// The parameters of a list: where it begins, and one row more than is shown,
/// which tells whether there is a next page.
fn keyset(after: Option<Cursor>, limit: usize) -> Vec<ParameterValue> {
    let after = after.unwrap_or(Cursor { order: i32::MIN, id: i64::MIN });
    let rows = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    vec![after.order.into(), after.id.into(), rows.into()]
}

fn cut(mut todos: Vec<Todo>, limit: usize) -> (Vec<Todo>, Option<Cursor>) {
    let more = todos.len() > limit;
    todos.truncate(limit);
    let next = todos.last().filter(|_| more).map(Cursor::from);
    (todos, next)
}

fn versions(expected: &Expected) -> ParameterValue {
    match expected {
        Expected::Any => ParameterValue::DbNull,
        Expected::OneOf(versions) => {
            ParameterValue::ArrayInt64(versions.iter().copied().map(Some).collect())
        }
    }
}
