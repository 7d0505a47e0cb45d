//! Editing a todo on a page of its own.

use super::*;

/// The page on which the first of these is edited.
async fn editing(titles: &[&str]) -> (App, Page) {
    let (app, page) = page_with(titles).await;
    open(&page, titles[0]).await;
    (app, page)
}

pub async fn open(page: &Page, title: &str) {
    page.part(title, ".edit-link").await.click().await.unwrap();
    page.find(".edit-form").await;
    page.has_focus().await;
}

pub async fn save(page: &Page, title: &str) {
    page.retype(title).await;
    page.press(Key::Enter).await;
}

#[tokio::test]
async fn a_title_is_edited_on_a_page_of_its_own() {
    let (_app, page) = editing(&["buy milk", "buy bread"]).await;
    let input = page.find(".edit-form [name=title]").await;
    assert_eq!(input.value().await.unwrap().as_deref(), Some("buy milk"));
    save(&page, "  buy oat milk  ").await;
    page.shows(["buy oat milk", "buy bread"]).await;
    page.says("Saved").await;
    page.reload().await;
    page.comes_to_show("no message any more", tests::page::Shown::says_nothing).await;
}

#[tokio::test]
async fn an_edit_is_given_up_by_a_link() {
    let (app, page) = page_with(&["buy milk"]).await;
    page.go("/?filter=active").await;
    open(&page, "buy milk").await;
    page.retype("something else").await;
    page.click(".edit-page a").await;
    page.shows(["buy milk"]).await;
    page.arrives_at("/?filter=active").await;
    assert_eq!(app.titles().await, ["buy milk"]);
}

#[tokio::test]
async fn an_edit_to_nothing_deletes_the_todo() {
    let (app, page) = editing(&["buy milk", "buy bread"]).await;
    save(&page, "").await;
    page.shows(["buy bread"]).await;
    assert_eq!(app.titles().await, ["buy bread"]);
}

#[tokio::test]
async fn a_refused_edit_keeps_what_was_typed() {
    let (_app, page) = editing(&["buy milk"]).await;
    let long = "y".repeat(300);
    save(&page, &long).await;
    page.says("300 characters").await;
    assert_eq!(page.find(".edit-form [name=title]").await.value().await.unwrap(), Some(long));
    save(&page, "buy oat milk").await;
    page.shows(["buy oat milk"]).await;
}

#[tokio::test]
async fn an_edit_of_what_was_changed_elsewhere_shows_both_and_lets_one_decide() {
    let (app, page) = editing(&["buy milk"]).await;
    let todo = app.list().await.remove(0);
    app.change(&todo, json!({ "title": "buy oat milk" })).await;
    save(&page, "buy soy milk").await;
    page.says("changed elsewhere").await;
    assert!(page.find(".current").await.text().await.unwrap().contains("buy oat milk"));
    assert_eq!(app.titles().await, ["buy oat milk"]);
    page.click(".edit-form [type=submit]").await;
    page.shows(["buy soy milk"]).await;
}

#[tokio::test]
async fn a_todo_is_deleted_on_its_edit_page() {
    let (app, page) = editing(&["buy milk"]).await;
    page.click(".edit-page .danger").await;
    page.shows([]).await;
    assert!(app.list().await.is_empty());
}
