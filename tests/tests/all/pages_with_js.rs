//! `TodoMVC`'s behaviours with JavaScript: nothing loads a page.

use serde_json::json;
use tests::host::Up;
use tests::page::Shown;
use tests::{App, Database, Gate, Host, Page, Project, until};
use thirtyfour::Key;

async fn app_with(titles: &[&str]) -> App {
    let app = App::start().await;
    for title in titles {
        app.add(title).await;
    }
    app
}

/// A page on an app with these todos, which must not be loaded again.
async fn page_with(titles: &[&str]) -> (App, Page) {
    let app = app_with(titles).await;
    let page = Page::open(&app).await;
    page.stay().await;
    (app, page)
}

/// Waits until the server has these titles: what is shown comes first.
async fn has_saved(app: &App, titles: &[&str]) {
    until(&format!("the server has {titles:?}"), async || {
        (app.titles().await == titles).then_some(())
    })
    .await;
}

mod no_todos {
    use super::*;

    #[tokio::test]
    async fn list_and_footer_are_hidden_as_long_as_there_are_none() {
        let (_app, page) = page_with(&[]).await;
        page.comes_to_show("no list", |shown| !shown.main() && !shown.footer()).await;
        page.add("buy milk").await;
        page.comes_to_show("a list", |shown| shown.main() && shown.footer()).await;
        page.destroy("buy milk").await;
        page.comes_to_show("no list again", |shown| !shown.main() && !shown.footer()).await;
        page.is_still_here().await;
    }
}

mod new_todo {
    use super::*;

    #[tokio::test]
    async fn the_input_has_the_focus_when_the_page_comes() {
        let (_app, page) = page_with(&[]).await;
        page.comes_to_show("the focus in the input", |shown| shown.focus() == "new-todo").await;
    }

    #[tokio::test]
    async fn enter_appends_it_and_clears_the_input() {
        let (app, page) = page_with(&["buy milk"]).await;
        page.press("buy bread" + Key::Enter).await;
        page.shows(["buy milk", "buy bread"]).await;
        page.comes_to_show("an empty input with the focus", |shown| {
            shown.typed().is_empty() && shown.focus() == "new-todo"
        })
        .await;
        has_saved(&app, &["buy milk", "buy bread"]).await;
        page.is_still_here().await;
    }

    #[tokio::test]
    async fn it_is_trimmed() {
        let (app, page) = page_with(&[]).await;
        page.add("  \u{3000} buy milk  ").await;
        page.shows(["buy milk"]).await;
        has_saved(&app, &["buy milk"]).await;
    }

    #[tokio::test]
    async fn nothing_is_created_from_nothing() {
        let (app, page) = page_with(&["buy milk"]).await;
        page.add("   ").await;
        page.add("buy bread").await;
        has_saved(&app, &["buy milk", "buy bread"]).await;
        page.is_still_here().await;
    }

    #[tokio::test]
    async fn one_that_is_too_long_stays_in_the_input_with_the_reason() {
        let (app, page) = page_with(&["buy milk"]).await;
        let long = "👍".repeat(257);
        page.run(&format!("document.querySelector('.new-todo').value = '{long}'")).await;
        page.press(Key::Enter).await;
        page.says("257 characters").await;
        page.comes_to_show("the text", |shown| {
            shown.typed() == long && shown.titles() == ["buy milk"]
        })
        .await;
        assert_eq!(app.titles().await, ["buy milk"]);
    }

    #[tokio::test]
    async fn several_in_a_row_keep_their_order() {
        let (app, page) = page_with(&[]).await;
        page.press("a" + Key::Enter + "b" + Key::Enter + "c" + Key::Enter + "d" + Key::Enter).await;
        page.shows(["a", "b", "c", "d"]).await;
        has_saved(&app, &["a", "b", "c", "d"]).await;
        page.reload().await;
        page.shows(["a", "b", "c", "d"]).await;
    }
}

mod mark_all_as_complete {
    use super::*;

    #[tokio::test]
    async fn it_completes_all_and_takes_all_back() {
        let (app, page) = page_with(&["a", "b", "c"]).await;
        page.toggle("b").await;
        page.shows_completed(["b"]).await;
        page.toggle_all().await;
        page.comes_to_show("all completed", |shown| {
            shown.completed().len() == 3 && shown.all_checked()
        })
        .await;
        until("the server knows", async || {
            app.list().await.iter().all(|todo| todo["completed"] == true).then_some(())
        })
        .await;
        page.toggle_all().await;
        page.comes_to_show("none completed", |shown| {
            shown.completed().is_empty() && !shown.all_checked()
        })
        .await;
        until("the server knows", async || {
            app.list().await.iter().all(|todo| todo["completed"] == false).then_some(())
        })
        .await;
        page.is_still_here().await;
    }

