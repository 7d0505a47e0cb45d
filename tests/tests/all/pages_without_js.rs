//! Every flow in a browser whose user has turned JavaScript off: links and
//! forms alone. The behaviours are `TodoMVC`'s.

use serde_json::json;
use tests::{App, Page};
use thirtyfour::Key;

mod editing;
mod paging;

/// A page without JavaScript on an app with these todos.
async fn page_with(titles: &[&str]) -> (App, Page) {
    let app = App::with_todos(titles).await;
    let page = Page::without_javascript(&app).await;
    (app, page)
}

#[tokio::test]
async fn without_todos_there_is_no_list_and_no_footer() {
    let (_app, page) = page_with(&[]).await;
    page.comes_to_show("no list", |shown| !shown.main() && !shown.footer()).await;
    page.add("buy milk").await;
    page.comes_to_show("a list", |shown| shown.main() && shown.footer()).await;
    page.destroy("buy milk").await;
    page.comes_to_show("no list again", |shown| !shown.main() && !shown.footer()).await;
}

#[tokio::test]
async fn the_input_has_the_focus_when_the_page_comes() {
    let (_app, page) = page_with(&[]).await;
    page.comes_to_show("the focus in the input", |shown| shown.focus() == "new-todo").await;
    page.press("buy milk" + Key::Enter).await;
    page.shows(["buy milk"]).await;
    page.comes_to_show("the focus again", |shown| shown.focus() == "new-todo").await;
}

#[tokio::test]
async fn a_new_todo_is_appended_and_the_input_is_cleared() {
    let (app, page) = page_with(&["buy milk"]).await;
    page.add("buy bread").await;
    page.shows(["buy milk", "buy bread"]).await;
    page.comes_to_show("an empty input", |shown| shown.typed().is_empty()).await;
    assert_eq!(app.titles().await, ["buy milk", "buy bread"]);
}

#[tokio::test]
async fn the_button_adds_as_well_as_enter_does() {
    let (_app, page) = page_with(&[]).await;
    page.find(".new-todo").await.send_keys("buy milk").await.unwrap();
    page.click(".new-todo-form button").await;
    page.shows(["buy milk"]).await;
}

#[tokio::test]
async fn a_title_is_trimmed() {
    let (_app, page) = page_with(&[]).await;
    page.add("   buy milk   ").await;
    page.shows(["buy milk"]).await;
}

#[tokio::test]
async fn an_empty_title_adds_nothing_and_says_why() {
    let (app, page) = page_with(&["buy milk"]).await;
    page.add("   ").await;
    page.says("empty").await;
    page.shows(["buy milk"]).await;
    assert_eq!(app.titles().await, ["buy milk"]);
}

#[tokio::test]
async fn a_refused_title_stays_in_its_input_with_the_reason_tied_to_it() {
    let (_app, page) = page_with(&["buy milk"]).await;
    let long = "x".repeat(257);
    page.add(&long).await;
    page.says("257 characters").await;
    page.comes_to_show("the text and the list", |shown| {
        shown.typed() == long && shown.titles() == ["buy milk"]
    })
    .await;
    let input = page.find(".new-todo").await;
    assert_eq!(input.attr("aria-invalid").await.unwrap().as_deref(), Some("true"));
    let reason = input.attr("aria-describedby").await.unwrap().expect("the input names its reason");
    assert!(page.find(&format!("#{reason}")).await.text().await.unwrap().contains("257"));
}

#[tokio::test]
async fn a_click_on_the_checkbox_completes_a_todo_and_another_takes_it_back() {
    let (app, page) = page_with(&["buy milk", "buy bread"]).await;
    page.toggle("buy bread").await;
    page.shows_completed(["buy bread"]).await;
    assert_eq!(app.list().await[1]["completed"], true);
    page.toggle("buy bread").await;
    page.shows_completed([]).await;
    assert_eq!(app.list().await[1]["completed"], false);
}

#[tokio::test]
async fn a_checkbox_works_by_keyboard() {
    let (_app, page) = page_with(&["buy milk"]).await;
    page.part("buy milk", ".toggle").await.send_keys(" ").await.unwrap();
    page.shows_completed(["buy milk"]).await;
    page.part("buy milk", ".toggle").await.send_keys(Key::Enter).await.unwrap();
    page.shows_completed([]).await;
}

#[tokio::test]
async fn all_are_marked_as_complete_at_once_and_back() {
    let (_app, page) = page_with(&["a", "b", "c"]).await;
    page.toggle("b").await;
    page.shows_completed(["b"]).await;
    page.toggle_all().await;
    page.shows_completed(["a", "b", "c"]).await;
    page.toggle_all().await;
    page.shows_completed([]).await;
}

#[tokio::test]
async fn the_mark_for_all_follows_the_single_ones() {
    let (_app, page) = page_with(&["a", "b"]).await;
    page.toggle("a").await;
    page.comes_to_show("one completed, the mark off", |shown| {
        shown.completed() == ["a"] && !shown.all_checked()
    })
    .await;
    page.toggle("b").await;
    page.comes_to_show("both completed, the mark on", |shown| {
        shown.completed().len() == 2 && shown.all_checked()
    })
    .await;
    page.toggle("a").await;
    page.comes_to_show("the mark off again", |shown| {
        shown.completed() == ["b"] && !shown.all_checked()
    })
    .await;
}

#[tokio::test]
async fn a_todo_is_deleted_by_its_button() {
    let (app, page) = page_with(&["buy milk", "buy bread"]).await;
    page.destroy("buy milk").await;
    page.shows(["buy bread"]).await;
    assert_eq!(app.titles().await, ["buy bread"]);
}

