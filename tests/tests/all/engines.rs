//! What differs between engines, in Firefox and `WebKit`: keys, focus, forms and print.

use flate2::read::ZlibDecoder;
use serde_json::json;
use std::io::Read;
use tests::{App, Browser, Page};
use thirtyfour::common::print::PrintParameters;
use thirtyfour::{Key, WebElement};

async fn page_with(browser: impl Future<Output = Browser>, titles: &[&str]) -> (App, Page) {
    let app = App::with_todos(titles).await;
    let page = Page::in_browser(browser.await, &app).await;
    page.comes_to_show("the input in use", |shown| shown.focus() == "new-todo").await;
    page.stay().await;
    (app, page)
}

/// Waits until the focus is on this part of this todo.
async fn is_at(page: &Page, title: &str, part: &str) {
    let title = json!(title);
    page.comes_to(&format!(
        "document.activeElement.matches('.todo-list {part}')
         && document.activeElement.closest('li').querySelector('bdi').textContent === {title}"
    ))
    .await;
}

async fn edits(page: &Page, title: &str) {
    page.comes_to_show("the editor", |shown| shown.editing() == [title] && shown.focus() == "edit")
        .await;
}

async fn double_click(page: &Page, element: &WebElement) {
    page.driver().action_chain().double_click_element(element).perform().await.unwrap();
}

/// Deletes the first todo by a double click and returns those behind it. On a busy machine the second
/// click may come so late that it is one of its own, which the next todo has to suffer: then it tries again.
async fn double_click_away<'a>(page: &Page, mut titles: &'a [&'a str]) -> &'a [&'a str] {
    page.run(
        "window.clicks = [];
         addEventListener('click', ({ timeStamp, target }) => {
             clicks.push({ timeStamp, li: target.closest('li') });
         }, true);",
    )
    .await;
    loop {
        double_click(page, &page.part(titles[0], ".destroy").await).await;
        page.comes_to("clicks.length === 2").await;
        let two = "const [first, second] = clicks.splice(0);
            return first.li !== second.li && second.timeStamp - first.timeStamp >= 600;";
        let two = page.run(two).await == true;
        titles = &titles[if two { 2 } else { 1 }..];
        page.comes_to_show(&format!("{titles:?}"), |shown| shown.titles() == titles).await;
        if !two {
            return titles;
        }
    }
}

/// The key press that closes an editor is not the one that opens it again.
async fn enter_adds_and_leaves_an_editor_and_escape_discards(
    browser: impl Future<Output = Browser>,
) {
    let (app, page) = page_with(browser, &["a"]).await;
    page.press("b" + Key::Enter).await;
    page.shows(["a", "b"]).await;
    page.comes_to_show("an empty input", |shown| shown.typed().is_empty()).await;

    page.double_click("a").await;
    edits(&page, "a").await;
    page.press("?" + Key::Enter).await;
    is_at(&page, "a?", ".edit-link").await;
    page.press(Key::Enter + "").await;
    edits(&page, "a?").await;
    page.press("!" + Key::Enter).await;
    is_at(&page, "a?!", ".edit-link").await;
    app.has_saved(&["a?!", "b"]).await;
    assert!(page.look().await.editing().is_empty());

    page.press(Key::Enter + "").await;
    edits(&page, "a?!").await;
    // Safari says so when a composition is over already, which these end.
    for key in ["Enter", "Escape"] {
        page.run(&format!(
            "document.activeElement.dispatchEvent(new KeyboardEvent('keydown',
                {{ key: '{key}', keyCode: 229, bubbles: true, cancelable: true }}))"
        ))
        .await;
    }
    edits(&page, "a?!").await;
    page.press("x" + Key::Escape).await;
    is_at(&page, "a?!", ".edit-link").await;
    page.add("c").await; // later writes do not bring it back
    app.has_saved(&["a?!", "b", "c"]).await;
    assert!(page.look().await.editing().is_empty());
    page.is_still_here().await;
}

async fn hold_enter(page: &Page, title: &str, part: &str) {
    page.part(title, part).await.focus().await.unwrap();
    // A key that is down goes down again: that is a repetition.
    let mut keys = page.driver().action_chain();
    for _ in 0..6 {
        keys = keys.key_down(Key::Enter);
    }
    keys.key_up(Key::Enter).perform().await.unwrap();
}

async fn a_double_click_and_a_key_that_is_held_act_once(browser: impl Future<Output = Browser>) {
    let titles = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    let (app, page) = page_with(browser, &titles).await;
    let left = double_click_away(&page, &titles).await;

    hold_enter(&page, left[0], ".destroy").await;
    is_at(&page, left[1], ".destroy").await;
    app.has_saved(&left[1..]).await;
    hold_enter(&page, left[1], ".edit-link").await;
    edits(&page, left[1]).await;
    page.press(Key::Escape + "").await;
    is_at(&page, left[1], ".edit-link").await;

    page.part(left[1], ".destroy").await.focus().await.unwrap();
    page.press(" ").await;
    is_at(&page, left[2], ".destroy").await;
    app.has_saved(&left[2..]).await;
    page.is_still_here().await;
}

