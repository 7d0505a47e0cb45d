//! Every flow in a browser whose user has turned JavaScript off: links and
//! forms alone. The behaviours are `TodoMVC`'s.

use serde_json::json;
use tests::{App, Page};
use thirtyfour::Key;

#[tokio::test]
async fn without_todos_there_is_no_list_and_no_footer() {
    let app = App::start().await;
    let page = Page::without_javascript(&app).await;
    page.comes_to_show("no list", |shown| !shown.main() && !shown.footer()).await;
    page.add("buy milk").await;
    page.comes_to_show("a list", |shown| shown.main() && shown.footer()).await;
    page.destroy("buy milk").await;
    page.comes_to_show("no list again", |shown| !shown.main() && !shown.footer()).await;
}

#[tokio::test]
async fn the_input_has_the_focus_when_the_page_comes() {
    let app = App::start().await;
    let page = Page::without_javascript(&app).await;
    page.comes_to_show("the focus in the input", |shown| shown.focus() == "new-todo").await;
    page.press("buy milk" + Key::Enter).await;
    page.shows(["buy milk"]).await;
    page.comes_to_show("the focus again", |shown| shown.focus() == "new-todo").await;
}

#[tokio::test]
async fn a_new_todo_is_appended_and_the_input_is_cleared() {
    let app = App::with_todos(&["buy milk"]).await;
    let page = Page::without_javascript(&app).await;
    page.add("buy bread").await;
    page.shows(["buy milk", "buy bread"]).await;
    page.comes_to_show("an empty input", |shown| shown.typed().is_empty()).await;
    assert_eq!(app.titles().await, ["buy milk", "buy bread"]);
}

#[tokio::test]
async fn the_button_adds_as_well_as_enter_does() {
    let app = App::start().await;
    let page = Page::without_javascript(&app).await;
    page.find(".new-todo").await.send_keys("buy milk").await.unwrap();
    page.click(".new-todo-form button").await;
    page.shows(["buy milk"]).await;
}

#[tokio::test]
async fn a_title_is_trimmed() {
    let app = App::start().await;
    let page = Page::without_javascript(&app).await;
    page.add("   buy milk   ").await;
    page.shows(["buy milk"]).await;
}

#[tokio::test]
async fn an_empty_title_adds_nothing_and_says_why() {
    let app = App::with_todos(&["buy milk"]).await;
    let page = Page::without_javascript(&app).await;
    page.add("   ").await;
    page.says("empty").await;
    page.shows(["buy milk"]).await;
    assert_eq!(app.titles().await, ["buy milk"]);
}

#[tokio::test]
async fn a_refused_title_stays_in_its_input_with_the_reason_tied_to_it() {
    let app = App::with_todos(&["buy milk"]).await;
    let page = Page::without_javascript(&app).await;
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
    let app = App::with_todos(&["buy milk", "buy bread"]).await;
    let page = Page::without_javascript(&app).await;
    page.toggle("buy bread").await;
    page.shows_completed(["buy bread"]).await;
    assert_eq!(app.list().await[1]["completed"], true);
    page.toggle("buy bread").await;
    page.shows_completed([]).await;
    assert_eq!(app.list().await[1]["completed"], false);
}

#[tokio::test]
async fn a_checkbox_works_by_keyboard() {
    let app = App::with_todos(&["buy milk"]).await;
    let page = Page::without_javascript(&app).await;
    page.part("buy milk", ".toggle").await.send_keys(" ").await.unwrap();
    page.shows_completed(["buy milk"]).await;
    page.part("buy milk", ".toggle").await.send_keys(Key::Enter).await.unwrap();
    page.shows_completed([]).await;
}

#[tokio::test]
async fn all_are_marked_as_complete_at_once_and_back() {
    let app = App::with_todos(&["a", "b", "c"]).await;
    let page = Page::without_javascript(&app).await;
    page.toggle("b").await;
    page.shows_completed(["b"]).await;
    page.toggle_all().await;
    page.shows_completed(["a", "b", "c"]).await;
    page.toggle_all().await;
    page.shows_completed([]).await;
}

