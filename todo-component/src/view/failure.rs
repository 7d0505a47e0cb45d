//! The page for what went wrong.

use super::document;
use crate::assets;
use maud::{Markup, html};

/// A form that was sent and not saved.
#[derive(Debug)]
pub struct Unsaved<'a> {
    /// Where it was sent.
    pub action: &'a str,
    /// All its fields. Those that somebody typed are shown.
    pub fields: Vec<(&'a str, &'a str)>,
    /// Whether the same form may be taken a moment later.
    pub again: bool,
}

/// `unsaved` is what nobody should have to type twice. Sent again, it carries
/// the key that it had, so that it is added once.
pub fn failure(status: u16, title: &str, detail: &str, unsaved: Option<&Unsaved>) -> Markup {
    let again = unsaved.is_some_and(|unsaved| unsaved.again);
    let home = html! {
        a.primary[!again].secondary[again] href="/" { "Back to the list" }
    };
    let content = html! {
        section.card.failure data-status=(status) {
            h2 { (title) }
            p role="alert" { (detail) }
            @if let Some(unsaved) = unsaved {
                form method="post" action=(unsaved.action) autocomplete="off" {
                    (typed(unsaved))
                    div.buttons {
                        @if again { button.primary type="submit" { "Try again" } }
                        (home)
                    }
                }
            } @else {
                div.buttons { (home) }
            }
        }
    };
    document(&format!("{title} · Todoozle"), &[assets::lists_path()], &content)
}

fn typed(unsaved: &Unsaved) -> Markup {
    html! {
        @for (name, value) in &unsaved.fields {
            @let label = match *name {
                "title" | "name" | "text" => "What you typed",
                "due" => "Due",
                "notes" => "Notes",
                "steps" => "Steps",
                _ => "",
            };
            @if label.is_empty() || value.is_empty() {
                input type="hidden" name=(name) value=(value);
            } @else {
                label for=(name) { (label) }
                textarea.field #(name) name=(name) rows="3" readonly dir="auto" { "\n" (value) }
            }
        }
    }
}
