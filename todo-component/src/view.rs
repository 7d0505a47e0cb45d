//! The pages as HTML: values in, markup out, nothing else.
//!
//! Every page works as it is, with links and forms alone. The script finds its
//! texts (`#texts`) and its building blocks (`template`s) in the same markup,
//! so that whatever a person reads is written here once. Class names are those
//! of `TodoMVC`.

use crate::assets;
use crate::todo::{Cursor, Filter, Page, Title, TitleError, Todo};
use maud::{DOCTYPE, Markup, html};

/// The list, and what there is to say about the request before.
#[derive(Debug)]
pub struct ListView<'a> {
    pub page: &'a Page,
    pub filter: Filter,
    pub after: Option<Cursor>,
    pub notice: Option<Notice>,
    /// A new todo that was refused: the text stays in its input.
    pub draft: Option<Draft<'a>>,
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
    pub const EACH: [Self; 6] = [Self::Conflict, Self::Missing, Self::Added, Self::Saved, Self::Deleted, Self::Cleared];

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
            Self::Conflict => "This todo was changed somewhere else in the meantime. Here is how it is now.",
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

/// The list, as a whole document.
pub fn list(view: &ListView) -> Markup {
    let ListView { page, filter, after, .. } = *view;
    let none = page.active.is_zero() && page.completed.is_zero();
    let name = match filter {
        Filter::All => "Todoozle".to_owned(),
        _ => format!("{} · Todoozle", label_of(filter)),
    };
    document(&name, &html! {
        (notices(view.notice, &address(filter, after)))
        (new_todo(view))
        section.main hidden[none] {
            form.toggle-all-form method="post" action="/toggle-all" autocomplete="off" {
                (place(filter, after))
                button.toggle-all type="submit" role="checkbox" name="completed"
                    value=(!page.active.is_zero()) aria-checked=(page.active.is_zero()) {
                    (icon("check")) span { "Mark all as complete" }
                }
            }
            ul.todo-list role="list" tabindex="-1" aria-label="Todos" {
                @for todo in &page.todos { (item(todo, filter, after)) }
            }
            @if after.is_some() || page.next.is_some() {
                nav.pagination aria-label="Pages" {
                    @if after.is_some() { a rel="first" href=(address(filter, None)) { "First page" } }
                    @if page.next.is_some() { a rel="next" href=(address(filter, page.next)) { "Next page" } }
                }
            }
        }
        (empty_states(page, filter, after))
        (footer(view, none))
        (for_the_script(filter, after))
    })
}

/// The edit page, as a whole document.
pub fn edit(view: &EditView) -> Markup {
    let EditView { todo, filter, after, draft } = *view;
    document("Edit · Todoozle", &html! {
        section.card.edit-page {
            h2 { "Edit todo" }
            form.edit-form method="post" action={ "/items/" (todo.id) "/edit" } autocomplete="off" {
                input type="hidden" name="version" value=(todo.version);
                (place(filter, after))
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
                    a.secondary href=(address(filter, after)) { "Cancel" }
                }
            }
            form method="post" action={ "/items/" (todo.id) "/destroy" } autocomplete="off" {
                input type="hidden" name="version" value=(todo.version);
                (place(filter, after))
                button.danger type="submit" { "Delete" }
            }
        }
    })
}

/// A page for what went wrong; `draft` is what was typed, to be copied.
pub fn failure(status: u16, title: &str, detail: &str, draft: Option<&str>) -> Markup {
    document(&format!("{title} · Todoozle"), &html! {
        section.card.failure data-status=(status) {
            h2 { (title) }
            p role="alert" { (detail) }
            @if let Some(text) = draft {
                label for="typed" { "What you typed" }
                input.field #typed type="text" readonly dir="auto" value=(text);
            }
            div.buttons { a.primary href="/" { "Back to the list" } }
        }
    })
}

fn document(title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" type="image/svg+xml" href=(assets::icon_path());
                link rel="stylesheet" href=(assets::css_path());
                script src=(assets::js_path()) defer {}
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
            (place(view.filter, None))
            label.visually-hidden for="new-todo" { "New todo" }
            input.new-todo #new-todo type="text" name="title" autofocus dir="auto" enterkeyhint="done"
                placeholder="What needs to be done?" value=(draft.map_or("", |draft| draft.title))
                aria-describedby="new-todo-error" aria-invalid=[draft.map(|_| "true")];
            button.add type="submit" aria-label="Add" { (icon("plus")) }
        }
        p.error #new-todo-error role="alert" { @if let Some(draft) = draft { (draft.error) } }
    }
}

