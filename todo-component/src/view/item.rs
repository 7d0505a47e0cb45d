//! A todo in the list.

use super::Here;
use super::shapes::icon;
use crate::todo::{Tick, Todo};
use crate::whole::Whole;
use maud::{Markup, PreEscaped, html};

/// Characters of notes that the list shows; the edit page has them all.
const GLIMPSE: usize = 200;

pub fn item(todo: &Todo, here: &Here) -> Markup {
    // What stands in many places is written out once, and nothing in it needs escaping.
    let id = PreEscaped(todo.id.to_string());
    let (is_completed, is_active) =
        if todo.completed { ("true", "false") } else { ("false", "true") };
    html! {
        li.completed[todo.completed] data-id=(id) data-version=(todo.version) {
            div.view {
                form #{ "toggle-" (id) } method="post" action={ "/items/" (id) "/toggle" } autocomplete="off" {
                    input type="hidden" name="version" value=(todo.version);
                    (here.fields)
                    button.toggle type="submit" role="checkbox" name="completed" value=(PreEscaped(is_active))
                        aria-checked=(PreEscaped(is_completed)) aria-labelledby={ "title-" (id) } { (icon("check")) }
                }
                div.words {
                    label #{ "title-" (id) } { bdi { (todo.title) } }
                    (more(todo, true))
                }
                button.grip #{ "grip-" (id) } type="button"
                    aria-label="Move" aria-labelledby={ "grip-" (id) " title-" (id) } aria-describedby="grip-help" { (icon("grip")) }
                a.edit-link #{ "edit-" (id) } href={ "/items/" (id) "/edit" (here.query) }
                    aria-label="Edit" aria-labelledby={ "edit-" (id) " title-" (id) } { (icon("pencil")) }
                form method="post" action={ "/items/" (id) "/destroy" } autocomplete="off" {
                    input type="hidden" name="version" value=(todo.version);
                    (here.fields)
                    button.destroy #{ "destroy-" (id) } type="submit"
                        aria-label="Delete" aria-labelledby={ "destroy-" (id) " title-" (id) } { (icon("cross")) }
                }
            }
            textarea.edit rows="1" hidden dir="auto" autocomplete="off" enterkeyhint="done"
                aria-label="Edit todo" aria-describedby={ "error-" (id) } {}
            p.error #{ "error-" (id) } role="alert" {}
            a.details href={ "/items/" (id) "/edit" (here.query) } { "Date, notes, steps" }
        }
    }
}

/// What there is beside the title; `writes` where steps can be completed. The script takes it as it is.
pub fn more(todo: &Todo, writes: bool) -> Markup {
    let glimpse: String = todo.notes.chars().take(GLIMPSE).collect();
    let cut = glimpse.len() < todo.notes.len();
    // The word that is cut is no address any more.
    let end = if cut { glimpse.rfind(char::is_whitespace).unwrap_or(0) } else { glimpse.len() };
    let (whole, rest) = glimpse.split_at(end);
    html! {
        @if todo.due.is_some() || !glimpse.is_empty() || !todo.steps.is_empty() {
            div.more {
                @if let Some(due) = todo.due {
                    span.due { "Due " time datetime=(due) { (due) } }
                }
                @if !glimpse.is_empty() { bdi.notes { (linked(whole)) (rest) @if cut { "…" } } }
                @if !todo.steps.is_empty() { (steps(todo, writes)) }
            }
        }
    }
}

/// Each a button of the form that completes its todo.
fn steps(todo: &Todo, writes: bool) -> Markup {
    html! {
        div.steps role="group" aria-label="Steps" {
            @for (number, step) in (0..).zip(&todo.steps) {
                @let tick = Tick { number: Whole(number), completed: !step.completed, title: step.title.clone() };
                button.step type="submit" form={ "toggle-" (todo.id) } name="step" value=(tick)
                    role="checkbox" aria-checked=(step.completed) disabled[!writes] { (icon("check")) bdi { (step.title) } }
            }
        }
    }
}

/// A text with its addresses as links. Only what begins as one of the web does so: a link of another
/// kind could run a script.
fn linked(text: &str) -> Markup {
    html! {
        @for part in text.split_inclusive(char::is_whitespace) {
            @let address = address_in(part);
            @if address.is_empty() { (part) } @else {
                @let (before, after) = part.split_once(address).unwrap_or((part, ""));
                (before) a href=(address) rel="noopener noreferrer nofollow ugc" { (address) } (after)
            }
        }
    }
}

/// The address of the web in a word, without the signs around it; empty where there is none.
fn address_in(word: &str) -> &str {
    let start = ["https://", "http://"].iter().find_map(|scheme| word.find(scheme));
    let Some(start) = start else { return "" };
    let around = |c: char| c.is_whitespace() || ".,;:!?'\"()[]{}<>«»“”‘’".contains(c);
    let before = &word[..start];
    let whole = &word[start..];
    let mut end = whole.trim_end_matches(around).len();
    // A bracket that closes one within belongs to it.
    let mut open = 0;
    for (at, byte) in whole.bytes().enumerate() {
        open += i32::from(byte == b'(');
        open -= i32::from(byte == b')');
        end += usize::from(at == end && byte == b')' && open >= 0);
    }
    let address = whole.get(..end).unwrap_or_default();
    // A direction mark would have it read as another one.
    let plain = address.chars().all(|c| c.is_alphanumeric() || c.is_ascii_graphic());
    let is_one =
        before.chars().all(around) && plain && !address.ends_with('/') | (address.len() > 8);
    if is_one { address } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_among_words_and_signs() {
        for (word, address) in [
            ("https://a.example/x?y=1&z#w", "https://a.example/x?y=1&z#w"),
            ("(http://a.example).\n", "http://a.example"),
            ("“https://a.example/”", "https://a.example/"),
            ("https://a.example/b_(c).", "https://a.example/b_(c)"),
            ("(https://a.example/b_(c))", "https://a.example/b_(c)"),
            ("https://a.example/(b,", "https://a.example/(b"),
            ("https://ä.example", "https://ä.example"),
            ("https://", ""),
            ("http://", ""),
            ("javascript:alert(1)//http://a.example", ""),
            ("data:text/html,https://a.example", ""),
            ("xhttps://a.example", ""),
            ("https://a.example/\u{202e}moc.b", ""),
            ("HTTPS://a.example", ""),
            ("a.example", ""),
        ] {
            assert_eq!(address_in(word), address, "{word}");
        }
    }

    #[test]
    fn an_address_that_is_cut_is_no_link() {
        let long = "x".repeat(GLIMPSE);
        for (notes, links) in [
            (format!("https://a.example/ https://b.example/{long}"), 1),
            (format!("https://a.example/{long}"), 0),
            (format!("{} https://a.example/ x", &long[60..]), 1),
        ] {
            let todo = Todo { notes, ..Todo::default() };
            assert_eq!(more(&todo, true).into_string().matches("<a ").count(), links);
        }
    }

    #[test]
    fn no_text_becomes_markup() {
        let html = linked("see https://a.example/\"><script> and <b>").into_string();
        assert_eq!(
            html,
            "see <a href=\"https://a.example/&quot;&gt;&lt;script\" rel=\"noopener noreferrer nofollow ugc\">\
             https://a.example/&quot;&gt;&lt;script</a>&gt; and &lt;b&gt;"
        );
    }
}
