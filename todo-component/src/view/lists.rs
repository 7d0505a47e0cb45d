//! The pages around lists of one's own: where one is made, and the settings of each.

use super::document;
use crate::assets;
use crate::own_list::{Colour, Look, MAX_NAME};
use maud::{Markup, html};

/// `/lists`. The browser knows which lists it has seen, and the script shows them.
/// `refused` is what somebody typed, and why it was not taken.
pub fn lists(shared: bool, refused: Option<(&Look, &str)>) -> Markup {
    let none = Look { name: String::new(), colour: Colour::default() };
    let content = html! {
        section.card.lists-page {
            h2 { "Lists" }
            ul.known-lists role="list" {
                @if shared { li { a href="/" { "The list that all share" } } }
            }
            template #known {
                li { a {} " " button.up.secondary type="button" { "Up" } " " button.secondary type="button" { "Forget" } }
            }
            p.take-along hidden { a href="/lists" { "Link to all of these, for another device of yours" } }
            form method="post" action="/lists" autocomplete="off" {
                h3 { "New list" }
                (fields(refused.map_or(&none, |(look, _)| look), refused.map(|(_, error)| error)))
                div.buttons { button.primary type="submit" { "Make the list" } }
            }
            p { "A list of your own has an address that nobody guesses. Whoever has the address has the list: keep it, and give it to those alone who may change the list." }
        }
    };
    document("Lists · Todoozle", &[assets::lists_path()], &content)
}

#[derive(Debug)]
pub struct SettingsView<'a> {
    pub look: &'a Look,
    pub url: &'a str,
    pub read_url: &'a str,
    /// What opens the list from when it is to have new links.
    pub next_key: &'a str,
    pub error: Option<&'a str>,
}

/// `/lists/{key}/settings`
pub fn settings(view: &SettingsView) -> Markup {
    let SettingsView { look, url, read_url, next_key, error } = *view;
    let content = html! {
        section.card.settings-page {
            h2 { "Share and settings" }
            form method="post" action="/settings" autocomplete="off" {
                (fields(look, error))
                div.buttons {
                    button.primary type="submit" { "Save" }
                    a.secondary href="/" { "Back to the list" }
                }
            }
            @for (id, label, address) in [("write-url", "Link to see and change the list", url), ("read-url", "Link to see it only", read_url)] {
                label for=(id) { (label) }
                input.field #(id) type="text" readonly value=(address);
                // For whoever stands by: it is opened, and the script draws it.
                details.qr hidden { summary { "QR code" } svg role="img" aria-label={ "QR code: " (label) } { path {} } }
            }
            form method="post" action="/rekey" autocomplete="off" {
                input type="hidden" name="key" value=(next_key);
                p { "If a link has got into wrong hands, give the list new ones. The old ones open nothing from then on." }
                button.secondary type="submit" { "New links" }
            }
            form method="post" action="/destroy" autocomplete="off" {
                label { input type="checkbox" name="sure" value="yes" required; " The list goes with all that is in it, for everybody and for good" }
                button.danger type="submit" { "Delete the list" }
            }
        }
    };
    document("Share and settings · Todoozle", &[assets::lists_path()], &content)
}

/// What stands above the todos of a list of one's own.
pub fn title(look: &Look, reads: bool) -> Markup {
    html! {
        div.list-title {
            h2.list-name.{ "colour-" (look.colour.as_str()) } data-colour=(look.colour.as_str()) { bdi { (look.name) } }
            @if reads { p { "You see this list, and others change it." } } @else { a href="/settings" { "Share and settings" } }
            a href="/lists" { "All lists" }
        }
    }
}

fn fields(look: &Look, error: Option<&str>) -> Markup {
    html! {
        label for="name" { "Name" }
        input.field #name type="text" name="name" required dir="auto" maxlength=(MAX_NAME) value=(look.name)
            aria-invalid=[error.map(|_| "true")] aria-describedby=[error.map(|_| "name-error")];
        @if let Some(error) = error { p.error #name-error role="alert" { (error) } }
        label for="colour" { "Colour" }
        select.field #colour name="colour" {
            @for colour in Colour::EACH {
                option value=(colour.as_str()) selected[colour == look.colour] { (colour.as_str()) }
            }
        }
    }
}
