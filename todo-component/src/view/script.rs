//! What the script finds on the page: an item to clone, and every text it says.

use super::Here;
use super::item::item;
use super::notice::{self, Notice};
use crate::todo::{Title, TitleError, Todo};
use maud::{Markup, html};

pub fn templates(here: &Here) -> Markup {
    let blank = Todo::default();
    html! {
        template #item { (item(&blank, here)) }
        template #notice { (notice::bar("", None, here)) }
        p #grip-help hidden { "Press an arrow key to move it up or down." }
        template #texts data-moved="{} of {}: {}" data-max=(Title::MAX_CHARS) data-too-long=(too_long()) data-control=(control())
            data-conflict=(Notice::Conflict.text()) data-missing=(Notice::Missing.text()) data-added=(Notice::Added.text()) data-deleted=(Notice::Deleted.text()) data-saved=(Notice::Saved.text()) data-undo=(notice::UNDO)
            data-network="Todoozle can’t be reached. Check your connection, then try again."
            data-one="todo" data-other="todos" data-lines="That was {} lines. Each can be a todo of its own." data-each="Add {} todos"
            data-typed="You typed:" data-updated="Todoozle was updated." data-reload="Reload" {}
    }
}

/// What single keys do; `keys.js` has the other half.
pub fn help() -> Markup {
    html! {
        dialog.help closedby="any" aria-labelledby="help-title" {
            h2 #help-title { "Keyboard shortcuts" }
            dl {
                @for (keys, does) in [
                    (&["n"][..], "Write a new todo"),
                    (&["/"], "Search"),
                    (&["Esc"], "Leave what you write in"),
                    (&["j", "k"], "Go to the next todo, to the one before"),
                    (&["x"], "Complete it, or take that back"),
                    (&["e"], "Edit it"),
                    (&["#"], "Delete it"),
                    (&["Alt ↑", "Alt ↓"], "Move it up, move it down"),
                    (&["Ctrl Z"], "Undo, while it is offered"),
                    (&["?"], "Show this"),
                ] {
                    div {
                        dt { @for key in keys { kbd { (key) } " " } }
                        dd { (does) }
                    }
                }
            }
            label { input type="checkbox" checked autocomplete="off"; " Single keys act" }
            button.primary type="button" { "Close" }
        }
    }
}

/// The server's own message with `{}` where the script puts the number.
fn too_long() -> String {
    TitleError::TooLong(usize::MAX).to_string().replace(&usize::MAX.to_string(), "{}")
}

/// The server's own message with `{}` where the script puts the character.
fn control() -> String {
    Title::parse("a\u{1}b")
        .map_or_else(|error| error.to_string().replace("U+0001", "{}"), |_| String::new())
}
