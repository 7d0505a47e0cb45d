//! The pages as HTML: values in, markup out, nothing else.
//!
//! Every page works as it is, with links and forms alone. The script finds its
//! texts (`#texts`) and its building blocks (`template`s) in the same markup,
//! so that whatever a person reads is written here once. Class names are those
//! of `TodoMVC`.

mod document;
mod edit;
mod failure;
mod import;
mod item;
mod lists;
mod notice;
mod read_only;
mod script;
mod shapes;
#[cfg(test)]
mod tests;

pub use edit::{EditView, Typed, edit};
pub use failure::{Unsaved, failure};
pub use import::import;
pub use lists::{SettingsView, lists, settings};
pub use notice::{Notice, Said};
pub use read_only::read_only;

use crate::assets;
use crate::selection::{Filter, Page, Place, Search};
use document::document;
use item::item;
use maud::{Markup, html};
use shapes::icon;

/// The list, and what there is to say about the request before.
#[derive(Debug)]
pub struct ListView<'a> {
    pub page: &'a Page,
    pub place: &'a Place,
    pub notice: Option<Said>,
    /// A new todo that was refused: the text stays in its input.
    pub draft: Option<Draft<'a>>,
    /// It follows an act: a second click may still be on its way.
    pub settling: bool,
    /// Idempotency key of the form for a new todo.
    pub key: &'a str,
}

impl<'a> ListView<'a> {
    /// The list with nothing to say.
    pub fn of(page: &'a Page, place: &'a Place, key: &'a str) -> Self {
        Self { page, place, notice: None, draft: None, settling: false, key }
    }
}

/// A title that somebody typed, and why it was not taken.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    pub title: &'a str,
    pub error: &'a str,
}

/// Where on the list a page is, as each of its forms and links says it.
struct Here {
    fields: Markup,
    query: String,
}

impl Here {
    fn new(place: &Place) -> Self {
        let fields = html! {
            @for (name, value) in place.fields() { input type="hidden" name=(name) value=(value); }
        };
        Self { fields, query: place.query() }
    }

    fn address(&self) -> String {
        format!("/{}", self.query)
    }
}

/// The list, as a whole document.
pub fn list(view: &ListView) -> Markup {
    let ListView { page, place, .. } = *view;
    let here = Here::new(place);
    let none = page.active.is_zero() && page.completed.is_zero();
    let name = document_title(page, place);
    let content = html! {
        (notice::regions(view.notice.as_ref(), &here))
        p.announcer.visually-hidden role="status" {}
        p.offline role="status" hidden {
            "You are offline. What you do is sent later."
        }
        @if let Some(look) = &page.list { (lists::title(look, false)) }
        (new_todo(view))
        (search(place, none))
        section.main.settling[view.settling] hidden[none] {
            form.toggle-all-form method="post" action="/toggle-all" autocomplete="off" hidden[!place.search.is_empty()] {
                (here.fields)
                button.toggle-all type="submit" role="checkbox" name="completed"
                    value=(!page.active.is_zero()) aria-checked=(page.active.is_zero()) {
                    (icon("check")) span { "Mark all as complete" }
                }
            }
            ul.todo-list role="list" tabindex="-1" aria-label="Todos" {
                @for todo in &page.todos { (item(todo, &here)) }
            }
            (fold(page, place))
            (pagination(page, place))
        }
        (empty_states(page, place))
        (footer(view, &here, none))
        (script::templates(&here))
        (script::help())
    };
    let scripts = [assets::js_path(), assets::lists_path()];
    let scripts = if page.list.is_some() { &scripts[..] } else { &scripts[..1] };
    document(&name, scripts, &content)
}

fn document_title(page: &Page, place: &Place) -> String {
    let list = page.list.as_ref().map_or("Todoozle", |look| &look.name);
    match place.filter {
        _ if !place.search.is_empty() => format!("{} · {list}", place.search.as_str()),
        Filter::All => list.to_owned(),
        filter => format!("{} · {list}", label_of(filter)),
    }
}

fn pagination(page: &Page, place: &Place) -> Markup {
    html! {
        @if place.after.is_some() || page.next.is_some() {
            nav.pagination aria-label="Pages" {
                @if place.after.is_some() { a rel="first" href=(place.first().address()) { "First page" } }
                @if let Some(position) = position(page, place) { p.position { (position) } }
                @if page.next.is_some() {
                    a rel="next" href=(Place { after: page.next.clone(), ..place.first() }.address())
                        data-more=[(place.more < Place::MAX_MORE).then_some(place.more + 1)] { "Next page" }
                }
            }
        }
    }
}

/// `51–100 of 120`, as far as it is known without counting long.
fn position(page: &Page, place: &Place) -> Option<String> {
    let before = page.before.exact()?;
    let last = before + page.todos.len();
    let all = match place.filter {
        _ if page.next.is_none() => Some(last),
        _ if !place.search.is_empty() => None,
        Filter::All | Filter::Unfolded => {
            page.active.exact().zip(page.completed.exact()).map(|(a, b)| a + b)
        }
        Filter::Active => page.active.exact(),
        Filter::Completed => page.completed.exact(),
        Filter::Due => None,
    };
    let all = all.map(|all| format!(" of {all}")).unwrap_or_default();
    (before < last).then(|| format!("{}–{last}{all}", before + 1))
}