fn item(todo: &Todo, filter: Filter, after: Option<Cursor>) -> Markup {
    let id = todo.id;
    html! {
        li.completed[todo.completed] data-id=(id) data-version=(todo.version) {
            div.view {
                form method="post" action={ "/items/" (id) "/toggle" } autocomplete="off" {
                    input type="hidden" name="version" value=(todo.version);
                    (place(filter, after))
                    button.toggle type="submit" role="checkbox" name="completed" value=(!todo.completed)
                        aria-checked=(todo.completed) aria-labelledby={ "title-" (id) } { (icon("check")) }
                }
                label #{ "title-" (id) } { bdi { (todo.title) } }
                a.edit-link #{ "edit-" (id) } href={ "/items/" (id) "/edit" (query(filter, after)) }
                    aria-label="Edit" aria-labelledby={ "edit-" (id) " title-" (id) } { (icon("pencil")) }
                form method="post" action={ "/items/" (id) "/destroy" } autocomplete="off" {
                    input type="hidden" name="version" value=(todo.version);
                    (place(filter, after))
                    button.destroy #{ "destroy-" (id) } type="submit"
                        aria-label="Delete" aria-labelledby={ "destroy-" (id) " title-" (id) } { (icon("cross")) }
                }
            }
            input.edit type="text" hidden dir="auto" autocomplete="off" enterkeyhint="done"
                aria-labelledby={ "edit-" (id) " title-" (id) };
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

fn footer(view: &ListView, none: bool) -> Markup {
    let Page { active, completed, .. } = view.page;
    html! {
        footer.footer hidden[none] data-active=(active.to_string()) data-completed=(completed.to_string()) {
            span.todo-count role="status" data-one="item left" data-other="items left" {
                strong { (active.to_string()) } " " span { (if active.is_one() { "item left" } else { "items left" }) }
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
                (place(view.filter, view.after))
                button.clear-completed type="submit" hidden[completed.is_zero()] { "Clear completed" }
            }
        }
        p.hint { "Double-click a todo to edit it" }
    }
}

/// The two regions that are read out when something is put into them.
fn notices(notice: Option<Notice>, here: &str) -> Markup {
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

fn bar(text: &str, here: &str) -> Markup {
    html! {
        div.notice {
            p { span { (text) } bdi.typed hidden {} }
            button.retry type="button" hidden { "Try again" }
            a.dismiss href=(here) aria-label="Dismiss" { (icon("cross")) }
        }
    }
}

fn for_the_script(filter: Filter, after: Option<Cursor>) -> Markup {
    let blank = Todo {
        id: 0,
        title: String::new(),
        completed: false,
        order: 0,
        version: 0,
        created_at: String::new(),
        updated_at: String::new(),
    };
    html! {
        template #item { (item(&blank, filter, after)) }
        template #notice { (bar("", &address(filter, after))) }
        template #error { p.error role="alert" {} }
        template #texts data-max=(Title::MAX_CHARS) data-too-long=(too_long()) data-control=(control())
            data-conflict=(Notice::Conflict.text()) data-missing=(Notice::Missing.text()) data-added=(Notice::Added.text())
            data-network="Todoozle can’t be reached, so this was not saved. Check your connection and try again."
            data-typed="You typed:" data-updated="Todoozle was updated." data-reload="Reload" {}
    }
}

/// The server's own message with `{}` where the script puts the number.
fn too_long() -> String {
    TitleError::TooLong(usize::MAX).to_string().replace(&usize::MAX.to_string(), "{}")
}

/// The server's own message with `{}` where the script puts the character.
fn control() -> String {
    Title::parse("a\u{1}b").map_or_else(|error| error.to_string().replace("U+0001", "{}"), |_| String::new())
}

/// The hidden fields that lead back to the same part of the list.
fn place(filter: Filter, after: Option<Cursor>) -> Markup {
    html! {
        input type="hidden" name="filter" value=(filter.as_str());
        @if let Some(after) = after { input type="hidden" name="after" value=(after.to_string()); }
    }
}

fn address(filter: Filter, after: Option<Cursor>) -> String {
    format!("/{}", query(filter, after))
}

fn query(filter: Filter, after: Option<Cursor>) -> String {
    match (filter, after) {
        (Filter::All, None) => String::new(),
        (filter, None) => format!("?filter={}", filter.as_str()),
        (filter, Some(after)) => format!("?filter={}&after={after}", filter.as_str()),
    }
}

fn label_of(filter: Filter) -> &'static str {
    match filter {
        Filter::All => "All",
        Filter::Active => "Active",
        Filter::Completed => "Completed",
    }
}

fn icon(name: &str) -> Markup {
    html! { svg.icon aria-hidden="true" { use href={ "#i-" (name) } {} } }
}

/// The shapes that `icon` uses, once a page.
fn sprite() -> Markup {
    html! {
        svg.sprite width="0" height="0" aria-hidden="true" {
            symbol #i-check viewBox="0 0 24 24" { path d="M6.5 12.5l3.8 3.8 7.4-8.1" pathLength="1" {} }
            symbol #i-pencil viewBox="0 0 24 24" { path d="M5 19l1-4L16 5l3 3L9 18z" {} path d="M13.5 7.5l3 3" {} }
            symbol #i-cross viewBox="0 0 24 24" { path d="M7 7l10 10M17 7L7 17" {} }
            symbol #i-plus viewBox="0 0 24 24" { path d="M12 5v14M5 12h14" {} }
            // Over an empty list: one that trails off into a curl.
            symbol #i-doodle viewBox="0 0 120 80" {
                circle cx="24" cy="24" r="9" {} path.tick d="M19.5 24l3.2 3.2 6-6.6" {} path d="M44 24h44" {}
                circle cx="24" cy="54" r="9" {} path d="M44 54h20c10 0 16-4 16-9s-8-6-9 0 5 14 18 12c6-1 10-4 13-8" {}
            }
        }
    }
}