    #[tokio::test]
    async fn it_follows_the_single_checkboxes() {
        let (_app, page) = page_with(&["a", "b"]).await;
        page.toggle("a").await;
        page.toggle("b").await;
        page.comes_to_show("the mark", Shown::all_checked).await;
        page.toggle("a").await;
        page.comes_to_show("no mark", |shown| !shown.all_checked()).await;
    }

    #[tokio::test]
    async fn it_is_taken_off_when_completed_todos_are_cleared() {
        let (_app, page) = page_with(&["a", "b"]).await;
        page.toggle_all().await;
        page.comes_to_show("the mark", Shown::all_checked).await;
        page.clear_completed().await;
        page.shows([]).await;
        page.add("c").await;
        page.comes_to_show("a todo, and no mark", |shown| {
            shown.titles() == ["c"] && !shown.all_checked()
        })
        .await;
        page.is_still_here().await;
    }
}

mod item {
    use super::*;

    #[tokio::test]
    async fn a_click_on_its_checkbox_completes_it() {
        let (app, page) = page_with(&["a", "b"]).await;
        page.toggle("b").await;
        page.shows_completed(["b"]).await;
        until("the server knows", async || {
            (app.list().await[1]["completed"] == true).then_some(())
        })
        .await;
        page.toggle("b").await;
        page.shows_completed([]).await;
        until("the server knows", async || {
            (app.list().await[1]["completed"] == false).then_some(())
        })
        .await;
        page.is_still_here().await;
    }

    #[tokio::test]
    async fn its_checkbox_works_by_keyboard() {
        let (_app, page) = page_with(&["a"]).await;
        page.part("a", ".toggle").await.send_keys(" ").await.unwrap();
        page.shows_completed(["a"]).await;
        page.part("a", ".toggle").await.send_keys(Key::Enter).await.unwrap();
        page.shows_completed([]).await;
    }

    #[tokio::test]
    async fn hovering_shows_the_button_that_removes_it() {
        let (app, page) = page_with(&["a", "b"]).await;
        let opacity = "getComputedStyle(document.querySelector('[data-id] .destroy')).opacity";
        page.comes_to(&format!("{opacity} === '0'")).await;
        page.hover("a").await;
        page.comes_to(&format!("{opacity} === '1'")).await;
        page.destroy("a").await;
        page.shows(["b"]).await;
        has_saved(&app, &["b"]).await;
        page.is_still_here().await;
    }

    #[tokio::test]
    async fn many_clicks_in_a_row_end_where_the_last_one_put_it() {
        let (app, page) = page_with(&["a"]).await;
        for _ in 0..7 {
            page.toggle("a").await;
        }
        page.shows_completed(["a"]).await;
        until("the server has seen all seven", async || {
            (app.list().await[0]["version"] == 8).then_some(())
        })
        .await;
        assert_eq!(app.list().await[0]["completed"], true);
        page.comes_to_show("no message", Shown::says_nothing).await;
    }
}

mod editing {
    use super::*;

    /// A page where the first of these is being edited.
    async fn editing(titles: &[&str]) -> (App, Page) {
        let (app, page) = page_with(titles).await;
        page.double_click(titles[0]).await;
        page.comes_to_show("the editor with the focus", |shown| {
            shown.editing() == [titles[0]] && shown.focus() == "edit"
        })
        .await;
        (app, page)
    }

    #[tokio::test]
    async fn a_double_click_shows_the_title_in_an_input_and_hides_the_rest() {
        let (_app, page) = editing(&["buy milk", "buy bread"]).await;
        page.comes_to("document.activeElement.value === 'buy milk'").await;
        page.comes_to("!document.querySelector('.editing .view').checkVisibility({ visibilityProperty: true })").await;
        page.is_still_here().await;
    }

    #[tokio::test]
    async fn the_edit_link_does_the_same_without_a_page_load() {
        let (_app, page) = page_with(&["buy milk"]).await;
        page.hover("buy milk").await;
        page.part("buy milk", ".edit-link").await.click().await.unwrap();
        page.comes_to_show("the editor", |shown| {
            shown.editing() == ["buy milk"] && shown.focus() == "edit"
        })
        .await;
        page.is_still_here().await;
    }

