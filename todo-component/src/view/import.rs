//! The page that brings in a file, and says what of it was taken.

use super::notice::undo_form;
use super::{Here, document};
use crate::assets;
use crate::selection::Place;
use crate::store::Imported;
use crate::todo::Undo;
use crate::transfer::{Format, Intake};
use maud::{Markup, html};

/// `done` is what became of the file before.
pub fn import(key: &str, done: Option<(Imported, &Intake)>) -> Markup {
    let content = html! {
        section.card.import-page {
            h2 { "Import and export" }
            @if let Some((imported, intake)) = done { (report(imported, intake)) }
            form method="post" action="/import" autocomplete="off" {
                input type="hidden" name="key" value=(key);
                label for="text" { "Todos to add: one a line, or the text of a JSON, CSV or todo.txt file" }
                textarea.field #text name="text" rows="10" dir="auto" required {}
                label.file for="file" hidden { "Or choose a file" }
                input #file type="file" accept=".json,.csv,.txt" hidden;
                div.buttons {
                    button.primary type="submit" { "Add" }
                    a.secondary href="/" { "Back to the list" }
                }
            }
            p.export {
                "Take the list along as "
                @for (at, format) in Format::EACH.into_iter().enumerate() {
                    @if at > 0 { ", " }
                    a href={ "/todos/export?format=" (format.as_str()) } download { (format.label()) }
                }
                "."
            }
        }
    };
    document("Import and export · Todoozle", &[assets::import_path()], &content)
}

fn report(imported: Imported, intake: &Intake) -> Markup {
    let Intake { refused, refused_count, .. } = intake;
    let todos =
        |count: u64| if count == 1 { "1 todo".to_owned() } else { format!("{count} todos") };
    let count = u64::try_from(*refused_count).unwrap_or(u64::MAX);
    html! {
        p role="status" {
            "Added " (todos(imported.count)) "."
            @if *refused_count > 0 { " Not taken: " (todos(count)) "." }
        }
        @if imported.count > 0 { (undo_form(&Undo::Import(imported.import), &Here::new(&Place::default()))) }
        @if !refused.is_empty() {
            ul.refused {
                @for refused in refused {
                    li { (refused.number) ": " bdi { (refused.text) } " — " (refused.reason) }
                }
                @if *refused_count > refused.len() { li { "… and " (refused_count - refused.len()) " more" } }
            }
        }
    }
}
