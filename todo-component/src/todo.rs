//! What a todo is: the values that the API, the pages and the store share.
//!
//! Everything here is pure. A value that exists is valid: text from outside becomes a [`Title`], a
//! [`Notes`] or a [`Date`] here or nowhere. This is also the one list of a todo's fields: a new one
//! is a column in a migration, and is added to the structs of this file, to `store/sql.rs` and to
//! `view/item.rs`; to `view/edit.rs` and `page/edit.rs` if people edit it there, and to `transfer`
//! if files have it.

mod base;
mod date;
mod notes;
mod rank;
mod steps;
mod title;
mod undo;

pub use base::Base;
pub use date::{Date, DateError};
pub use notes::{Notes, NotesError};
pub use rank::Rank;
pub use steps::{Step, Steps, StepsError, Tick, from_lines};
pub use title::{Title, TitleError};
pub use undo::{Deletion, Edit, Import, Marking, Undo};

use crate::whole::{Object, Whole, present};
use serde::{Deserialize, Deserializer, Serialize};

/// One row of `todoitem`, as the store reads it and as the API and exports show it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub struct Todo {
    pub id: i64,
    pub title: String,
    pub completed: bool,
    /// Where the todo stands in the list; equal orders follow the rank, and equal ranks the id.
    pub order: i32,
    #[serde(skip_serializing)]
    pub rank: Rank,
    pub due: Option<Date>,
    pub notes: String,
    pub steps: Vec<Step>,
    /// Grows by one with each change; the `ETag` and the hidden form field.
    pub version: i64,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// RFC 3339, UTC.
    pub updated_at: String,
}

impl Todo {
    /// The date, as the fields of a form and of a file have it: empty for none.
    pub fn due_text(&self) -> String {
        self.due.map(|due| due.to_string()).unwrap_or_default()
    }

    /// The steps, as the field of a form and of a file has them: one a line.
    pub fn steps_text(&self) -> String {
        steps::to_lines(&self.steps)
    }

    /// The fields of the edit page.
    pub const FIELDS: [&str; 4] = ["title", "due", "notes", "steps"];

    /// The text that each of them shows.
    pub fn texts(&self) -> [String; 4] {
        [self.title.clone(), self.due_text(), self.notes.clone(), self.steps_text()]
    }
}

/// The fields as clients give them, by JSON, forms or files. What is absent is not spoken of, and
/// only a date can be null. Fields that clients add of their own are ignored.
#[expect(clippy::option_option, reason = "a date may be absent, null, or there")]
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Given {
    #[serde(deserialize_with = "present")]
    pub title: Option<String>,
    #[serde(deserialize_with = "present")]
    pub completed: Option<bool>,
    #[serde(deserialize_with = "present")]
    pub order: Option<Whole<i32>>,
    #[serde(deserialize_with = "present")]
    pub due: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub notes: Option<String>,
    #[serde(deserialize_with = "present_steps")]
    pub steps: Option<Vec<Step>>,
}

fn present_steps<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<Step>>, D::Error> {
    let steps = Vec::deserialize(deserializer)?;
    Ok(Some(steps.into_iter().map(|Object(step)| step).collect()))
}

impl Given {
    /// The fields of a form, in which an empty date is none.
    pub fn from_form<'a>(field: impl Fn(&str) -> Option<&'a str>) -> Self {
        let due = field("due").map(|due| Some(due.to_owned()).filter(|due| !due.is_empty()));
        Self {
            title: field("title").map(str::to_owned),
            notes: field("notes").map(str::to_owned),
            steps: field("steps").map(from_lines),
            due,
            ..Self::default()
        }
    }

    /// Checks each field that is given.
    pub fn check(&self) -> Result<Change, FieldError> {
        let due = |due: &Option<String>| due.as_deref().map(Date::parse).transpose();
        Ok(Change {
            title: self.title.as_deref().map(Title::parse).transpose()?,
            completed: self.completed,
            order: self.order.map(|order| order.0),
            due: self.due.as_ref().map(due).transpose()?,
            notes: self.notes.as_deref().map(Notes::parse).transpose()?,
            steps: self.steps.as_deref().map(Steps::check).transpose()?,
        })
    }
}