    #[tokio::test]
    async fn enter_saves() {
        let (app, page) = editing(&["buy milk", "buy bread"]).await;
        page.retype("buy oat milk").await;
        page.press(Key::Enter).await;
        page.comes_to_show("the new title", |shown| {
            shown.titles() == ["buy oat milk", "buy bread"] && shown.editing().is_empty()
        })
        .await;
        has_saved(&app, &["buy oat milk", "buy bread"]).await;
        page.is_still_here().await;
    }

    #[tokio::test]
    async fn blur_saves() {
        let (app, page) = editing(&["buy milk"]).await;
        page.retype("buy oat milk").await;
        page.click("h1").await;
        page.comes_to_show("the new title", |shown| {
            shown.titles() == ["buy oat milk"] && shown.editing().is_empty()
        })
        .await;
        has_saved(&app, &["buy oat milk"]).await;
    }

    #[tokio::test]
    async fn escape_discards() {
        let (app, page) = editing(&["buy milk"]).await;
        page.retype("something else").await;
        page.press(Key::Escape).await;
        page.comes_to_show("the old title", |shown| {
            shown.titles() == ["buy milk"] && shown.editing().is_empty()
        })
        .await;
        page.add("buy bread").await; // later writes do not bring it back
        has_saved(&app, &["buy milk", "buy bread"]).await;
        page.is_still_here().await;
    }

    #[tokio::test]
    async fn the_title_is_trimmed() {
        let (app, page) = editing(&["buy milk"]).await;
        page.retype("   buy oat milk  ").await;
        page.press(Key::Enter).await;
        page.shows(["buy oat milk"]).await;
        has_saved(&app, &["buy oat milk"]).await;
    }

    #[tokio::test]
    async fn an_empty_title_destroys_the_todo() {
        for empty in ["", "   "] {
            let (app, page) = editing(&["buy milk", "buy bread"]).await;
            page.retype(empty).await;
            page.press(Key::Enter).await;
            page.shows(["buy bread"]).await;
            has_saved(&app, &["buy bread"]).await;
            page.is_still_here().await;
        }
    }

    #[tokio::test]
    async fn a_title_that_is_too_long_keeps_the_editor_open_with_the_reason() {
        let (app, page) = editing(&["buy milk"]).await;
        page.run(&format!("document.activeElement.value = '{}'", "x".repeat(257))).await;
        page.press(Key::Enter).await;
        page.says("257 characters").await;
        page.comes_to_show("the editor", |shown| shown.editing() == ["buy milk"]).await;
        assert_eq!(app.titles().await, ["buy milk"]);
    }

    #[tokio::test]
    async fn what_is_changed_elsewhere_meanwhile_does_not_disturb_the_editor() {
        let (app, page) = editing(&["buy milk"]).await;
        page.retype("buy soy milk").await;
        app.add("from elsewhere").await;
        page.comes_to_show("the other todo", |shown| shown.titles().contains(&"from elsewhere"))
            .await;
        page.comes_to("document.activeElement.value === 'buy soy milk'").await;
        page.press(Key::Enter).await;
        has_saved(&app, &["buy soy milk", "from elsewhere"]).await;
    }

    #[tokio::test]
    async fn an_edit_of_what_was_changed_elsewhere_is_not_lost_and_does_not_overwrite() {
        let (app, page) = editing(&["buy milk"]).await;
        let todo = app.list().await.remove(0);
        page.retype("buy soy milk").await;
        app.change(&todo, json!({ "title": "buy oat milk" })).await;
        page.press(Key::Enter).await;
        page.says("changed somewhere else").await;
        page.says("buy soy milk").await;
        page.shows(["buy oat milk"]).await;
        assert_eq!(app.titles().await, ["buy oat milk"]);
        page.click(".retry").await;
        page.shows(["buy soy milk"]).await;
        has_saved(&app, &["buy soy milk"]).await;
    }
}

mod counter {
    use super::*;

    #[tokio::test]
    async fn it_counts_the_active_ones_in_words_that_fit() {
        let (_app, page) = page_with(&["a", "b"]).await;
        page.comes_to_show("two", |shown| shown.count() == "2 items left" && shown.number() == "2")
            .await;
        page.toggle("a").await;
        page.comes_to_show("one", |shown| shown.count() == "1 item left" && shown.number() == "1")
            .await;
        page.destroy("b").await;
        page.comes_to_show("none", |shown| {
            shown.count() == "0 items left" && shown.number() == "0"
        })
        .await;
        page.add("c").await;
        page.counts("1 item left").await;
    }
}

