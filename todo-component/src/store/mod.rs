//! The table `todoitem`. Each method is one statement and so one round trip.

mod address;
mod error;
mod members;
mod reads;
mod row;
mod source;
mod sql;
mod writes;

pub use error::Error;

use crate::position::{Position, Shown};
use crate::todo::{Count, Cursor, Filter, Page, Title, Todo};
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use reads::Read;
use serde::Deserialize;
use source::Source;
use spin_sdk::pg::ParameterValue;
use std::cell::Cell;

/// Who answered a read, where there are replicas.
const SOURCE: HeaderName = HeaderName::from_static("todoozle-source");

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

/// What a conditional write found.
#[derive(Debug)]
pub enum Outcome {
    /// The todo after the change, or before its deletion.
    Done(Todo),
    /// The todo has another version; this is it.
    Stale(Todo),
    Missing,
}

/// The table, for the length of a request.
pub struct Store {
    /// How far the request has seen the database come.
    shown: Shown,
    /// The last write of this request.
    written: Cell<Option<Position>>,
    source: Cell<Option<Source>>,
}

impl Store {
    /// The store for a request with these headers.
    pub fn of(headers: &HeaderMap) -> Self {
        Self { shown: Shown::by(headers), written: Cell::default(), source: Cell::default() }
    }

    /// Tells on the answer how far a write has brought the database, and who
    /// was read.
    pub fn stamp(&self, headers: &mut HeaderMap) {
        if let Some(position) = self.written.get() {
            self.shown.give(position, headers);
        }
        if let Some(source) = self.source.get() {
            headers.insert(SOURCE, HeaderValue::from_static(source.as_str()));
        }
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
        let answer = self.read(Read::new(sql::page(filter), params)).await?;
        let answer: Answer = answer.ok_or_else(no_row)?;
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
        let read = Read::new(sql::list(filter), keyset(after, limit));
        Ok(cut(self.read(read).await?.ok_or_else(no_row)?, limit))
    }

    pub async fn get(&self, id: i64) -> Result<Option<Todo>, Error> {
        self.read(get(id)).await
    }
}

fn get(id: i64) -> Read {
    Read::new(sql::GET, vec![id.into()])
}

fn no_row() -> Error {
    Error::Answer("no row".to_owned())
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
