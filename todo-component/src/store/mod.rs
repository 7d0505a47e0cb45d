//! The todos of a list. Each method is one statement and so one round trip.

mod address;
mod error;
mod keyed;
mod listing;
mod members;
mod moves;
mod reads;
mod row;
mod scope;
mod source;
mod sql;
mod writes;

pub use error::Error;
pub use keyed::Links;
pub use moves::{Move, Step};
pub use writes::Imported;

use crate::own_list::{Key, Look};
use crate::position::{Position, Shown};
use crate::selection::{Count, Cursor, Filter, Page, Selection};
use crate::todo::Todo;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use listing::Statement;
use reads::Read;
use scope::Scope;
use serde::Deserialize;
use source::Source;
use spin_sdk::pg::ParameterValue;
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

/// A list, for the length of a request.
pub struct Store {
    /// Of a list of one's own; the others are in the one that all share.
    key: Option<Key>,
    /// How far the request has seen the database come.
    shown: Shown,
    /// The last write of this request.
    written: Cell<Option<Position>>,
    source: Cell<Option<Source>>,
}

impl Store {
    /// The store for a request with these headers, on the list that `key` opens or else on the one
    /// that all share.
    pub fn of(headers: &HeaderMap, key: Option<Key>) -> Self {
        Self { key, shown: Shown::by(headers), written: Cell::default(), source: Cell::default() }
    }

    /// The key that the request has come by.
    pub fn key(&self) -> Option<&Key> {
        self.key.as_ref()
    }

    /// A write of this list; `params` are its own parameters.
    fn statement(
        &self,
        sql: impl FnOnce(&Scope) -> String,
        mut params: Vec<ParameterValue>,
    ) -> Statement {
        let scope = Scope::writing(self.key.as_ref(), &mut params);
        (sql(&scope), params)
    }

    /// Every statement about all of a list gives a row, unless there is no such list.
    fn no_row(&self) -> Error {
        match self.key {
            Some(_) => Error::NoSuchList,
            None => Error::Answer("no row".to_owned()),
        }
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
            list: Option<Look>,
            todos: Vec<Todo>,
            before: Count,
            active: Count,
            completed: Count,
        }
        let rows = limit.saturating_add(1);
        let read = Read::new(listing::page(self.key(), selection, after, rows));
        let answer: Answer = self.read(read).await?.ok_or_else(|| self.no_row())?;
        let Answer { list, todos, before, active, completed } = answer;
        let (todos, next) = cut(todos, limit, selection.filter);
        Ok(Page { list, todos, before, next, active, completed })
    }

    /// One page of the list without the counts, and where the next one begins.
    pub async fn list(
        &self,
        selection: &Selection,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<(Vec<Todo>, Option<Cursor>), Error> {
        let rows = limit.saturating_add(1);
        let read = Read::new(listing::list(self.key(), selection, after, rows));
        let todos = self.read(read).await?.ok_or_else(|| self.no_row())?;
        Ok(cut(todos, limit, selection.filter))
    }

    pub async fn get(&self, id: i64) -> Result<Option<Todo>, Error> {
        self.read(self.one_todo(id)).await
    }

    fn one_todo(&self, id: i64) -> Read {
        let mut params = vec![id.into()];
        let scope = Scope::reading(self.key(), &mut params);
        Read::new((sql::get(&scope), params))
    }
}

/// A page without the one row more that tells whether there is a next one, and where that begins.
fn cut(mut todos: Vec<Todo>, limit: usize, filter: Filter) -> (Vec<Todo>, Option<Cursor>) {
    let more = todos.len() > limit;
    todos.truncate(limit);
    let next = todos.last().filter(|_| more).map(|todo| Cursor::behind(todo, filter));
    (todos, next)
}