#[tokio::test]
async fn a_click_on_an_out_of_date_page_is_answered_by_what_is_there_now() {
    let (app, page) = page_with(&["buy milk"]).await;
    let todo = app.list().await.remove(0);
    app.change(&todo, json!({ "title": "buy oat milk" })).await;
    page.destroy("buy milk").await;
    page.says("changed somewhere else").await;
    page.shows(["buy oat milk"]).await;
    // A tick and a title do not touch each other.
    app.change(&todo, json!({ "title": "buy rice milk" })).await;
    page.toggle("buy oat milk").await;
    page.shows_completed(["buy rice milk"]).await;
    app.remove(&todo).await;
    page.destroy("buy rice milk").await;
    page.says("Deleted.").await;
    page.shows([]).await;
}

#[tokio::test]
async fn the_counter_counts_the_active_ones_in_words_that_fit() {
    let (_app, page) = page_with(&["a", "b"]).await;
    for (count, number, next) in
        [("2 items left", "2", "a"), ("1 item left", "1", "b"), ("0 items left", "0", "b")]
    {
        page.comes_to_show(count, |shown| shown.count() == count && shown.number() == number).await;
        page.toggle(next).await;
    }
}

#[tokio::test]
async fn completed_todos_are_cleared_by_a_button_that_is_there_only_then() {
    let (app, page) = page_with(&["a", "b", "c"]).await;
    page.comes_to_show("no button", |shown| shown.titles().len() == 3 && !shown.clear_completed())
        .await;
    page.toggle_all().await;
    page.comes_to_show("the button", |shown| shown.clear_completed() && shown.all_checked()).await;
    page.toggle("b").await;
    page.shows_completed(["a", "c"]).await;
    page.clear_completed().await;
    page.shows(["b"]).await;
    page.comes_to_show("no button, no mark", |shown| {
        !shown.clear_completed() && !shown.all_checked()
    })
    .await;
    assert_eq!(app.titles().await, ["b"]);
}

#[tokio::test]
async fn filters_are_links_that_show_which_one_is_chosen() {
    let (_app, page) = page_with(&["a", "b"]).await;
    page.toggle("b").await;
    page.shows_completed(["b"]).await;
    for (filter, titles, place) in [
        ("Active", vec!["a"], "/?filter=active"),
        ("Completed", vec!["b"], "/?filter=completed"),
        ("All", vec!["a", "b"], "/"),
    ] {
        page.choose(filter).await;
        page.comes_to_show(filter, |shown| shown.filter() == filter && shown.titles() == titles)
            .await;
        page.arrives_at(place).await;
    }
}

#[tokio::test]
async fn a_filter_stays_through_a_reload_and_through_every_form() {
    let (_app, page) = page_with(&["a", "b", "c"]).await;
    page.go("/?filter=active").await;
    page.reload().await;
    page.comes_to_show("the filter", |shown| shown.filter() == "Active").await;
    page.toggle("a").await;
    page.shows(["b", "c"]).await;
    page.add("d").await;
    page.shows(["b", "c", "d"]).await;
    page.destroy("b").await;
    page.shows(["c", "d"]).await;
    editing::open(&page, "c").await;
    editing::save(&page, "e").await;
    page.shows(["e", "d"]).await;
    page.clear_completed().await;
    page.comes_to_show("nothing to clear", |shown| !shown.clear_completed()).await;
    page.toggle_all().await;
    page.shows([]).await;
    page.arrives_at("/?filter=active").await;
}

#[tokio::test]
async fn todos_stay_through_a_reload() {
    let (_app, page) = page_with(&[]).await;
    page.add("buy milk").await;
    page.toggle("buy milk").await;
    page.shows_completed(["buy milk"]).await;
    page.reload().await;
    page.shows(["buy milk"]).await;
    page.shows_completed(["buy milk"]).await;
}

#[tokio::test]
async fn neither_a_reload_nor_the_back_button_adds_anything_again() {
    let (app, page) = page_with(&[]).await;
    page.add("buy milk").await;
    page.shows(["buy milk"]).await;
    page.reload().await;
    page.shows(["buy milk"]).await;
    page.back().await;
    page.forward().await;
    page.add("buy bread").await;
    page.shows(["buy milk", "buy bread"]).await;
    assert_eq!(app.titles().await, ["buy milk", "buy bread"]);
}

#[tokio::test]
async fn a_message_goes_away_by_its_link() {
    let (_app, page) = page_with(&["buy milk"]).await;
    page.destroy("buy milk").await;
    page.says("Deleted").await;
    page.click(".dismiss").await;
    page.comes_to_show("no message", tests::page::Shown::says_nothing).await;
}

#[tokio::test]
async fn a_message_shifts_nothing_and_the_second_click_of_a_double_click_does_nothing() {
    let (_app, page) = page_with(&["one", "two"]).await;
    page.destroy("one").await;
    page.says("Deleted").await;
    // Scripts of the page are off; these are the driver's.
    page.comes_to("getComputedStyle(document.querySelector('.notices')).position === 'fixed'")
        .await;
    // Nobody who wants less motion clicks less often; and a link leads to another page just as an act does.
    page.emulate("prefers-reduced-motion", "reduce").await;
    for place in [None, Some("/"), Some("/?filter=active")] {
        if let Some(place) = place {
            page.go(place).await;
        }
        for part in [".main", ".footer"] {
            let now = format!("getComputedStyle(document.querySelector('{part}')).animationName");
            page.comes_to(&format!("{now} === 'settle'")).await;
        }
    }
}
