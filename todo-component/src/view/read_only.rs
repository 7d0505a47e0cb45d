//! The list for somebody who may only see it: links and no forms that change anything.

use super::item::more;
use super::shapes::icon;
use super::{
    ListView, document, document_title, empty_states, filters, fold, lists, pagination, search,
};
use crate::assets;
use maud::{Markup, html};

/// The list, as a whole document.
pub fn read_only(view: &ListView) -> Markup {
    let ListView { page, place, .. } = *view;
    let none = page.active.is_zero() && page.completed.is_zero();
    let content = html! {
        @if let Some(look) = &page.list { (lists::title(look, true)) }
        (search(place, none))
        section.main hidden[none] {
            ul.todo-list role="list" aria-label="Todos" {
                @for todo in &page.todos {
                    li.completed[todo.completed] {
                        div.view {
                            span.toggle role="img" aria-label=(if todo.completed { "Completed" } else { "Active" }) { (icon("check")) }
                            div.words { p.title { bdi { (todo.title) } } (more(todo, false)) }
                        }
                    }
                }
            }
            (fold(page, place))
            (pagination(page, place))
        }
        (empty_states(page, place))
        footer.footer hidden[none] { (filters(place)) }
    };
    document(&document_title(page, place), &[assets::lists_path()], &content)
}
