//! Writes: always on the primary, and never longer than a client waits.

use super::address::{Addresses, Connection};
use super::error::Error;
use super::listing::Statement;
use super::members::Members;
use super::reads::Found;
use super::row::{Row, json};
use super::{Created, Outcome, Store, sql};
use crate::clock::{either, within};
use crate::position::Position;
use crate::todo::{Change, Deletion, Edit, Import, Marking, Tick, Todo, Undo, Versions};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use spin_sdk::pg::ParameterValue;
use std::time::Duration;

/// How long opening a connection may take before the servers are asked one by
/// one which of them is the primary: one that is frozen holds up the others.
const OPENING: Duration = Duration::from_secs(4);
/// How long the same one is waited for beside that: in all less than a write may take.
const OPENING_BESIDE: Duration = Duration::from_secs(5);
/// How long the write of one todo may take. The pages' script waits longer.
pub(super) const ONE: Duration = Duration::from_secs(10);
/// How long a write may take that concerns all of them. The host's limit for
/// a request is longer.
const ALL: Duration = Duration::from_secs(25);

/// What [`Store::import`] did.
#[derive(Debug, Deserialize)]
pub struct Imported {
    /// How many todos are new.
    pub count: u64,
    pub import: Import,
}

impl Store {
    /// Adds a todo, once for each `key`.
    pub async fn create(&self, new: &Change, key: Option<&str>) -> Result<Created, Error> {
        #[derive(Deserialize)]
        struct Answer {
            todo: Todo,
            replayed: bool,
            same_request: bool,
        }
        let params = vec![
            columns(new)?.into(),
            key.map_or(ParameterValue::DbNull, |key| key.to_owned().into()),
        ];
        let answer: Answer = self.some(ONE, self.statement(sql::create, params)).await?;
        Ok(match (answer.replayed, answer.same_request) {
            (false, _) => Created::New(answer.todo),
            (true, true) => Created::Replayed(answer.todo),
            (true, false) => Created::KeyReused,
        })
    }

    /// Adds todos in their order, each once for `key`.
    pub async fn import(&self, todos: &[Change], key: &str) -> Result<Imported, Error> {
        let rows = serde_json::to_string(todos).map_err(|error| Error::Query(error.to_string()))?;
        self.some(ALL, self.statement(sql::import, vec![rows.into(), key.to_owned().into()])).await
    }

    pub async fn update(
        &self,
        id: i64,
        change: &Change,
        expected: &Versions,
    ) -> Result<Outcome, Error> {
        let params = vec![id.into(), columns(change)?.into(), versions(expected)];
        self.one(id, self.statement(sql::update, params)).await
    }

    pub async fn tick(&self, id: i64, tick: &Tick, expected: &Versions) -> Result<Outcome, Error> {
        let (number, expected) = (i64::from(tick.number.0), versions(expected));
        let (title, completed) = (tick.title.clone(), tick.completed);
        let params = vec![id.into(), number.into(), expected, title.into(), completed.into()];
        self.one(id, self.statement(sql::tick, params)).await
    }

    pub async fn delete(
        &self,
        id: i64,
        expected: &Versions,
        deletion: &Deletion,
    ) -> Result<Outcome, Error> {
        let params = vec![deletion.as_str().to_owned().into(), id.into(), versions(expected)];
        self.one(id, self.statement(sql::delete, params)).await
    }

    /// As what a todo was deleted by itself that is not there any more, asked of the primary.
    pub async fn deletion(&self, id: i64) -> Result<Option<Deletion>, Error> {
        let statement = self.statement(sql::deletion, vec![id.into()]);
        let found = self.on_primary(ONE, async |primary| self.write(&primary, statement).await);
        Ok(found.await?.as_deref().and_then(Deletion::parse))
    }

    pub async fn delete_all(&self, deletion: &Deletion) -> Result<(), Error> {
        self.delete_where("true", deletion).await.map(|_| ())
    }

    /// Deletes what is completed and says how many there were.
    pub async fn delete_completed(&self, deletion: &Deletion) -> Result<u64, Error> {
        self.delete_where("completed", deletion).await
    }

    async fn delete_where(
        &self,
        predicate: &'static str,
        deletion: &Deletion,
    ) -> Result<u64, Error> {
        let params = vec![deletion.as_str().to_owned().into()];
        self.some(ALL, self.statement(|scope| sql::delete_all(scope, predicate), params)).await
    }

    /// Brings a todo back; one that is there stays as it is, and none is there once it was deleted
    /// for good.
    pub async fn restore(&self, id: i64) -> Result<Option<Todo>, Error> {
        Ok(match self.one(id, self.statement(sql::restore, vec![id.into()])).await? {
            Outcome::Done(todo) | Outcome::Stale(todo) => Some(todo),
            Outcome::Missing => None,
        })
    }

