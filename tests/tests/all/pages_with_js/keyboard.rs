//! Single keys act on the list, and on nothing else.

use super::*;

/// Leaves the field that has the focus when the page comes.
async fn page_and_keys(titles: &[&str]) -> (App, Page) {
    let (app, page) = page_with(titles).await;
    page.comes_to_show("the input in use", |shown| shown.focus() == "new-todo").await;
    page.press(Key::Escape).await;
    (app, page)
}

async fn is_at(page: &Page, title: &str) {
    let title = serde_json::json!(title);
    let here =
        "document.activeElement.closest('.todo-list > li')?.querySelector('bdi').textContent";
    page.comes_to(&format!("{here} === {title}")).await;
}

#[tokio::test]
async fn a_list_is_walked_completed_edited_and_emptied_by_single_keys() {
    let (app, page) = page_and_keys(&["one", "two", "three"]).await;
    page.press("jj").await;
    is_at(&page, "two").await;
    page.press("x").await;
    page.shows_completed(["two"]).await;
    page.press("e").await;
    page.comes_to_show("the editor", |shown| shown.editing() == ["two"]).await;
    page.press(" j?").await; // somebody types
    page.press(Key::Enter).await;
    page.shows(["one", "two j?", "three"]).await;
    is_at(&page, "two j?").await;
    page.press("#").await;
    page.shows(["one", "three"]).await;
    is_at(&page, "three").await;
    page.press("jk").await; // no further than the end, and back
    is_at(&page, "one").await;
    page.press("n").await;
    page.comes_to_show("the input in use", |shown| shown.focus() == "new-todo").await;
    page.press("next").await;
    page.press(Key::Enter).await;
    page.shows(["one", "three", "next"]).await;
    app.has_saved(&["one", "three", "next"]).await;
    page.is_still_here().await;
}

#[tokio::test]
async fn what_is_typed_stays_when_the_field_is_left() {
    let (_app, page) = page_with(&["one"]).await;
    page.press("half").await;
    page.press(Key::Escape).await;
    page.press("j").await;
    is_at(&page, "one").await;
    page.comes_to_show("what was typed", |shown| shown.typed() == "half").await;
}

#[tokio::test]
async fn the_keys_are_explained_and_can_be_turned_off() {
    let (_app, page) = page_and_keys(&["one"]).await;
    page.press("?").await;
    page.comes_to("document.querySelector('.help').open").await;
    page.press("x").await; // not while it is explained
    page.click(".help input").await;
    page.click(".help button").await;
    page.comes_to("!document.querySelector('.help').open").await;
    page.reload().await; // the choice is remembered
    page.comes_to_show("the input in use", |shown| shown.focus() == "new-todo").await;
    page.press(Key::Escape).await;
    page.run("document.querySelector('.todo-list .toggle').focus()").await;
    page.press("#").await;
    page.press("?").await;
    page.click(".shortcuts").await;
    page.comes_to("document.querySelector('.help').open").await;
    page.comes_to("!document.querySelector('.help input').checked").await;
    page.shows(["one"]).await;
    page.shows_completed([]).await;
}

#[tokio::test]
async fn a_modifier_is_the_browser_s_and_another_script_s_layout_has_the_keys_too() {
    let (_app, page) = page_and_keys(&["one", "two"]).await;
    let press = async |key: &str, code: &str, modifiers: u8| {
        let event = |kind: &str| serde_json::json!({ "type": kind, "key": key, "code": code, "modifiers": modifiers });
        page.devtools("Input.dispatchKeyEvent", event("rawKeyDown")).await;
        page.devtools("Input.dispatchKeyEvent", event("keyUp")).await;
    };
    let (alt, control) = (1, 2);
    press("о", "KeyJ", 0).await; // Cyrillic
    is_at(&page, "one").await;
    press("x", "KeyX", control).await;
    press("x", "KeyX", alt).await;
    press("j", "KeyJ", 0).await;
    is_at(&page, "two").await;
    page.shows_completed([]).await;
    press("#", "Digit3", alt).await; // a British Mac
    page.shows(["one"]).await;
    page.says("Deleted.").await;
    press("Z", "KeyZ", control).await; // Caps Lock
    page.shows(["one", "two"]).await;
    press("K", "KeyK", 0).await;
    press("#", "Digit3", 0).await;
    page.shows(["two"]).await;
    page.says("Deleted.").await;
    press("я", "KeyZ", control).await;
    page.shows(["one", "two"]).await;
}
