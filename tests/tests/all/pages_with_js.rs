//! `TodoMVC`'s behaviours with JavaScript: nothing loads a page.

use tests::page::Shown;
use tests::{App, Page, until};
use thirtyfour::Key;

mod editing;
mod hands;
mod keyboard;
mod routing;
mod when_the_server_is_away;

/// A page on an app with these todos, which must not be loaded again.
async fn page_with(titles: &[&str]) -> (App, Page) {
    let app = App::with_todos(titles).await;
    let page = Page::open(&app).await;
    page.stay().await;
    (app, page)
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
        app.has_saved(&["buy milk", "buy bread"]).await;
        page.is_still_here().await;
    }

    #[tokio::test]
    async fn it_is_trimmed() {
        let (app, page) = page_with(&[]).await;
        page.add("  \u{3000} buy milk  ").await;
        page.shows(["buy milk"]).await;
        app.has_saved(&["buy milk"]).await;
    }

    #[tokio::test]
    async fn nothing_is_created_from_nothing() {
        let (app, page) = page_with(&["buy milk"]).await;
        page.add("   ").await;
        page.add("buy bread").await;
        app.has_saved(&["buy milk", "buy bread"]).await;
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
        app.has_saved(&["a", "b", "c", "d"]).await;
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
        app.has_completed(&["a", "b", "c"]).await;
        page.toggle_all().await;
        page.comes_to_show("none completed", |shown| {
            shown.completed().is_empty() && !shown.all_checked()
        })
        .await;
        app.has_completed(&[]).await;
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
        app.has_completed(&["b"]).await;
        page.toggle("b").await;
        page.shows_completed([]).await;
        app.has_completed(&[]).await;
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
        app.has_saved(&["b"]).await;
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
        app.has_saved(&["b"]).await;
        page.is_still_here().await;
    }
}

mod persistence {
    use super::*;

    #[tokio::test]
    async fn todos_stay_through_a_reload_and_editing_does_not() {
        let (app, page) = page_with(&["a", "b"]).await;
        page.toggle("a").await;
        app.has_completed(&["a"]).await;
        page.double_click("b").await;
        page.comes_to_show("the editor", |shown| shown.editing() == ["b"]).await;
        page.reload().await;
        page.comes_to_show("the list without an editor", |shown| {
            shown.titles() == ["a", "b"] && shown.completed() == ["a"] && shown.editing().is_empty()
        })
        .await;
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
    app.has_saved(&["a", "c"]).await;
    page.choose("Active").await;
    page.shows(["c"]).await;
    page.destroy("c").await;
    page.shows([]).await;
    app.has_saved(&["a"]).await;
    assert_eq!(page.console_errors().await, [""; 0]);
}