mod clear_completed {
    use super::*;

    #[tokio::test]
    async fn the_button_removes_them_and_is_hidden_when_there_are_none() {
        let (app, page) = page_with(&["a", "b", "c"]).await;
        page.comes_to_show("no button", |shown| !shown.clear_completed()).await;
        page.toggle("a").await;
        page.toggle("c").await;
        page.comes_to_show("the button", |shown| {
            shown.clear_completed() && shown.completed() == ["a", "c"]
        })
        .await;
        page.clear_completed().await;
        page.comes_to_show("the rest", |shown| shown.titles() == ["b"] && !shown.clear_completed())
            .await;
        has_saved(&app, &["b"]).await;
        page.is_still_here().await;
    }
}

mod persistence {
    use super::*;

    #[tokio::test]
    async fn todos_stay_through_a_reload_and_editing_does_not() {
        let (app, page) = page_with(&["a", "b"]).await;
        page.toggle("a").await;
        until("the server knows", async || {
            (app.list().await[0]["completed"] == true).then_some(())
        })
        .await;
        page.double_click("b").await;
        page.comes_to_show("the editor", |shown| shown.editing() == ["b"]).await;
        page.reload().await;
        page.comes_to_show("the list without an editor", |shown| {
            shown.titles() == ["a", "b"] && shown.completed() == ["a"] && shown.editing().is_empty()
        })
        .await;
    }
}

mod routing {
    use super::*;

    #[tokio::test]
    async fn a_filter_shows_its_todos_and_itself_as_chosen() {
        let (_app, page) = page_with(&["a", "b"]).await;
        page.toggle("b").await;
        for (filter, titles, place) in [
            ("Active", vec!["a"], "/?filter=active"),
            ("Completed", vec!["b"], "/?filter=completed"),
            ("All", vec!["a", "b"], "/"),
        ] {
            page.choose(filter).await;
            page.comes_to_show(filter, |shown| {
                shown.filter() == filter && shown.titles() == titles
            })
            .await;
            page.arrives_at(place).await;
        }
        page.is_still_here().await;
    }

    #[tokio::test]
    async fn the_back_button_goes_from_filter_to_filter() {
        let (_app, page) = page_with(&["a", "b"]).await;
        page.toggle("b").await;
        page.choose("Active").await;
        page.arrives_at("/?filter=active").await;
        page.choose("Completed").await;
        page.shows(["b"]).await;
        page.arrives_at("/?filter=completed").await;
        page.back().await;
        page.comes_to_show("the active ones", |shown| {
            shown.filter() == "Active" && shown.titles() == ["a"]
        })
        .await;
        page.back().await;
        page.comes_to_show("all", |shown| shown.filter() == "All" && shown.titles() == ["a", "b"])
            .await;
        page.forward().await;
        page.comes_to_show("the active ones again", |shown| {
            shown.filter() == "Active" && shown.titles() == ["a"]
        })
        .await;
        page.is_still_here().await;
    }

    #[tokio::test]
    async fn a_todo_leaves_a_filter_that_it_does_not_fit_any_more() {
        let (_app, page) = page_with(&["a", "b"]).await;
        page.choose("Active").await;
        page.arrives_at("/?filter=active").await;
        page.toggle("a").await;
        page.shows(["b"]).await;
        page.choose("Completed").await;
        page.shows(["a"]).await;
        page.toggle("a").await;
        page.shows([]).await;
        page.is_still_here().await;
    }

    #[tokio::test]
    async fn a_filter_stays_through_a_reload() {
        let (_app, page) = page_with(&["a", "b"]).await;
        page.toggle("b").await;
        page.choose("Completed").await;
        page.shows(["b"]).await;
        page.arrives_at("/?filter=completed").await;
        page.reload().await;
        page.comes_to_show("the same", |shown| {
            shown.filter() == "Completed" && shown.titles() == ["b"]
        })
        .await;
    }

    #[tokio::test]
    async fn a_long_list_is_read_page_by_page_without_a_page_load() {
        let app = App::start().await;
        app.database.fill(60).await;
        let page = Page::open(&app).await;
        page.stay().await;
        page.comes_to_show("the first page", |shown| shown.titles().len() == 50).await;
        page.click("a[rel=next]").await;
        page.comes_to_show("the second page", |shown| {
            shown.titles().first() == Some(&"title 51") && shown.titles().len() == 10
        })
        .await;
        page.back().await;
        page.comes_to_show("the first page", |shown| shown.titles().first() == Some(&"title 1"))
            .await;
        page.is_still_here().await;
    }
}

