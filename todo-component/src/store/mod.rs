//! The table `todoitem`. Each method is one statement and so one round trip.

mod address;
mod error;
mod lists;
mod members;
mod moves;
mod reads;
mod row;
mod source;
mod sql;
mod writes;

pub use error::Error;
pub use moves::Move;

use crate::position::{Position, Shown};
use crate::selection::{Count, Cursor, Filter, Page, Selection};
use crate::todo::Todo;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use reads::Read;
use serde::Deserialize;
use source::Source;
use std::cell::Cell;

/// Who answered a read, where there are replicas.
const SOURCE: HeaderName = HeaderName::from_static("todoozle-source");

/// What [`Store::create`] did.
#[derive(Debug)]
pub enum Created {
    New(Todo),
    /// The same request was answered before; this is its todo as it is now.
    Replayed(Todo),
    /// The key was used before, for another request.
    KeyReused,
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
        selection: &Selection,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, Error> {
        #[derive(Deserialize)]
        struct Answer {
            todos: Vec<Todo>,
            active: Count,
            completed: Count,
        }
        let read = Read::new(lists::page(selection, after, limit.saturating_add(1)));
        let answer: Answer = self.read(read).await?.ok_or_else(no_row)?;
        let (todos, next) = cut(answer.todos, limit, selection.filter);
        Ok(Page { todos, next, active: answer.active, completed: answer.completed })
    }

    /// One page of the list without the counts, and where the next one begins.
    pub async fn list(
        &self,
        selection: &Selection,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<(Vec<Todo>, Option<Cursor>), Error> {
        let read = Read::new(lists::list(selection, after, limit.saturating_add(1)));
        Ok(cut(self.read(read).await?.ok_or_else(no_row)?, limit, selection.filter))
    }

    pub async fn get(&self, id: i64) -> Result<Option<Todo>, Error> {
        self.read(get(id)).await
    }
}

fn get(id: i64) -> Read {
    Read::new((sql::GET.to_owned(), vec![id.into()]))
}

fn no_row() -> Error {
    Error::Answer("no row".to_owned())
}

/// A page without the one row more that tells whether there is a next one, and where that begins.
fn cut(mut todos: Vec<Todo>, limit: usize, filter: Filter) -> (Vec<Todo>, Option<Cursor>) {
    let more = todos.len() > limit;
    todos.truncate(limit);
    let next = todos.last().filter(|_| more).map(|todo| Cursor::behind(todo, filter));
    (todos, next)
}
