//! What hands really do: they click twice, hold a key too long, type while others reorder.

use super::*;
use serde_json::{Value, json};

async fn key(page: &Page, kind: &str, repeats: bool) {
    let mut event: Value = json!({ "type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "autoRepeat": repeats });
    if kind == "keyDown" {
        event["text"] = "\r".into();
    }
    page.devtools("Input.dispatchKeyEvent", event).await;
}

#[tokio::test]
async fn a_double_click_deletes_one_todo() {
    let (app, page) = page_with(&["one", "two", "three", "four"]).await;
    page.double_click_at(page.middle(".todo-list .destroy").await).await;
    page.shows(["two", "three", "four"]).await;
    app.has_saved(&["two", "three", "four"]).await;
}

#[tokio::test]
async fn a_double_click_under_a_filter_completes_one_todo() {
    let (_app, page) = page_with(&["one", "two", "three"]).await;
    page.choose("Active").await;
    page.arrives_at("/?filter=active").await;
    page.double_click_at(page.middle(".todo-list .toggle").await).await;
    page.shows(["two", "three"]).await;
}

/// “Clear completed” comes up to where the last ✕ was; and under the ✕ of a message there may be one of the list.
#[tokio::test]
async fn the_rest_of_a_double_click_meets_nothing_else_either() {
    let (app, page) = page_with(&["done", "last"]).await;
    let size = json!({ "width": 360, "height": 640, "deviceScaleFactor": 1, "mobile": false });
    page.devtools("Emulation.setDeviceMetricsOverride", size).await;
    page.toggle("done").await;
    page.shows_completed(["done"]).await;
    page.double_click_at(page.middle(".todo-list > li:last-child .destroy").await).await;
    page.add("next").await;
    app.has_saved(&["done", "next"]).await;

    app.database.fill(20).await;
    page.go("/").await;
    page.run("document.querySelector('.todo-list .destroy').click()").await; // as keys do
    page.says("Deleted.").await;
    page.run(
        "const middle = (element) => { const { y, height } = element.getBoundingClientRect(); return y + height / 2; };
         const under = document.querySelectorAll('.todo-list .destroy')[12];
         scrollBy(0, middle(under) - middle(document.querySelector('.dismiss')));",
    )
    .await;
    page.double_click_at(page.middle(".dismiss").await).await;
    page.comes_to_show("no message", Shown::says_nothing).await;
    page.add("end").await;
    until("it is saved", async || {
        let titles = app.titles().await;
        (titles.len() == 22 && titles.last().unwrap() == "end").then_some(())
    })
    .await;
}

/// Presses Enter and holds it.
async fn hold_enter(page: &Page, at: &str) {
    page.run(&format!("document.querySelector('{at}').focus()")).await;
    key(page, "keyDown", false).await;
    for _ in 0..5 {
        key(page, "keyDown", true).await;
    }
    key(page, "keyUp", false).await;
}

#[tokio::test]
async fn a_key_that_is_held_acts_once() {
    let (app, page) = page_with(&["a", "b"]).await;
    hold_enter(&page, ".edit-link").await;
    page.comes_to("document.activeElement.matches('.editing > .edit')").await;
    page.press(Key::Escape + "").await;
    hold_enter(&page, ".todo-list .destroy").await;
    page.shows(["b"]).await;
    app.has_saved(&["b"]).await;
    // The focus goes to a field with a text in it.
    page.find(".new-todo").await.send_keys("half a").await.unwrap();
    hold_enter(&page, ".todo-list .destroy").await;
    page.shows([]).await;
    page.press(" todo" + Key::Enter).await;
    app.has_saved(&["half a todo"]).await;
}

#[tokio::test]
async fn somebody_elses_reorder_does_not_interrupt_typing() {
    let (app, page) = page_with(&["a", "b", "c", "d", "e"]).await;
    page.double_click("c").await;
    page.comes_to_show("the editor", |shown| shown.focus() == "edit").await;
    page.press("half ").await;
    let first = app.list().await.remove(0);
    app.change(&first, json!({ "order": 1000 })).await;
    page.comes_to("document.querySelector('.todo-list').lastElementChild.querySelector('bdi').textContent === 'a'")
        .await;
    page.comes_to("document.activeElement.matches('.edit')").await;
    page.press("a sentence").await;
    page.press(Key::Enter).await;
    app.has_saved(&["b", "chalf a sentence", "d", "e", "a"]).await;
}

#[tokio::test]
async fn a_press_during_which_somebody_else_changes_the_todo_is_a_click() {
    let app = App::start().await;
    let steps = json!([{ "title": "flour" }]);
    let todo = app.create(json!({ "title": "cake", "steps": steps })).await;
    let page = Page::open(&app).await;
    // The page asks when it is told to and at no other time: while a press lasts it asks once.
    page.run(
        "window.read = 0;
         const real = fetch;
         window.fetch = async (...of) => {
             const answer = await real(...of);
             const text = answer.text.bind(answer);
             return Object.assign(answer, { text: async () => { const all = await text(); read += 1; return all; } });
         };
         const clock = setTimeout;
         window.setTimeout = (task, wait) => (wait > 100 ? 0 : clock(task, wait));
         for (let timer = clock(() => {}); timer > 0; timer -= 1) clearTimeout(timer);
         dispatchEvent(new Event('focus'));",
    )
    .await;
    page.comes_to("read > 0").await;
    let step = page.part("cake", ".step").await;
    let mouse = page.driver().action_chain();
    mouse.click_and_hold_element(&step).perform().await.unwrap();
    app.change(&todo, json!({ "notes": "theirs" })).await;
    page.run("read = 0; dispatchEvent(new Event('focus'))").await;
    page.comes_to("read > 0").await;
    page.driver().action_chain().release().perform().await.unwrap();
    page.comes_to("!!document.querySelector('.step[aria-checked=true]')").await;
    page.comes_to("!!document.querySelector('.notes')?.textContent.includes('theirs')").await;
    until("it is saved", async || {
        (app.list().await[0]["steps"][0]["completed"] == true).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_key_that_ends_a_composition_ends_no_edit() {
    let (_app, page) = page_with(&["a"]).await;
    page.double_click("a").await;
    page.comes_to_show("the editor", |shown| shown.focus() == "edit").await;
    for key in ["Enter", "Escape"] {
        page.run(&format!(
            "document.activeElement.dispatchEvent(new KeyboardEvent('keydown',
                {{ key: '{key}', keyCode: 229, bubbles: true, cancelable: true }}))"
        ))
        .await;
    }
    page.comes_to("document.activeElement.matches('.editing > .edit')").await;
}

#[tokio::test]
async fn a_filter_is_read_out_with_what_it_shows() {
    let (app, page) = page_with(&["a", "b"]).await;
    page.toggle("b").await;
    app.has_completed(&["b"]).await; // what is read out is the server's count
    for (filter, said) in [("Completed", "Completed: 1 todo"), ("All", "All: 2 todos")] {
        page.choose(filter).await;
        page.comes_to(&format!("document.querySelector('.announcer').textContent === '{said}'"))
            .await;
    }
    page.back().await;
    page.comes_to("document.querySelector('.announcer').textContent === 'Completed: 1 todo'").await;
}

#[tokio::test]
async fn lines_that_are_pasted_can_become_todos() {
    let (app, page) = page_with(&[]).await;
    let long = "x".repeat(257);
    page.run(&format!(
        "const data = new DataTransfer();
         data.setData('text/plain', 'milk\\r\\neggs\\t12\\n\\n{long}\\r bread ');
         document.querySelector('.new-todo').dispatchEvent(
             new ClipboardEvent('paste', {{ clipboardData: data, bubbles: true, cancelable: true }}));"
    ))
    .await;
    page.says("That was 4 lines.").await;
    page.says("Add 3 todos").await;
    page.click(".notice .retry").await;
    page.shows(["milk", "eggs 12", "bread"]).await;
    page.says("The title has 257 characters.").await;
    page.says(&long).await;
    app.has_saved(&["milk", "eggs 12", "bread"]).await;
}

#[tokio::test]
async fn the_way_back_leads_to_where_one_was() {
    let app = App::start().await;
    app.database.fill(40).await;
    let page = Page::open(&app).await;
    page.comes_to("document.querySelectorAll('.todo-list > li').length === 40").await;
    // Older Safaris do not say when a scroll has ended.
    page.run("addEventListener('scrollend', (event) => event.stopImmediatePropagation(), true)")
        .await;
    page.run("scrollTo(0, 700)").await;
    page.run("document.querySelector('.filters [data-filter=due]').click()").await;
    page.arrives_at("/?filter=due").await;
    page.back().await;
    page.comes_to("document.querySelectorAll('.todo-list > li').length === 40").await;
    page.comes_to("scrollY === 700").await;
}

#[tokio::test]
async fn what_is_typed_is_saved_when_the_page_is_left() {
    let (app, page) = page_with(&["a"]).await;
    page.double_click("a").await;
    page.comes_to_show("the editor", |shown| shown.focus() == "edit").await;
    page.retype("b").await;
    page.goto("about:blank").await;
    app.has_saved(&["b"]).await;
}

#[tokio::test]
async fn the_way_back_leads_to_a_page_with_its_own_title() {
    let (_app, page) = page_with(&["a"]).await;
    page.choose("Active").await;
    page.comes_to("document.title.startsWith('Active')").await;
    page.run("history.back()").await;
    page.comes_to("document.title === 'Todoozle'").await;
    page.run("history.forward()").await;
    page.comes_to("document.title.startsWith('Active')").await;
}