    /// Brings back what went together, or takes a change back, and says of how many. What an import
    /// has added goes as `deletion`.
    pub async fn undo(&self, undo: &Undo, deletion: &Deletion) -> Result<u64, Error> {
        match undo {
            Undo::Deletion(deletion) => {
                self.some(ALL, self.statement(sql::undo, vec![deletion.as_str().to_owned().into()]))
                    .await
            }
            Undo::Marking(Marking { completed, moment }) => {
                self.some(
                    ALL,
                    self.statement(sql::unmark, vec![(*completed).into(), (*moment).into()]),
                )
                .await
            }
            Undo::Edit(Edit { id, version }) => {
                self.some(ONE, self.statement(sql::unedit, vec![(*id).into(), (*version).into()]))
                    .await
            }
            Undo::Import(import) => {
                let (deletion, import) = (deletion.as_str(), import.as_str());
                let params = vec![deletion.to_owned().into(), import.to_owned().into()];
                self.some(ALL, self.statement(sql::unimport, params)).await
            }
        }
    }

    /// Marks all, and says what can be taken back if any were marked.
    pub async fn complete_all(&self, completed: bool) -> Result<Option<Marking>, Error> {
        #[derive(Deserialize)]
        struct Answer {
            count: u64,
            moment: i64,
        }
        let marked: Answer =
            self.some(ALL, self.statement(sql::complete_all, vec![completed.into()])).await?;
        Ok((marked.count > 0).then_some(Marking { completed, moment: marked.moment }))
    }

    /// A write that concerns one todo. One that touched none is told apart:
    /// the version was stale, or the todo is gone.
    pub(super) async fn one(&self, id: i64, statement: Statement) -> Result<Outcome, Error> {
        let write = async |primary: Connection| match self.write(&primary, statement).await? {
            Some(todo) => Ok((true, Some(todo))),
            None => Ok((false, self.one_todo(id).on(&primary).await?)),
        };
        let (done, todo) = self.on_primary(ONE, write).await?;
        let Some(todo) = todo else { return Ok(Outcome::Missing) };
        let todo = json(&todo)?;
        Ok(if done { Outcome::Done(todo) } else { Outcome::Stale(todo) })
    }

    /// A write that gives a row, whatever it touches.
    pub(super) async fn some<T: DeserializeOwned>(
        &self,
        limit: Duration,
        statement: Statement,
    ) -> Result<T, Error> {
        json(&self.row(limit, statement).await?)
    }

    async fn row(&self, limit: Duration, statement: Statement) -> Result<String, Error> {
        let write = async |primary| self.write(&primary, statement).await;
        self.on_primary(limit, write).await?.ok_or_else(|| self.no_row())
    }

    /// Runs a write and keeps its position, which somebody reads only where
    /// there are replicas.
    async fn write(&self, primary: &Connection, (sql, params): Statement) -> Result<Found, Error> {
        let row = Row::first(primary, &sql, params).await?;
        let Some(row) = row else { return Ok(None) };
        if primary.replicated
            && let Some(position) = row.text(1).and_then(Position::parse)
        {
            self.written.set(Some(position));
        }
        row.into_text(0)
    }

    /// Writes on the primary. Where there are no replicas, the host alone bounds how long that may take
    /// (`--database-timeout`).
    async fn on_primary<T>(
        &self,
        limit: Duration,
        write: impl AsyncFnOnce(Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let addresses = Addresses::read().await?;
        let work = Box::pin(async { write(Self::primary(&addresses).await?).await });
        if addresses.replica.is_none() {
            return work.await;
        }
        within(limit, work).await.unwrap_or_else(|| Err(Error::Unanswered(late(limit))))
    }

    /// A connection to the primary.
    async fn primary(addresses: &Addresses) -> Result<Connection, Error> {
        if addresses.replica.is_none() {
            return addresses.primary().await;
        }
        let mut opening = Box::pin(addresses.primary());
        match within(OPENING, opening.as_mut()).await {
            Some(Err(error)) if error.passes() => {
                Members::ask(addresses, None).await.primary().ok_or(error)
            }
            Some(opened) => opened,
            // Frozen or only slow: whichever leads to the primary first.
            None => {
                let elsewhere = async { Members::ask(addresses, None).await.primary() };
                let opened = within(OPENING_BESIDE, either(elsewhere, opening)).await;
                opened.unwrap_or_else(|| Err(Error::Unavailable(late(OPENING + OPENING_BESIDE))))
            }
        }
    }
}

fn late(limit: Duration) -> String {
    format!("nothing within {} s", limit.as_secs())
}

/// The columns to set, as JSON.
fn columns(change: &Change) -> Result<String, Error> {
    serde_json::to_string(change).map_err(|error| Error::Query(error.to_string()))
}

/// The versions that a row may have, or null for any.
pub fn versions(expected: &Versions) -> ParameterValue {
    match expected {
        Versions::Any => ParameterValue::DbNull,
        Versions::OneOf(versions) => {
            ParameterValue::ArrayInt64(versions.iter().copied().map(Some).collect())
        }
    }
}