mod when_the_server_is_away {
    use super::*;

    /// A page, and the way to the database, which can be cut.
    async fn page_behind_a_gate(titles: &[&str]) -> (Gate, Database, Host, Page) {
        let database = Database::new().await;
        for title in titles {
            database.execute(&format!("INSERT INTO todoitem (task) VALUES ('{title}')")).await;
        }
        let gate = Gate::opened(&database);
        let host = Up::on(gate.url(), Project::new()).start().await;
        let page = Page::on(&host).await;
        page.stay().await;
        (gate, database, host, page)
    }

    #[tokio::test]
    async fn a_new_todo_is_taken_back_with_a_message_and_the_text_is_kept() {
        let (mut gate, database, _host, page) = page_behind_a_gate(&["a"]).await;
        gate.close().await;
        page.add("precious words").await;
        page.comes_to_show("the old list, the text and a message", |shown| {
            shown.titles() == ["a"] && shown.typed() == "precious words" && !shown.says_nothing()
        })
        .await;
        gate.open();
        page.press(Key::Enter).await;
        page.shows(["a", "precious words"]).await;
        until("it is saved once", async || {
            (database.titles().await == ["a", "precious words"]).then_some(())
        })
        .await;
        page.is_still_here().await;
    }

    #[tokio::test]
    async fn a_tick_a_deletion_and_an_edit_are_taken_back() {
        let (mut gate, database, _host, page) = page_behind_a_gate(&["a", "b", "c"]).await;
        gate.close().await;
        page.toggle("a").await;
        page.comes_to_show("a message", |shown| {
            !shown.says_nothing() && shown.completed().is_empty()
        })
        .await;
        page.destroy("b").await;
        page.comes_to_show("a message", |shown| {
            !shown.says_nothing() && shown.titles() == ["a", "b", "c"]
        })
        .await;
        page.double_click("c").await;
        page.comes_to_show("the editor", |shown| shown.editing() == ["c"]).await;
        page.retype("precious words").await;
        page.press(Key::Enter).await;
        page.says("precious words").await;
        page.comes_to_show("the old titles", |shown| shown.titles() == ["a", "b", "c"]).await;
        gate.open();
        page.click(".retry").await;
        page.shows(["a", "b", "precious words"]).await;
        until("it is saved", async || {
            (database.titles().await == ["a", "b", "precious words"]).then_some(())
        })
        .await;
    }

    #[tokio::test]
    async fn marking_all_and_clearing_are_taken_back() {
        let (mut gate, _database, _host, page) = page_behind_a_gate(&["a", "b"]).await;
        page.toggle("a").await;
        page.shows_completed(["a"]).await;
        page.choose("All").await; // waits for the server, so the tick is saved
        page.shows(["a", "b"]).await;
        gate.close().await;
        page.toggle_all().await;
        page.comes_to_show("a message", |shown| {
            !shown.says_nothing() && shown.completed() == ["a"]
        })
        .await;
        page.clear_completed().await;
        page.comes_to_show("a message", |shown| {
            !shown.says_nothing() && shown.titles() == ["a", "b"]
        })
        .await;
        page.is_still_here().await;
    }

    #[tokio::test]
    async fn a_todo_added_while_the_host_is_gone_is_kept_as_text() {
        let (_gate, _database, host, page) = page_behind_a_gate(&["a"]).await;
        host.stop().await;
        page.add("precious words").await;
        page.comes_to_show("the text and a message", |shown| {
            shown.typed() == "precious words" && !shown.says_nothing()
        })
        .await;
        page.is_still_here().await;
    }
}

#[tokio::test]
async fn a_working_page_writes_no_error_to_the_console() {
    let (app, page) = page_with(&["a"]).await;
    page.add("b").await;
    page.toggle("a").await;
    page.double_click("b").await;
    page.retype("c").await;
    page.press(Key::Enter).await;
    has_saved(&app, &["a", "c"]).await;
    page.choose("Active").await;
    page.shows(["c"]).await;
    page.destroy("c").await;
    page.shows([]).await;
    has_saved(&app, &["a"]).await;
    assert_eq!(page.console_errors().await, [""; 0]);
}
