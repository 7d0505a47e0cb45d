//! Editing a title in its place.

use super::*;
use serde_json::json;

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
    page.comes_to(
        "!document.querySelector('.editing .view').checkVisibility({ visibilityProperty: true })",
    )
    .await;
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
    app.has_saved(&["buy oat milk", "buy bread"]).await;
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
    app.has_saved(&["buy oat milk"]).await;
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
    app.has_saved(&["buy milk", "buy bread"]).await;
    page.is_still_here().await;
}

#[tokio::test]
async fn the_title_is_trimmed() {
    let (app, page) = editing(&["buy milk"]).await;
    page.retype("   buy oat milk  ").await;
    page.press(Key::Enter).await;
    page.shows(["buy oat milk"]).await;
    app.has_saved(&["buy oat milk"]).await;
}

#[tokio::test]
async fn an_empty_title_destroys_the_todo() {
    for empty in ["", "   "] {
        let (app, page) = editing(&["buy milk", "buy bread"]).await;
        page.retype(empty).await;
        page.press(Key::Enter).await;
        page.shows(["buy bread"]).await;
        app.has_saved(&["buy bread"]).await;
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
    page.comes_to_show("the other todo", |shown| shown.titles().contains(&"from elsewhere")).await;
    page.comes_to("document.activeElement.value === 'buy soy milk'").await;
    page.press(Key::Enter).await;
    app.has_saved(&["buy soy milk", "from elsewhere"]).await;
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
    app.has_saved(&["buy soy milk"]).await;
}

#[tokio::test]
async fn an_edit_of_what_was_ticked_elsewhere_is_no_conflict() {
    let (app, page) = editing(&["buy milk"]).await;
    let todo = app.list().await.remove(0);
    page.retype("buy soy milk").await;
    app.change(&todo, json!({ "completed": true, "notes": "theirs" })).await;
    page.press(Key::Enter).await;
    page.says("Saved.").await;
    page.shows_completed(["buy soy milk"]).await;
    app.has_saved(&["buy soy milk"]).await;
    app.change(&todo, json!({ "completed": false })).await;
    page.click(".notice .undo").await;
    page.shows(["buy milk"]).await;
    app.has_saved(&["buy milk"]).await;
}

#[tokio::test]
async fn the_field_grows_with_a_long_title_and_takes_pasted_lines_as_one() {
    let long = "a long title ".repeat(19).trim().to_owned();
    let (app, page) = page_with(&[&long]).await;
    let size = json!({ "width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": false });
    page.devtools("Emulation.setDeviceMetricsOverride", size).await;
    page.double_click(&long).await;
    page.comes_to("document.activeElement.matches('.edit')").await;
    let all_seen = "document.querySelector('.edit:focus').scrollHeight <= document.querySelector('.edit:focus').clientHeight";
    page.comes_to(all_seen).await;
    let rows = "document.querySelector('.edit:focus').clientHeight > 150";
    page.comes_to(rows).await;
    page.retype("").await;
    page.comes_to("document.querySelector('.edit:focus').clientHeight < 60").await;
    page.devtools("Input.insertText", json!({ "text": "milk\r\n  and\tbread" })).await;
    page.press(Key::Enter).await;
    page.shows(["milk and bread"]).await;
    app.has_saved(&["milk and bread"]).await;
}
