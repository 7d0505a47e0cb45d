//! The edit page of one todo.

use super::{Here, document};
use crate::selection::{Filter, Place};
use crate::todo::{Base, Todo};
use maud::{Markup, html};

#[derive(Debug)]
pub struct EditView<'a> {
    pub todo: &'a Todo,
    pub place: &'a Place,
    /// What was refused: it stays in the fields, beside what is there now.
    pub draft: Option<Typed<'a>>,
}

/// What somebody typed, and why it was not taken.
#[derive(Debug, Clone, Copy)]
pub struct Typed<'a> {
    pub title: &'a str,
    pub due: &'a str,
    pub notes: &'a str,
    pub steps: &'a str,
    /// The field that the error is about.
    pub field: &'a str,
    pub error: &'a str,
}

/// The edit page, as a whole document.
pub fn edit(view: &EditView) -> Markup {
    let EditView { todo, place, draft } = *view;
    let here = Here::new(place);
    let (due, steps) = (todo.due_text(), todo.steps_text());
    let refused = |name: &str| draft.filter(|draft| draft.field == name);
    let invalid = |name: &str| refused(name).map(|_| "true");
    let described = |name: &str| refused(name).map(|_| "field-error");
    // Beside what was typed stands what is there now, and under it what is wrong.
    let below = |name: &str, typed: Option<&str>, now: &str| {
        html! {
            @if let Some(draft) = refused(name) { p.error #field-error role="alert" { (draft.error) } }
            @if typed.is_some_and(|typed| typed != now) {
                p.current { "Now: " bdi { (if now.is_empty() { "nothing" } else { now }) } }
            }
        }
    };
    let content = html! {
        section.card.edit-page {
            h2 { "Edit todo" }
            form.edit-form method="post" action={ "/items/" (todo.id) "/edit" } autocomplete="off" {
                input type="hidden" name="version" value=(todo.version);
                input type="hidden" name="base" value=(Base::of(todo));
                (here.fields)
                label for="title" { "Title" }
                input.field #title type="text" name="title" autofocus dir="auto"
                    value=(draft.map_or(todo.title.as_str(), |draft| draft.title))
                    aria-invalid=[invalid("title")] aria-describedby=[described("title")];
                (below("title", draft.map(|draft| draft.title), &todo.title))
                label for="due" { "Due" }
                input.field #due type="date" name="due" min="0001-01-01" max="9999-12-31"
                    value=(draft.map_or(due.as_str(), |draft| draft.due))
                    aria-invalid=[invalid("due")] aria-describedby=[described("due")];
                (below("due", draft.map(|draft| draft.due), &due))
                label for="notes" { "Notes" }
                textarea.field #notes name="notes" rows="6" dir="auto"
                    aria-invalid=[invalid("notes")] aria-describedby=[described("notes")] {
                    // The first line break of a textarea is not part of its text.
                    "\n" (draft.map_or(todo.notes.as_str(), |draft| draft.notes))
                }
                (below("notes", draft.map(|draft| draft.notes), &todo.notes))
                label for="steps" { "Steps" }
                textarea.field #steps name="steps" rows="4" dir="auto"
                    placeholder="One a line; [x] before those that are done"
                    aria-invalid=[invalid("steps")] aria-describedby=[described("steps")] {
                    "\n" (draft.map_or(steps.as_str(), |draft| draft.steps))
                }
                (below("steps", draft.map(|draft| draft.steps), &steps))
                div.buttons {
                    button.primary type="submit" { "Save" }
                    a.secondary href=(here.address()) { "Cancel" }
                }
            }
            // By date, a place of its own shows nowhere.
            @if place.filter != Filter::Due {
                form.move-form method="post" action={ "/items/" (todo.id) "/move" } autocomplete="off" {
                    (here.fields)
                    h3 { "Move in the list" }
                    div.buttons {
                        @for (to, label) in [("top", "To the top"), ("up", "Up"), ("down", "Down"), ("bottom", "To the bottom")] {
                            button.secondary type="submit" name="to" value=(to) { (label) }
                        }
                    }
                }
            }
            form method="post" action={ "/items/" (todo.id) "/destroy" } autocomplete="off" {
                input type="hidden" name="version" value=(todo.version);
                (here.fields)
                button.danger type="submit" { "Delete" }
            }
        }
    };
    document("Edit · Todoozle", &[], &content)
}