async fn somebody_elses_reorder_does_not_interrupt_typing(browser: impl Future<Output = Browser>) {
    let (app, page) = page_with(browser, &["a", "b", "c", "d", "e"]).await;
    page.double_click("c").await;
    edits(&page, "c").await;
    page.press(" half").await;
    let first = app.list().await.remove(0);
    app.change(&first, json!({ "order": 1000 })).await;
    page.shows(["b", "c", "d", "e", "a"]).await;
    edits(&page, "c").await;
    page.press(" a sentence" + Key::Enter).await;
    app.has_saved(&["b", "c half a sentence", "d", "e", "a"]).await;
}

#[tokio::test]
async fn single_keys_act_on_the_list_and_not_on_firefox() {
    let (app, page) = page_with(Browser::firefox(), &["one", "two", "three"]).await;
    page.press(Key::Escape + "jj").await;
    is_at(&page, "two", ".toggle").await;
    page.press("k").await;
    is_at(&page, "one", ".toggle").await;
    page.press("x").await;
    page.shows_completed(["one"]).await;
    page.press("e").await;
    edits(&page, "one").await;
    page.press(" j?" + Key::Enter).await; // somebody types
    is_at(&page, "one j?", ".edit-link").await;
    page.press("k#").await; // it is the first
    page.shows(["two", "three"]).await;
    is_at(&page, "two", ".toggle").await;
    page.says("Deleted.").await;
    app.has_saved(&["two", "three"]).await;
    page.press(Key::Control + "z").await;
    page.shows(["one j?", "two", "three"]).await;
    page.press("?").await;
    page.comes_to("document.querySelector('.help').open").await;
    page.press(Key::Escape + "").await;
    page.comes_to("!document.querySelector('.help').open").await;
    page.press("/").await; // Firefox searches the page with it
    page.comes_to("document.activeElement.matches('.search-field')").await;
    page.press("thr").await;
    page.shows(["three"]).await;
    page.press(Key::Escape + "" + Key::Escape).await;
    page.shows(["one j?", "two", "three"]).await;
    page.press("n").await;
    page.press("four" + Key::Enter).await;
    page.shows(["one j?", "two", "three", "four"]).await;
    app.has_saved(&["one j?", "two", "three", "four"]).await;
    page.is_still_here().await;
}

#[tokio::test]
async fn arrow_keys_and_the_mouse_move_a_todo() {
    let (app, page) = page_with(Browser::firefox(), &["a", "b", "c", "d"]).await;
    page.part("a", ".toggle").await.focus().await.unwrap();
    page.press(Key::Alt + Key::Down).await;
    page.shows(["b", "a", "c", "d"]).await;
    page.comes_to("document.querySelector('.announcer').textContent === '2 of 4: a'").await;
    is_at(&page, "a", ".toggle").await;
    page.press(Key::Alt + Key::Up).await;
    page.shows(["a", "b", "c", "d"]).await;
    app.has_saved(&["a", "b", "c", "d"]).await;

    page.drag_below("a", "c").await;
    page.shows(["b", "c", "a", "d"]).await;
    app.has_saved(&["b", "c", "a", "d"]).await;
    page.is_still_here().await;

    // Where the keyboard's place is on the list's end, the list goes on.
    app.database.fill(60).await;
    page.go("/").await;
    page.run("document.querySelector('a[rel=next]').focus()").await;
    page.comes_to("document.activeElement.matches('li:nth-child(51) .toggle')").await;
}

#[tokio::test]
async fn lines_that_are_pasted_can_become_todos() {
    let (app, page) = page_with(Browser::firefox(), &[]).await;
    page.run(
        "const source = document.body.appendChild(document.createElement('textarea'));
         source.value = 'milk\\neggs\\n\\n bread ';
         source.select();",
    )
    .await;
    page.press(Key::Control + "c").await;
    page.find(".new-todo").await.focus().await.unwrap();
    page.press(Key::Control + "v").await;
    page.comes_to_show("one line", |shown| shown.typed().starts_with("milk")).await;
    page.click(".notice .retry").await;
    page.shows(["milk", "eggs", "bread"]).await;
    app.has_saved(&["milk", "eggs", "bread"]).await;
}

