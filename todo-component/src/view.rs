//! The pages as HTML: values in, markup out, nothing else.
//!
//! Every page works as it is, with links and forms alone. The script finds its
//! texts (`#texts`) and its building blocks (`template`s) in the same markup,
//! so that whatever a person reads is written here once. Class names are those
//! of `TodoMVC`.

mod failure;
mod notice;
mod script;
mod shapes;
#[cfg(test)]
mod tests;

pub use failure::{Unsaved, failure};
pub use notice::{Notice, Said};

use crate::assets;
use crate::todo::{Cursor, Filter, Page, Todo};
use maud::{DOCTYPE, Markup, html};
use shapes::{icon, sprite};

/// The list, and what there is to say about the request before.
#[derive(Debug)]
pub struct ListView<'a> {
    pub page: &'a Page,
    pub filter: Filter,
    pub after: Option<Cursor>,
    pub notice: Option<Said>,
    /// A new todo that was refused: the text stays in its input.
    pub draft: Option<Draft<'a>>,
    /// It follows an act: a second click may still be on its way.
    pub settling: bool,
    /// Idempotency key of the form for a new todo.
    pub key: &'a str,
}

/// The edit page of one todo.
#[derive(Debug)]
pub struct EditView<'a> {
    pub todo: &'a Todo,
    pub filter: Filter,
    pub after: Option<Cursor>,
    /// A title that was refused: it stays in the input, beside the current one.
    pub draft: Option<Draft<'a>>,
}

/// What somebody typed, and why it was not taken.
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
    fn new(filter: Filter, after: Option<Cursor>) -> Self {
        let fields = html! {
            input type="hidden" name="filter" value=(filter.as_str());
            @if let Some(after) = after { input type="hidden" name="after" value=(after.to_string()); }
        };
        let query = match (filter, after) {
            (Filter::All, None) => String::new(),
            (filter, None) => format!("?filter={}", filter.as_str()),
            (filter, Some(after)) => format!("?filter={}&after={after}", filter.as_str()),
        };
        Self { fields, query }
    }

    fn address(&self) -> String {
        format!("/{}", self.query)
    }
}

/// The list, as a whole document.
pub fn list(view: &ListView) -> Markup {
    let ListView { page, filter, after, .. } = *view;
    let here = Here::new(filter, after);
    let none = page.active.is_zero() && page.completed.is_zero();
    let name = match filter {
        Filter::All => "Todoozle".to_owned(),
        _ => format!("{} · Todoozle", label_of(filter)),
    };
    let content = html! {
        (notice::regions(view.notice.as_ref(), &here))
        p.announcer.visually-hidden role="status" {}
        (new_todo(view))
        section.main.settling[view.settling] hidden[none] {
            form.toggle-all-form method="post" action="/toggle-all" autocomplete="off" {
                (here.fields)
                button.toggle-all type="submit" role="checkbox" name="completed"
                    value=(!page.active.is_zero()) aria-checked=(page.active.is_zero()) {
                    (icon("check")) span { "Mark all as complete" }
                }
            }
            ul.todo-list role="list" tabindex="-1" aria-label="Todos" {
                @for todo in &page.todos { (item(todo, &here)) }
            }
            @if after.is_some() || page.next.is_some() {
                nav.pagination aria-label="Pages" {
                    @if after.is_some() { a rel="first" href=(address(filter, None)) { "First page" } }
                    @if page.next.is_some() { a rel="next" href=(address(filter, page.next)) { "Next page" } }
                }
            }
        }
        (empty_states(page, filter, after))
        (footer(view, &here, none))
        (script::templates(&here))
        (script::help())
    };
    document(&name, true, &content)
}

/// The edit page, as a whole document.
pub fn edit(view: &EditView) -> Markup {
    let EditView { todo, filter, after, draft } = *view;
    let here = Here::new(filter, after);
    let content = html! {
        section.card.edit-page {
            h2 { "Edit todo" }
            form.edit-form method="post" action={ "/items/" (todo.id) "/edit" } autocomplete="off" {
                input type="hidden" name="version" value=(todo.version);
                input type="hidden" name="was" value=(todo.title);
                (here.fields)
                label for="title" { "Title" }
                input.field #title type="text" name="title" autofocus dir="auto"
                    value=(draft.map_or(todo.title.as_str(), |draft| draft.title))
                    aria-invalid=[draft.map(|_| "true")] aria-describedby=[draft.map(|_| "title-error")];
                @if let Some(draft) = draft {
                    p.error #title-error role="alert" { (draft.error) }
                    p.current { "Now: " bdi { (todo.title) } }
                }
                div.buttons {
                    button.primary type="submit" { "Save" }
                    a.secondary href=(here.address()) { "Cancel" }
                }
            }
            form method="post" action={ "/items/" (todo.id) "/destroy" } autocomplete="off" {
                input type="hidden" name="version" value=(todo.version);
                (here.fields)
                button.danger type="submit" { "Delete" }
            }
        }
    };
    document("Edit · Todoozle", false, &content)
}