/// What to set of a todo: `None` leaves a value as it is, or as a new todo has it. Written as the
/// columns of `todoitem`.
#[expect(clippy::option_option, reason = "a date may be left as it is, taken away, or set")]
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Change {
    #[serde(rename = "task", skip_serializing_if = "Option::is_none")]
    pub title: Option<Title>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed: Option<bool>,
    #[serde(rename = "position", skip_serializing_if = "Option::is_none")]
    pub order: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Option<Date>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<Notes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Steps>,
}

impl Change {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a todo has all that this would set.
    pub fn is_in(&self, todo: &Todo) -> bool {
        let Self { title, completed, order, due, notes, steps } = self;
        title.as_ref().is_none_or(|title| title.as_str() == todo.title)
            && completed.is_none_or(|completed| completed == todo.completed)
            && order.is_none_or(|order| order == todo.order)
            && due.is_none_or(|due| due == todo.due)
            && notes.as_ref().is_none_or(|notes| notes.0 == todo.notes)
            && steps.as_ref().is_none_or(|steps| steps.0 == todo.steps)
    }
}

/// Which field is not as it should be. The messages are shown to people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    #[error(transparent)]
    Title(#[from] TitleError),
    #[error(transparent)]
    Due(#[from] DateError),
    #[error(transparent)]
    Notes(#[from] NotesError),
    #[error(transparent)]
    Steps(#[from] StepsError),
}

impl FieldError {
    /// Stable across versions.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Title(TitleError::Empty) => "title-empty",
            Self::Title(TitleError::TooLong(_)) => "title-too-long",
            Self::Title(TitleError::Control(_)) => "title-control-character",
            Self::Due(_) => "due-no-date",
            Self::Notes(NotesError::TooLong(_)) => "notes-too-long",
            Self::Notes(NotesError::Control(_)) => "notes-control-character",
            Self::Steps(StepsError::TooMany(_)) => "steps-too-many",
            Self::Steps(StepsError::Title { .. }) => "step-title",
        }
    }

    /// The field's name, as clients write it.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Title(_) => "title",
            Self::Due(_) => "due",
            Self::Notes(_) => "notes",
            Self::Steps(_) => "steps",
        }
    }
}

/// The versions of a todo that a write asks for, or must not find.
#[derive(Debug, PartialEq, Eq)]
pub enum Versions {
    Any,
    OneOf(Vec<i64>),
}

impl Versions {
    pub fn has(&self, version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(&version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(json: &str) -> Result<Change, FieldError> {
        serde_json::from_str::<Given>(json).unwrap().check()
    }

    #[test]
    fn a_change_speaks_of_what_is_given_alone_and_in_the_table_s_words() {
        for (given, columns) in [
            ("{}", "{}"),
            (r#"{"title":" a ","order":1.0,"color":"blue"}"#, r#"{"task":"a","position":1}"#),
            (r#"{"due":null}"#, r#"{"due":null}"#),
            (r#"{"due":"2028-02-29","notes":"x\r\ny"}"#, r#"{"due":"2028-02-29","notes":"x\ny"}"#),
        ] {
            let change = change(given).unwrap();
            assert_eq!(serde_json::to_string(&change).unwrap(), columns);
            assert_eq!(change.is_empty(), columns == "{}");
        }
    }

    #[test]
    fn a_field_that_is_not_as_it_should_be_is_named() {
        for (given, field) in [
            (r#"{"title":" "}"#, "title"),
            (r#"{"due":"soon"}"#, "due"),
            (r#"{"notes":"\u0000"}"#, "notes"),
            (r#"{"steps":[{"title":" "}]}"#, "steps"),
        ] {
            assert_eq!(change(given).unwrap_err().field(), field);
        }
        assert!(serde_json::from_str::<Given>("{\"steps\":[[\"a\",true]]}").is_err());
        for null in ["title", "completed", "order", "notes", "steps"] {
            assert!(serde_json::from_str::<Given>(&format!("{{\"{null}\":null}}")).is_err());
        }
    }
}