/// A tick is the only line with a dash on the page.
#[tokio::test]
async fn ticks_are_printed_where_something_is_done() {
    let (_app, page) = page_with(Browser::firefox(), &["a", "b", "c"]).await;
    for (title, ticks) in [("a", 1), ("c", 2)] {
        page.toggle(title).await;
        page.comes_to("!document.getAnimations().length").await;
        let pdf = page.driver().print_page(PrintParameters::default()).await.unwrap();
        let start = pdf.windows(7).position(|found| found == b"stream\n").unwrap() + 7;
        let mut drawn = String::new();
        ZlibDecoder::new(&pdf[start..]).read_to_string(&mut drawn).unwrap();
        let dashes = drawn.lines().filter(|line| line.ends_with(" d") && !line.starts_with("[]"));
        assert_eq!(dashes.count(), ticks, "{drawn}");
    }
}

/// Waits until a page with these todos is there, and takes clicks again.
async fn loaded<const N: usize>(page: &Page, titles: [&str; N]) {
    page.shows(titles).await;
    page.comes_to("document.readyState === 'complete' && !document.getAnimations().length").await;
}

/// `date` is what is typed for the last day of 2026.
async fn forms_do_without_a_script(browser: impl Future<Output = Browser>, date: &str) {
    let app = App::with_todos(&["a"]).await;
    let page = Page::in_browser(browser.await, &app).await;
    page.comes_to_show("the input in use", |shown| shown.focus() == "new-todo").await;
    page.press("b" + Key::Enter).await;
    loaded(&page, ["a", "b"]).await;
    page.toggle("a").await;
    page.shows_completed(["a"]).await;
    loaded(&page, ["a", "b"]).await;

    page.part("b", ".edit-link").await.click().await.unwrap();
    page.arrives_at(&format!("/items/{}/edit", app.list().await[1]["id"])).await;
    let title = page.find("#title").await;
    title.clear().await.unwrap();
    title.send_keys("b!").await.unwrap();
    page.find("#due").await.send_keys(date).await.unwrap();
    page.find("#notes").await.send_keys("one" + Key::Enter + "two").await.unwrap();
    page.click(".edit-form .primary").await;
    page.says("Saved.").await;
    let saved = app.list().await.remove(1);
    assert_eq!([&saved["title"], &saved["due"], &saved["notes"]], ["b!", "2026-12-31", "one\ntwo"]);
    loaded(&page, ["a", "b!"]).await;

    page.destroy("a").await;
    loaded(&page, ["b!"]).await;
    page.click(".undo").await;
    loaded(&page, ["a", "b!"]).await;
    page.shows_completed(["a"]).await;
    double_click(&page, &page.part("a", ".destroy").await).await;
    loaded(&page, ["b!"]).await;
    page.shows_completed([]).await;
    app.has_saved(&["b!"]).await;
}

mod firefox {
    use tests::Browser;

    #[tokio::test]
    async fn enter_adds_and_leaves_an_editor_and_escape_discards() {
        super::enter_adds_and_leaves_an_editor_and_escape_discards(Browser::firefox()).await;
    }

    #[tokio::test]
    async fn a_double_click_and_a_key_that_is_held_act_once() {
        super::a_double_click_and_a_key_that_is_held_act_once(Browser::firefox()).await;
    }

    #[tokio::test]
    async fn somebody_elses_reorder_does_not_interrupt_typing() {
        super::somebody_elses_reorder_does_not_interrupt_typing(Browser::firefox()).await;
    }

    #[tokio::test]
    async fn forms_do_without_a_script() {
        let browser = Browser::firefox_without_javascript();
        super::forms_do_without_a_script(browser, "2026-12-31").await;
    }
}

mod webkit {
    use tests::Browser;

    #[tokio::test]
    #[cfg_attr(not(webkit), ignore = "WebKitWebDriver or Xvfb is not installed")]
    async fn enter_adds_and_leaves_an_editor_and_escape_discards() {
        super::enter_adds_and_leaves_an_editor_and_escape_discards(Browser::webkit()).await;
    }

    #[tokio::test]
    #[cfg_attr(not(webkit), ignore = "WebKitWebDriver or Xvfb is not installed")]
    async fn a_double_click_and_a_key_that_is_held_act_once() {
        super::a_double_click_and_a_key_that_is_held_act_once(Browser::webkit()).await;
    }

    #[tokio::test]
    #[cfg_attr(not(webkit), ignore = "WebKitWebDriver or Xvfb is not installed")]
    async fn somebody_elses_reorder_does_not_interrupt_typing() {
        super::somebody_elses_reorder_does_not_interrupt_typing(Browser::webkit()).await;
    }

    #[tokio::test]
    #[cfg_attr(not(webkit), ignore = "WebKitWebDriver or Xvfb is not installed")]
    async fn forms_do_without_a_script() {
        let browser = Browser::webkit_without_javascript();
        super::forms_do_without_a_script(browser, "12/31/2026").await;
    }
}
