//! The edit page.

use super::delete;
use super::follow::{back, offer};
use super::form::{form, here, keeping, place, version};
use crate::answer::{Answer, html};
use crate::error::Problem;
use crate::request::Pairs;
use crate::store::{Outcome, Store};
use crate::todo::{Base, Edit, FieldError, Given, TitleError, Todo, Undo, Versions};
use crate::view::{self, EditView, Notice, Typed};
use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;

/// `GET /items/{id}/edit`
pub async fn edit_form(store: &Store, id: i64, parts: &Parts) -> Result<Answer, Problem> {
    let place = here(parts)?;
    let todo = store.get(id).await?.ok_or_else(Problem::no_such_todo)?;
    Ok(html(StatusCode::OK, view::edit(&EditView { todo: &todo, place: &place, draft: None })))
}

/// `POST /items/{id}/edit`
pub async fn edit(store: &Store, id: i64, parts: &Parts, body: &Bytes) -> Result<Answer, Problem> {
    let form = form(parts, body)?;
    let place = place(&form);
    form.need("title")?;
    let mut expected = version(&form)?;
    let edited = Edited { base: form.get("base").and_then(Base::parse), form: &form };
    let again = |todo: &Todo, status, field, error: &str| {
        let [title, due, notes, steps] = edited.over(todo);
        let draft = Typed { title: &title, due: &due, notes: &notes, steps: &steps, field, error };
        html(status, view::edit(&EditView { todo, place: &place, draft: Some(draft) }))
    };
    keeping(parts, &form, async {
        let change = match Given::from_form(|name| edited.changed(name)).check() {
            Ok(change) => change,
            Err(error) => {
                let todo = store.get(id).await?.ok_or_else(Problem::no_such_todo)?;
                // With other changes beside it, an empty title is a mistake and no wish.
                let alone =
                    ["due", "notes", "steps"].iter().all(|name| edited.changed(name).is_none());
                if error == FieldError::Title(TitleError::Empty) && alone {
                    return delete(store, id, &expected, &place).await;
                }
                let status = Problem::from(error.clone()).status;
                return Ok(again(&todo, status, error.field(), &error.to_string()));
            }
        };
        if change.is_empty() {
            store.get(id).await?.ok_or_else(Problem::no_such_todo)?;
            return Ok(back(store, &place, Some(Notice::Saved)));
        }
        loop {
            let todo = match store.update(id, &change, &expected).await? {
                Outcome::Stale(todo) if !change.is_in(&todo) => todo,
                // Sent twice, it is there already.
                Outcome::Done(todo) | Outcome::Stale(todo) => {
                    let edit = Undo::Edit(Edit { id, version: todo.version });
                    return Ok(offer(store, &place, Notice::Saved, &edit));
                }
                Outcome::Missing => return Err(Problem::no_such_todo()),
            };
            if let Some(field) = edited.collision(&todo) {
                return Ok(again(&todo, StatusCode::CONFLICT, field, COLLIDES));
            }
            expected = Versions::OneOf(vec![todo.version]);
        }
    })
    .await
}

const COLLIDES: &str =
    "This todo was changed elsewhere in the meantime. Save again to put your text in its place.";

/// What somebody typed over what the page had.
struct Edited<'a> {
    form: &'a Pairs,
    /// Without it, all that is in the form counts as typed.
    base: Option<Base>,
}

impl<'a> Edited<'a> {
    /// The text of a field, if it is not the one that was there.
    fn changed(&self, name: &str) -> Option<&'a str> {
        let place = Todo::FIELDS.iter().position(|field| *field == name)?;
        let kept = |typed| self.base.as_ref().is_some_and(|base| !base.differs(place, typed));
        self.form.get(name).filter(|typed| !kept(typed))
    }

    /// What each field shows now: what was typed, or else what is there.
    fn over(&self, todo: &Todo) -> [String; 4] {
        let mut texts = todo.texts();
        for (name, text) in Todo::FIELDS.iter().zip(&mut texts) {
            if let Some(typed) = self.changed(name) {
                typed.clone_into(text);
            }
        }
        texts
    }

    /// The first field that somebody else has changed as well, and into something else.
    fn collision(&self, todo: &Todo) -> Option<&'static str> {
        let Some(base) = &self.base else { return Some(Todo::FIELDS[0]) };
        let (now, texts) = (Base::of(todo), todo.texts());
        let both = |&(place, name): &(usize, &str)| {
            base.differs(place, &texts[place])
                && self.changed(name).is_some_and(|typed| now.differs(place, typed))
        };
        Todo::FIELDS.into_iter().enumerate().find(both).map(|(_, name)| name)
    }
}