fn new_todo(view: &ListView) -> Markup {
    let draft = view.draft;
    html! {
        form.new-todo-form method="post" action="/new_item" autocomplete="off" {
            input type="hidden" name="key" value=(view.key);
            (Here::new(&Place { filter: view.place.filter, ..Place::default() }).fields)
            label.visually-hidden for="new-todo" { "New todo" }
            input.new-todo #new-todo type="text" name="title" autofocus dir="auto" enterkeyhint="done"
                placeholder="What needs to be done?" value=(draft.map_or("", |draft| draft.title))
                aria-describedby="new-todo-error" aria-invalid=[draft.map(|_| "true")];
            button.add type="submit" aria-label="Add" { (icon("plus")) }
        }
        p.error #new-todo-error role="alert" { @if let Some(draft) = draft { (draft.error) } }
    }
}

/// A form that leads to an address: it works as it is, and the script sends it as somebody types.
fn search(place: &Place, none: bool) -> Markup {
    let rest = Place { search: Search::default(), ..place.first() };
    html! {
        search.search hidden[none] {
            form.search-form method="get" action="/" autocomplete="off" {
                (Here::new(&rest).fields)
                label.visually-hidden for="search" { "Search" }
                (icon("lens"))
                input.search-field #search type="search" name="q" dir="auto" enterkeyhint="search"
                    maxlength=(Search::MAX_CHARS) placeholder="Search" value=(place.search.as_str());
                button.visually-hidden type="submit" tabindex="-1" { "Search" }
            }
        }
    }
}

/// What is shown instead of an empty list; the script shows another when the
/// list empties under its hands.
fn empty_states(page: &Page, place: &Place) -> Markup {
    let now = match place.filter {
        _ if !page.todos.is_empty() => "",
        _ if page.active.is_zero() && page.completed.is_zero() => "none",
        _ if place.after.is_some() => "rest",
        _ if !place.search.is_empty() => "search",
        filter => filter.as_str(),
    };
    html! {
        @for (when, title, text) in [
            ("none", "Nothing to do yet", "Write down the first thing on your mind and press Enter."),
            ("active", "All done", "Every todo is ticked off. Enjoy the quiet."),
            ("completed", "Nothing completed yet", "Tick off a todo and it shows up here."),
            ("due", "Nothing is due", "Give a todo a date and it shows up here, the earliest first."),
            ("search", "Nothing found", "No todo here has these words in its title or its notes."),
            ("rest", "That’s all", "There are no more todos on this page."),
        ] {
            div.empty data-when=(when) hidden[when != now] { (icon("doodle")) p.empty-title { (title) } p { (text) } }
        }
    }
}

fn footer(view: &ListView, here: &Here, none: bool) -> Markup {
    let ListView { place, page, .. } = view;
    let Page { active, completed, .. } = page;
    let (one, other) = ("item left", "items left");
    html! {
        footer.footer.settling[view.settling] hidden[none] data-active=(active.to_string()) data-completed=(completed.to_string()) {
            span.todo-count role="status" data-one=(one) data-other=(other) {
                strong { (active.to_string()) } " " span { (if active.is_one() { one } else { other }) }
            }
            (filters(place))
            form method="post" action="/clear-completed" autocomplete="off" {
                (here.fields)
                button.clear-completed type="submit" hidden[completed.is_zero() || !place.search.is_empty()] { "Clear completed" }
            }
        }
        p.hint {
            "Double-click a todo to edit it · "
            button.shortcuts type="button" aria-haspopup="dialog" { "Keyboard shortcuts" }
        }
        p.files {
            a href="/import" { "Import and export" }
            @if page.list.is_none() { " · " a href="/lists" { "Lists" } }
        }
    }
}

/// The end of the active todos, behind which the completed ones are folded. Those that come get a page.
fn fold(page: &Page, place: &Place) -> Markup {
    let ends = place.filter == Filter::Active && page.next.is_none();
    let (does, filter, more) = match place.filter {
        Filter::Unfolded => ("Hide", Filter::Active, place.more.saturating_sub(1)),
        _ => ("Show", Filter::Unfolded, Place::MAX_MORE.min(place.more + 1)),
    };
    let shown = (ends || place.filter == Filter::Unfolded)
        && place.search.is_empty()
        && !page.completed.is_zero();
    let after = place.after.clone().filter(|after| !after.completed);
    html! {
        a.fold href=(Place { filter, after, more, ..place.clone() }.address()) hidden[!shown] {
            (does) " completed (" span { (page.completed.to_string()) } ")"
        }
    }
}

fn filters(place: &Place) -> Markup {
    html! {
        ul.filters role="list" aria-label="Show" {
            @for filter in [Filter::All, Filter::Active, Filter::Completed, Filter::Due] {
                @let chosen = label_of(filter) == label_of(place.filter);
                li {
                    a.selected[chosen] href=(Place { filter, ..place.first() }.address())
                        data-filter=(if chosen { place.filter } else { filter }.as_str()) aria-current=[chosen.then_some("page")] { (label_of(filter)) }
                }
            }
        }
    }
}

fn label_of(filter: Filter) -> &'static str {
    match filter {
        Filter::All => "All",
        Filter::Active | Filter::Unfolded => "Active",
        Filter::Completed => "Completed",
        Filter::Due => "Due",
    }
}
