//! The page of the list, with the markup of the component's.

use maud::{DOCTYPE, Markup, html};

use crate::Todo;

pub fn list(todos: &[Todo], active: i64, completed: i64) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Todoozle" }
                link rel="stylesheet" href="/assets/app.css";
                script type="module" src="/assets/app.js" {}
            }
            body {
                main {
                    section.todoapp {
                        header.header { h1 { a href="/" { "Todoozle" } } }
                        form.new-todo-form method="post" action="/new_item" autocomplete="off" {
                            label.visually-hidden for="new-todo" { "New todo" }
                            input.new-todo #new-todo type="text" name="title" autofocus dir="auto"
                                placeholder="What needs to be done?";
                            button.add type="submit" aria-label="Add" {}
                        }
                        ul.todo-list role="list" aria-label="Todos" {
                            @for todo in todos { (item(todo)) }
                        }
                        footer.footer data-active=(active) data-completed=(completed) {
                            span.todo-count role="status" { strong { (active) } " items left" }
                        }
                    }
                }
            }
        }
    }
}

fn item(todo: &Todo) -> Markup {
    let id = todo.id;
    html! {
        li.completed[todo.completed] data-id=(id) data-version=(todo.version) {
            div.view {
                form #{ "toggle-" (id) } method="post" action={ "/items/" (id) "/toggle" } autocomplete="off" {
                    input type="hidden" name="version" value=(todo.version);
                    button.toggle type="submit" role="checkbox" name="completed" value=(!todo.completed)
                        aria-checked=(todo.completed) aria-labelledby={ "title-" (id) } {}
                }
                div.words {
                    label #{ "title-" (id) } { bdi { (todo.title) } }
                    @if todo.due.is_some() || !todo.notes.is_empty() {
                        p.more {
                            @if let Some(due) = &todo.due { span.due { "Due " time datetime=(due) { (due) } } " " }
                            bdi.notes { (todo.notes) }
                        }
                    }
                }
                button.grip #{ "grip-" (id) } type="button"
                    aria-label="Move" aria-labelledby={ "grip-" (id) " title-" (id) } aria-describedby="grip-help" {}
                a.edit-link #{ "edit-" (id) } href={ "/items/" (id) "/edit" }
                    aria-label="Edit" aria-labelledby={ "edit-" (id) " title-" (id) } {}
                form method="post" action={ "/items/" (id) "/destroy" } autocomplete="off" {
                    input type="hidden" name="version" value=(todo.version);
                    button.destroy #{ "destroy-" (id) } type="submit"
                        aria-label="Delete" aria-labelledby={ "destroy-" (id) " title-" (id) } {}
                }
            }
            textarea.edit rows="1" hidden dir="auto" autocomplete="off" enterkeyhint="done"
                aria-label="Edit todo" aria-describedby={ "error-" (id) } {}
            p.error #{ "error-" (id) } role="alert" {}
            a.details href={ "/items/" (id) "/edit" } { "Date, notes, steps" }
        }
    }
}