#[tokio::test]
async fn the_mark_for_all_follows_the_single_ones() {
    let app = App::with_todos(&["a", "b"]).await;
    let page = Page::without_javascript(&app).await;
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
async fn a_title_is_edited_on_a_page_of_its_own() {
    let app = App::with_todos(&["buy milk", "buy bread"]).await;
    let page = Page::without_javascript(&app).await;
    page.part("buy milk", ".edit-link").await.click().await.unwrap();
    let input = page.find(".edit-form [name=title]").await;
    assert_eq!(input.value().await.unwrap().as_deref(), Some("buy milk"));
    page.retype("  buy oat milk  ").await;
    page.press(Key::Enter).await;
    page.shows(["buy oat milk", "buy bread"]).await;
    page.says("Saved").await;
    page.reload().await;
    page.comes_to_show("no message any more", tests::page::Shown::says_nothing).await;
}

#[tokio::test]
async fn an_edit_is_given_up_by_a_link() {
    let app = App::with_todos(&["buy milk"]).await;
    let page = Page::without_javascript(&app).await;
    page.go("/?filter=active").await;
    page.part("buy milk", ".edit-link").await.click().await.unwrap();
    page.find(".edit-form").await;
    page.retype("something else").await;
    page.click(".edit-page a").await;
    page.shows(["buy milk"]).await;
    page.arrives_at("/?filter=active").await;
    assert_eq!(app.titles().await, ["buy milk"]);
}

#[tokio::test]
async fn an_edit_to_nothing_deletes_the_todo() {
    let app = App::with_todos(&["buy milk", "buy bread"]).await;
    let page = Page::without_javascript(&app).await;
    page.part("buy milk", ".edit-link").await.click().await.unwrap();
    page.find(".edit-form").await;
    page.retype("").await;
    page.press(Key::Enter).await;
    page.shows(["buy bread"]).await;
    assert_eq!(app.titles().await, ["buy bread"]);
}

#[tokio::test]
async fn a_refused_edit_keeps_what_was_typed() {
    let app = App::with_todos(&["buy milk"]).await;
    let page = Page::without_javascript(&app).await;
    page.part("buy milk", ".edit-link").await.click().await.unwrap();
    page.find(".edit-form").await;
    let long = "y".repeat(300);
    page.retype(&long).await;
    page.press(Key::Enter).await;
    page.says("300 characters").await;
    assert_eq!(page.find(".edit-form [name=title]").await.value().await.unwrap(), Some(long));
    page.retype("buy oat milk").await;
    page.press(Key::Enter).await;
    page.shows(["buy oat milk"]).await;
}

#[tokio::test]
async fn an_edit_of_what_was_changed_elsewhere_shows_both_and_lets_one_decide() {
    let app = App::with_todos(&["buy milk"]).await;
    let todo = app.list().await.remove(0);
    let page = Page::without_javascript(&app).await;
    page.part("buy milk", ".edit-link").await.click().await.unwrap();
    page.find(".edit-form").await;
    app.change(&todo, json!({ "title": "buy oat milk" })).await;
    page.retype("buy soy milk").await;
    page.press(Key::Enter).await;
    page.says("changed elsewhere").await;
    assert!(page.find(".current").await.text().await.unwrap().contains("buy oat milk"));
    assert_eq!(app.titles().await, ["buy oat milk"]);
    page.click(".edit-form [type=submit]").await;
    page.shows(["buy soy milk"]).await;
}

#[tokio::test]
async fn a_todo_is_deleted_by_its_button() {
    let app = App::with_todos(&["buy milk", "buy bread"]).await;
    let page = Page::without_javascript(&app).await;
    page.destroy("buy milk").await;
    page.shows(["buy bread"]).await;
    assert_eq!(app.titles().await, ["buy bread"]);
}

#[tokio::test]
async fn a_todo_is_deleted_on_its_edit_page() {
    let app = App::with_todos(&["buy milk"]).await;
    let page = Page::without_javascript(&app).await;
    page.part("buy milk", ".edit-link").await.click().await.unwrap();
    page.click(".edit-page .danger").await;
    page.shows([]).await;
    assert!(app.list().await.is_empty());
}

#[tokio::test]
async fn a_click_on_an_out_of_date_page_is_answered_by_what_is_there_now() {
    let app = App::with_todos(&["buy milk"]).await;
    let todo = app.list().await.remove(0);
    let page = Page::without_javascript(&app).await;
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
    let app = App::with_todos(&["a", "b"]).await;
    let page = Page::without_javascript(&app).await;
    for (count, number, next) in
        [("2 items left", "2", "a"), ("1 item left", "1", "b"), ("0 items left", "0", "b")]
    {
        page.comes_to_show(count, |shown| shown.count() == count && shown.number() == number).await;
        page.toggle(next).await;
    }
}

#[tokio::test]
async fn completed_todos_are_cleared_by_a_button_that_is_there_only_then() {
    let app = App::with_todos(&["a", "b", "c"]).await;
    let page = Page::without_javascript(&app).await;
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
    let app = App::with_todos(&["a", "b"]).await;
    let page = Page::without_javascript(&app).await;
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
    let app = App::with_todos(&["a", "b", "c"]).await;
    let page = Page::without_javascript(&app).await;
    page.go("/?filter=active").await;
    page.reload().await;
    page.comes_to_show("the filter", |shown| shown.filter() == "Active").await;
    page.toggle("a").await;
    page.shows(["b", "c"]).await;
    page.add("d").await;
    page.shows(["b", "c", "d"]).await;
    page.destroy("b").await;
    page.shows(["c", "d"]).await;
    page.part("c", ".edit-link").await.click().await.unwrap();
    page.find(".edit-form").await;
    page.retype("e").await;
    page.press(Key::Enter).await;
    page.shows(["e", "d"]).await;
    page.clear_completed().await;
    page.comes_to_show("nothing to clear", |shown| !shown.clear_completed()).await;
    page.toggle_all().await;
    page.shows([]).await;
    page.arrives_at("/?filter=active").await;
}

#[tokio::test]
async fn todos_stay_through_a_reload() {
    let app = App::start().await;
    let page = Page::without_javascript(&app).await;
    page.add("buy milk").await;
    page.toggle("buy milk").await;
    page.shows_completed(["buy milk"]).await;
    page.reload().await;
    page.shows(["buy milk"]).await;
    page.shows_completed(["buy milk"]).await;
}

#[tokio::test]
async fn neither_a_reload_nor_the_back_button_adds_anything_again() {
    let app = App::start().await;
    let page = Page::without_javascript(&app).await;
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
async fn a_long_list_is_read_page_by_page() {
    let app = App::start().await;
    app.database.fill(120).await;
    let page = Page::without_javascript(&app).await;
    for first in ["title 1", "title 51", "title 101"] {
        page.comes_to_show(first, |shown| shown.titles().first() == Some(&first)).await;
        if first != "title 101" {
            page.click("a[rel=next]").await;
        }
    }
    assert!(!page.has("a[rel=next]").await, "the last page leads nowhere");
    page.toggle("title 101").await;
    page.comes_to_show("the same page", |shown| {
        shown.titles().first() == Some(&"title 101") && shown.completed().contains(&"title 101")
    })
    .await;
    page.click("a[rel=first]").await;
    page.comes_to_show("the first page", |shown| shown.titles().first() == Some(&"title 1")).await;
}

#[tokio::test]
async fn completed_todos_are_unfolded_behind_the_active_ones_page_by_page() {
    let app = App::start().await;
    app.database.fill(140).await;
    let order = app.database.query("SELECT task FROM todoitem ORDER BY completed, position").await;
    let order: Vec<String> = order.iter().map(|row| row.get(0)).collect();
    let page = Page::without_javascript(&app).await;
    page.choose("Active").await;
    assert!(!page.find(".fold").await.is_displayed().await.unwrap(), "the list goes on");
    page.click("a[rel=next]").await;
    page.comes_to_show("the last", |shown| shown.titles().last() == Some(&"title 140")).await;
    page.click(".fold").await;
    page.comes_to_show("all of the completed ones", |shown| shown.titles() == order[50..]).await;
    page.go("/?filter=unfolded").await;
    let mut seen = 0;
    for part in order.chunks(50) {
        page.comes_to_show("a page", |shown| shown.titles() == part).await;
        seen += part.len();
        let position = page.run("return document.querySelector('.position').textContent").await;
        assert!(position.as_str().unwrap().ends_with(&format!("–{seen} of 140")), "{position}");
        if part.len() == 50 {
            page.click("a[rel=next]").await;
        }
    }
    page.click(".fold").await;
    page.comes_to_show("the active ones", |shown| shown.titles() == order[..50]).await;
    // No page reads more than it shows.
    app.database.execute("INSERT INTO todoitem (task, position, completed) SELECT 'x', n, n % 3 = 0 FROM generate_series(200, 20000) AS n").await;
    app.database.execute("VACUUM ANALYZE todoitem").await;
    let order = "completed, position, coalesce(rank, id), id";
    let plan = format!(
        "EXPLAIN SELECT * FROM todoitem WHERE ({order}) > (true, 9000, 9, 9) ORDER BY {order} LIMIT 51"
    );
    let plan = app.database.last(&[&plan]).await;
    assert!(plan.contains("todoitem_completed_last") && !plan.contains("Sort"), "{plan}");
}

#[tokio::test]
async fn a_todo_added_beyond_the_page_is_announced() {
    let app = App::start().await;
    app.database.fill(60).await;
    let page = Page::without_javascript(&app).await;
    page.add("one more").await;
    page.says("Added").await;
}

#[tokio::test]
async fn a_message_goes_away_by_its_link() {
    let app = App::with_todos(&["buy milk"]).await;
    let page = Page::without_javascript(&app).await;
    page.destroy("buy milk").await;
    page.says("Deleted").await;
    page.click(".dismiss").await;
    page.comes_to_show("no message", tests::page::Shown::says_nothing).await;
}

#[tokio::test]
async fn a_message_shifts_nothing_and_the_second_click_of_a_double_click_does_nothing() {
    let app = App::with_todos(&["one", "two"]).await;
    let page = Page::without_javascript(&app).await;
    page.destroy("one").await;
    page.says("Deleted").await;
    // Scripts of the page are off; these are the driver's.
    page.comes_to("getComputedStyle(document.querySelector('.notices')).position === 'fixed'")
        .await;
    page.comes_to("getComputedStyle(document.querySelector('.main')).animationName === 'settle'")
        .await;
    page.go("/").await;
    page.comes_to("getComputedStyle(document.querySelector('.main')).animationName === 'none'")
        .await;
}
