//! What a page says about the request before it.

use super::shapes::icon;
use maud::{Markup, html};

/// What a page says about the request before; travels as a code in a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    Conflict,
    Missing,
    Added,
    Saved,
    Deleted,
    Cleared,
}

impl Notice {
    pub const EACH: [Self; 6] =
        [Self::Conflict, Self::Missing, Self::Added, Self::Saved, Self::Deleted, Self::Cleared];

    pub fn code(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Missing => "missing",
            Self::Added => "added",
            Self::Saved => "saved",
            Self::Deleted => "deleted",
            Self::Cleared => "cleared",
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
            Self::Deleted => "Deleted.",
            Self::Cleared => "Completed todos are cleared.",
        }
    }

    /// Whether something that was asked for did not happen.
    fn is_error(self) -> bool {
        matches!(self, Self::Conflict | Self::Missing)
    }
}

/// The two regions that are read out when something is put into them.
pub fn regions(notice: Option<Notice>, here: &str) -> Markup {
    html! {
        div.notices {
            @for (role, error) in [("status", false), ("alert", true)] {
                div role=(role) {
                    @if let Some(notice) = notice.filter(|notice| notice.is_error() == error) { (bar(notice.text(), here)) }
                }
            }
        }
    }
}

pub fn bar(text: &str, here: &str) -> Markup {
    html! {
        div.notice {
            p { span { (text) } bdi.typed {} }
            button.retry type="button" hidden { "Try again" }
            a.dismiss href=(here) aria-label="Dismiss" { (icon("cross")) }
        }
    }
}
