//! What is shown at once is taken back when it cannot be saved, and typed text is kept.

use super::*;
use tests::host::Up;
use tests::{Database, Gate, Host, Project};

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
    page.comes_to_show("a message", |shown| !shown.says_nothing() && shown.completed().is_empty())
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
    let answered = "performance.getEntriesByType('resource')
        .some(it => it.name.includes('/todos/') && it.responseStatus === 200)";
    page.comes_to(answered).await;
    gate.close().await;
    page.toggle_all().await;
    page.comes_to_show("a message", |shown| !shown.says_nothing() && shown.completed() == ["a"])
        .await;
    page.clear_completed().await;
    page.comes_to_show("a message", |shown| !shown.says_nothing() && shown.titles() == ["a", "b"])
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

/// A request that waits in the browser's own queue would be given up for lost before it was sent.
#[tokio::test]
async fn of_many_changes_at_once_none_waits_for_its_answer_before_it_was_sent() {
    const MANY: usize = 50;
    let titles: Vec<_> = (0..MANY).map(|number| format!("todo {number}")).collect();
    let titles: Vec<_> = titles.iter().map(String::as_str).collect();
    let (app, page) = page_with(&titles).await;
    page.run(
        "const ask = window.fetch;
         window.held = [];
         window.fetch = async (url, how) => {
             if (how?.method === 'PATCH') await new Promise((go) => { held.push(go); });
             return ask(url, how);
         };
         for (const toggle of document.querySelectorAll('.toggle')) toggle.click();",
    )
    .await;
    page.comes_to("held.length === 5").await;
    page.run("setInterval(() => { held.shift()?.(); })").await;
    until("all are saved", async || {
        app.list().await.iter().all(|todo| todo["completed"] == true).then_some(())
    })
    .await;
    page.comes_to_show("no message", Shown::says_nothing).await;
}
