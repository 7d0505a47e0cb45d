//! The edit page.

use super::delete;
use super::follow::offer;
use super::form::{form, here, keeping, place, version};
use crate::answer::{Answer, html};
use crate::error::Problem;
use crate::request::Pairs;
use crate::store::{Outcome, Store};
use crate::todo::{Edit, FieldError, Given, TitleError, Todo, Undo};
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
    let expected = version(&form)?;
    let again = |todo: &Todo, status, field, error: &str| {
        let typed = |name, now: &str| form.get(name).map_or(now.to_owned(), str::to_owned);
        let due = todo.due_text();
        let (due, notes) = (typed("due", &due), typed("notes", &todo.notes));
        let steps = typed("steps", &todo.steps_text());
        let title = form.get("title").unwrap_or_default();
        let draft = Typed { title, due: &due, notes: &notes, steps: &steps, field, error };
        html(status, view::edit(&EditView { todo, place: &place, draft: Some(draft) }))
    };
    keeping(parts, &form, async {
        let change = match Given::from_form(|name| form.get(name)).check() {
            Ok(change) => change,
            Err(error) => {
                let todo = store.get(id).await?.ok_or_else(Problem::no_such_todo)?;
                // With other changes beside it, an empty title is a mistake and no wish.
                if error == FieldError::Title(TitleError::Empty) && title_alone(&form, &todo) {
                    return delete(store, id, &expected, &place).await;
                }
                let status = Problem::from(error.clone()).status;
                return Ok(again(&todo, status, error.field(), &error.to_string()));
            }
        };
        match store.update(id, &change, &expected).await? {
            Outcome::Done(todo) => {
                let edit = Undo::Edit(Edit { id, version: todo.version });
                Ok(offer(store, &place, Notice::Saved, &edit))
            }
            Outcome::Stale(todo) => Ok(again(
                &todo,
                StatusCode::CONFLICT,
                "title",
                "This todo was changed elsewhere in the meantime. Save again to put your text in its place.",
            )),
            Outcome::Missing => Err(Problem::no_such_todo()),
        }
    })
    .await
}

/// Whether a form leaves all but the title as it is.
fn title_alone(form: &Pairs, todo: &Todo) -> bool {
    let Ok(change) = Given::from_form(|name| form.get(name).filter(|_| name != "title")).check()
    else {
        return false;
    };
    let now = Given {
        due: change.due.as_ref().map(|_| todo.due.map(|due| due.to_string())),
        notes: change.notes.as_ref().map(|_| todo.notes.clone()),
        steps: change.steps.as_ref().map(|_| todo.steps.clone()),
        ..Given::default()
    };
    now.check() == Ok(change)
}
