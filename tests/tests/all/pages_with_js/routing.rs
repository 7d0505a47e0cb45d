//! Filters and pages, and the way back through them.

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
        page.comes_to_show(filter, |shown| shown.filter() == filter && shown.titles() == titles)
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
async fn a_long_list_goes_on_as_one_scrolls_and_then_page_by_page_without_a_page_load() {
    let app = App::start().await;
    app.database.fill(210).await;
    let page = Page::open(&app).await;
    page.stay().await;
    page.comes_to_show("the first page", |shown| shown.titles().len() == 50).await;
    page.comes_to("document.querySelector('.position').textContent === '1–50 of 210'").await;
    // By keyboard: its place is where the list goes on.
    page.run("document.querySelector('a[rel=next]').focus()").await;
    page.comes_to("document.activeElement.closest('li')?.matches(':nth-child(51)')").await;
    page.comes_to("document.querySelector('.announcer').textContent === '1–100 of 210'").await;
    page.arrives_at("/?more=1").await;
    page.comes_to("document.querySelector('.edit-link').search === '?more=1'").await;
    page.toggle("title 70").await;
    page.press("j").await;
    page.comes_to("document.activeElement.closest('li')?.textContent.includes('title 71')").await;
    page.reload().await;
    page.stay().await;
    page.comes_to_show("as much as before", |shown| {
        shown.titles().len() == 100 && shown.completed().contains(&"title 70")
    })
    .await;
    for end in [150, 200] {
        page.run("scrollTo(0, document.body.scrollHeight)").await;
        page.comes_to(&format!(
            "document.querySelector('.position').textContent === '1–{end} of 210'"
        ))
        .await;
    }
    page.click("a[rel=next]").await;
    page.comes_to("document.querySelector('.position').textContent === '201–210 of 210'").await;
    page.comes_to("document.querySelector('.announcer').textContent === '201–210 of 210'").await;
    page.destroy("title 201").await;
    page.comes_to("document.querySelector('.position').textContent === '201–209 of 209'").await;
    page.click(".notice .undo").await;
    page.comes_to_show("the last page", |shown| {
        shown.titles().first() == Some(&"title 201") && shown.titles().len() == 10
    })
    .await;
    page.back().await;
    page.comes_to_show("what was there before", |shown| shown.titles().len() == 200).await;
    page.comes_to("scrollY > innerHeight").await;
    page.is_still_here().await;
}

#[tokio::test]
async fn completed_todos_are_folded_behind_the_active_ones() {
    let (app, page) = page_with(&["a", "b", "c"]).await;
    page.choose("Active").await;
    page.arrives_at("/?filter=active").await;
    page.comes_to("document.querySelector('.fold').hidden").await;
    page.toggle("a").await;
    page.shows(["b", "c"]).await;
    page.comes_to("document.querySelector('.fold').textContent === 'Show completed (1)'").await;
    page.click(".fold").await;
    page.shows(["b", "c", "a"]).await;
    page.arrives_at("/?filter=unfolded&more=1").await;
    page.comes_to("document.querySelector('.announcer').textContent === 'Active: 3 todos'").await;
    page.comes_to("document.activeElement.matches('.fold')").await;
    // Each goes where its kind is, and stays among them when it is moved.
    page.toggle("b").await;
    page.shows(["c", "a", "b"]).await;
    page.add("d").await;
    page.shows(["c", "d", "a", "b"]).await;
    page.run("document.querySelector('.toggle').focus()").await;
    for _ in 0..2 {
        page.press(Key::Alt + Key::Down).await;
        page.shows(["d", "c", "a", "b"]).await;
    }
    app.has_saved(&["a", "b", "d", "c"]).await;
    page.click(".fold").await;
    page.shows(["d", "c"]).await;
    page.back().await;
    page.shows(["d", "c", "a", "b"]).await;
    page.clear_completed().await;
    page.shows(["d", "c"]).await;
    page.comes_to("document.querySelector('.fold').hidden").await;
    page.is_still_here().await;
}
