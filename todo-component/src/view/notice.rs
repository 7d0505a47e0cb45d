//! What a page says about the request before it.

use super::Here;
use super::shapes::icon;
use crate::todo::Undo;
use maud::{Markup, html};

/// What a page says about the request before; travels as a code in a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    Conflict,
    Missing,
    Added,
    Saved,
    Moved,
    Deleted,
    Cleared,
    /// All are marked as complete …
    Completed,
    /// … or as not.
    Reopened,
    Undone,
    /// There was nothing left to undo.
    Late,
}

/// A notice, and what it offers to undo.
#[derive(Debug)]
pub struct Said {
    pub notice: Notice,
    pub undo: Option<Undo>,
}

impl Notice {
    pub const EACH: [Self; 11] = [
        Self::Conflict,
        Self::Missing,
        Self::Added,
        Self::Saved,
        Self::Moved,
        Self::Deleted,
        Self::Cleared,
        Self::Completed,
        Self::Reopened,
        Self::Undone,
        Self::Late,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Missing => "missing",
            Self::Added => "added",
            Self::Saved => "saved",
            Self::Moved => "moved",
            Self::Deleted => "deleted",
            Self::Cleared => "cleared",
            Self::Completed => "completed",
            Self::Reopened => "reopened",
            Self::Undone => "undone",
            Self::Late => "late",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::EACH.into_iter().find(|notice| notice.code() == code)
    }

    pub fn text(self) -> &'static str {
        match self {
            Self::Conflict => {
                "This todo was changed somewhere else in the meantime. Here is how it is now."
            }
            Self::Missing => "This todo is gone: it was deleted somewhere else.",
            Self::Added => "Added at the end of your list.",
            Self::Saved => "Saved.",
            Self::Moved => "Moved.",
            Self::Deleted => "Deleted.",
            Self::Cleared => "Completed todos are cleared.",
            Self::Completed => "All are marked as complete.",
            Self::Reopened => "None is marked as complete any more.",
            Self::Undone => "Everything is back.",
            Self::Late => "This can’t be undone any more: it was changed somewhere else.",
        }
    }

    /// Whether something that was asked for did not happen.
    fn is_error(self) -> bool {
        matches!(self, Self::Conflict | Self::Missing | Self::Late)
    }
}

pub const UNDO: &str = "Undo";

/// The two regions that are read out when something is put into them.
pub fn regions(said: Option<&Said>, here: &Here) -> Markup {
    html! {
        div.notices {
            @for (role, error) in [("status", false), ("alert", true)] {
                div role=(role) {
                    @if let Some(said) = said.filter(|said| said.notice.is_error() == error) {
                        (bar(said.notice.text(), said.undo.as_ref(), here))
                    }
                }
            }
        }
    }
}

pub fn bar(text: &str, undo: Option<&Undo>, here: &Here) -> Markup {
    html! {
        div.notice {
            p { span { (text) } bdi.typed {} }
            button.retry type="button" hidden { "Try again" }
            @if let Some(undo) = undo { (undo_form(undo, here)) }
            a.dismiss href=(here.address()) aria-label="Dismiss" { (icon("cross")) }
        }
    }
}

pub fn undo_form(undo: &Undo, here: &Here) -> Markup {
    html! {
        form.undo-form method="post" action="/undo" autocomplete="off" {
            input type="hidden" name="undo" value=(undo.to_string());
            (here.fields)
            button.retry.undo type="submit" { (UNDO) }
        }
    }
}