fn document(title: &str, scripted: bool, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" type="image/svg+xml" href=(assets::icon_path());
                link rel="apple-touch-icon" href="/apple-touch-icon.png";
                link rel="stylesheet" href=(assets::css_path());
                @if scripted { script type="module" src=(assets::js_path()) {} }
            }
            body {
                (sprite())
                main {
                    section.todoapp {
                        header.header {
                            h1 { a href="/" { img src=(assets::icon_path()) alt="" width="32" height="32"; "Todoozle" } }
                        }
                        (content)
                    }
                }
            }
        }
    }
}

fn new_todo(view: &ListView) -> Markup {
    let draft = view.draft;
    html! {
        form.new-todo-form method="post" action="/new_item" autocomplete="off" {
            input type="hidden" name="key" value=(view.key);
            (Here::new(view.filter, None).fields)
            label.visually-hidden for="new-todo" { "New todo" }
            input.new-todo #new-todo type="text" name="title" autofocus dir="auto" enterkeyhint="done"
                placeholder="What needs to be done?" value=(draft.map_or("", |draft| draft.title))
                aria-describedby="new-todo-error" aria-invalid=[draft.map(|_| "true")];
            button.add type="submit" aria-label="Add" { (icon("plus")) }
        }
        p.error #new-todo-error role="alert" { @if let Some(draft) = draft { (draft.error) } }
    }
}

fn item(todo: &Todo, here: &Here) -> Markup {
    let id = todo.id;
    html! {
        li.completed[todo.completed] data-id=(id) data-version=(todo.version) {
            div.view {
                form method="post" action={ "/items/" (id) "/toggle" } autocomplete="off" {
                    input type="hidden" name="version" value=(todo.version);
                    (here.fields)
                    button.toggle type="submit" role="checkbox" name="completed" value=(!todo.completed)
                        aria-checked=(todo.completed) aria-labelledby={ "title-" (id) } { (icon("check")) }
                }
                label #{ "title-" (id) } { bdi { (todo.title) } }
                a.edit-link #{ "edit-" (id) } href={ "/items/" (id) "/edit" (here.query) }
                    aria-label="Edit" aria-labelledby={ "edit-" (id) " title-" (id) } { (icon("pencil")) }
                form method="post" action={ "/items/" (id) "/destroy" } autocomplete="off" {
                    input type="hidden" name="version" value=(todo.version);
                    (here.fields)
                    button.destroy #{ "destroy-" (id) } type="submit"
                        aria-label="Delete" aria-labelledby={ "destroy-" (id) " title-" (id) } { (icon("cross")) }
                }
            }
            input.edit type="text" hidden dir="auto" autocomplete="off" enterkeyhint="done"
                aria-label="Edit todo" aria-describedby={ "error-" (id) };
            p.error #{ "error-" (id) } role="alert" {}
        }
    }
}

/// What is shown instead of an empty list; the script shows another when the
/// list empties under its hands.
fn empty_states(page: &Page, filter: Filter, after: Option<Cursor>) -> Markup {
    let now = match filter {
        _ if !page.todos.is_empty() => "",
        _ if page.active.is_zero() && page.completed.is_zero() => "none",
        _ if after.is_some() => "rest",
        _ => filter.as_str(),
    };
    html! {
        @for (when, title, text) in [
            ("none", "Nothing to do yet", "Write down the first thing on your mind and press Enter."),
            ("active", "All done", "Every todo is ticked off. Enjoy the quiet."),
            ("completed", "Nothing completed yet", "Tick off a todo and it shows up here."),
            ("rest", "That’s all", "There are no more todos on this page."),
        ] {
            div.empty data-when=(when) hidden[when != now] { (icon("doodle")) p.empty-title { (title) } p { (text) } }
        }
    }
}

fn footer(view: &ListView, here: &Here, none: bool) -> Markup {
    let Page { active, completed, .. } = view.page;
    let (one, other) = ("item left", "items left");
    html! {
        footer.footer.settling[view.settling] hidden[none] data-active=(active.to_string()) data-completed=(completed.to_string()) {
            span.todo-count role="status" data-one=(one) data-other=(other) {
                strong { (active.to_string()) } " " span { (if active.is_one() { one } else { other }) }
            }
            ul.filters role="list" aria-label="Show" {
                @for filter in Filter::EACH {
                    li {
                        a.selected[filter == view.filter] href=(address(filter, None)) data-filter=(filter.as_str())
                            aria-current=[(filter == view.filter).then_some("page")] { (label_of(filter)) }
                    }
                }
            }
            form method="post" action="/clear-completed" autocomplete="off" {
                (here.fields)
                button.clear-completed type="submit" hidden[completed.is_zero()] { "Clear completed" }
            }
        }
        p.hint {
            "Double-click a todo to edit it · "
            button.shortcuts type="button" aria-haspopup="dialog" { "Keyboard shortcuts" }
        }
    }
}

fn address(filter: Filter, after: Option<Cursor>) -> String {
    Here::new(filter, after).address()
}

fn label_of(filter: Filter) -> &'static str {
    match filter {
        Filter::All => "All",
        Filter::Active => "Active",
        Filter::Completed => "Completed",
    }
}
