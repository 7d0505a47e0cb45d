//! Several pages on one list: tabs at once, browsers within seconds, and what
//! comes back by reload or the back button.

use serde_json::json;
use tests::{App, Page};
use thirtyfour::WindowHandle;

/// Two tabs of one browser, the first one shown.
struct Tabs {
    page: Page,
    first: WindowHandle,
    second: WindowHandle,
}

impl Tabs {
    async fn open(app: &App) -> Self {
        let page = Page::open(app).await;
        let first = page.driver().window().await.unwrap();
        let second = page.new_tab();
        let tabs = Self { page, first, second };
        tabs.second().await.go("/").await;
        tabs.first().await;
        tabs
    }

    async fn first(&self) -> &Page {
        self.page.driver().switch_to_window(self.first.clone()).await.unwrap();
        &self.page
    }

    async fn second(&self) -> &Page {
        self.page.driver().switch_to_window(self.second.clone()).await.unwrap();
        &self.page
    }
}

/// Takes from the page every other reason to ask the server: no clock, no
/// focus. What it shows from now on it was told by another tab.
const DEAFEN: &str = "
    const clock = window.setTimeout;
    window.setTimeout = (task, wait, ...rest) => wait > 100 ? 0 : clock(task, wait, ...rest);
    for (let timer = clock(() => {}); timer > 0; timer -= 1) clearTimeout(timer);
    for (const name of ['focus', 'pageshow', 'online', 'visibilitychange'])
        addEventListener(name, event => event.stopImmediatePropagation(), true);";

#[tokio::test]
async fn a_tab_is_told_of_every_change_in_another_one() {
    let app = App::start().await;
    app.add("a").await;
    app.add("b").await;
    let tabs = Tabs::open(&app).await;
    tabs.second().await.shows(["a", "b"]).await;
    tabs.second().await.run(DEAFEN).await;

    tabs.first().await.add("c").await;
    tabs.second().await.shows(["a", "b", "c"]).await;

    tabs.first().await.toggle("b").await;
    tabs.second()
        .await
        .comes_to_show("the tick", |shown| {
            shown.completed() == ["b"] && shown.count() == "2 items left"
        })
        .await;

    tabs.first().await.double_click("a").await;
    tabs.page.retype("d").await;
    tabs.page.click("h1").await;
    tabs.second().await.shows(["d", "b", "c"]).await;

    tabs.first().await.destroy("d").await;
    tabs.second().await.shows(["b", "c"]).await;

    tabs.first().await.clear_completed().await;
    tabs.second().await.shows(["c"]).await;

    tabs.first().await.toggle_all().await;
    tabs.second()
        .await
        .comes_to_show("the mark", |shown| shown.completed() == ["c"] && shown.all_checked())
        .await;
}

#[tokio::test]
async fn a_tab_that_shows_a_filter_is_told_as_well() {
    let app = App::start().await;
    app.add("a").await;
    let tabs = Tabs::open(&app).await;
    tabs.second().await.go("/?filter=completed").await;
    tabs.page.shows([]).await;
    tabs.page.run(DEAFEN).await;
    tabs.first().await.toggle("a").await;
    tabs.second().await.shows(["a"]).await;
}

#[tokio::test]
async fn two_browsers_show_each_others_changes() {
    let app = App::start().await;
    let (first, second) = Page::two(&app).await;
    first.add("from the first").await;
    second.shows(["from the first"]).await;
    second.add("from the second").await;
    first.shows(["from the first", "from the second"]).await;
    second.toggle("from the first").await;
    first.shows_completed(["from the first"]).await;
    first.destroy("from the second").await;
    second.shows(["from the first"]).await;
    second.clear_completed().await;
    first.comes_to_show("an empty list", |shown| !shown.main() && !shown.footer()).await;
}

#[tokio::test]
async fn a_page_asks_the_server_at_least_every_five_seconds() {
    let app = App::start().await;
    let page = Page::open(&app).await;
    let record = "
        window.waits = [];
        const clock = window.setTimeout;
        window.setTimeout = (task, wait, ...rest) => { waits.push(wait ?? 0); return clock(task, wait, ...rest); };";
    page.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": record })).await;
    page.reload().await;
    page.comes_to("waits.some(wait => wait >= 1000 && wait <= 5000)").await;
}

#[tokio::test]
async fn a_page_asks_the_server_when_it_gets_the_focus() {
    let app = App::start().await;
    let page = Page::open(&app).await;
    page.comes_to("document.readyState === 'complete'").await;
    page.run(&DEAFEN.replace("'focus', ", "")).await;
    app.add("from elsewhere").await;
    page.run("dispatchEvent(new Event('focus'))").await;
    page.shows(["from elsewhere"]).await;
}

#[tokio::test]
async fn a_reload_shows_what_was_changed_elsewhere() {
    let app = App::start().await;
    let todo = app.add("a").await;
    let page = Page::open(&app).await;
    page.run(DEAFEN).await;
    app.change(&todo, json!({ "title": "b", "completed": true })).await;
    page.reload().await;
    page.comes_to_show("the new state", |shown| {
        shown.titles() == ["b"] && shown.completed() == ["b"]
    })
    .await;
}

#[tokio::test]
async fn the_back_button_leads_to_the_list_as_it_is_now() {
    let app = App::start().await;
    let todo = app.add("a").await;
    let page = Page::open(&app).await;
    page.shows(["a"]).await;
    page.go("/nothing").await;
    app.change(&todo, json!({ "title": "b" })).await;
    page.back().await;
    page.shows(["b"]).await;
}

#[tokio::test]
async fn two_pages_that_change_one_todo_end_up_showing_the_same() {
    let app = App::start().await;
    app.add("a").await;
    let (first, second) = Page::two(&app).await;
    second.run(DEAFEN).await; // so that it works on what is out of date
    first.double_click("a").await;
    first.retype("from the first").await;
    first.press(thirtyfour::Key::Enter).await;
    first.shows(["from the first"]).await;
    app.has_saved(&["from the first"]).await;
    // A tick and a title do not touch each other: both hold.
    second.toggle("a").await;
    second.shows_completed(["from the first"]).await;
    first.shows_completed(["from the first"]).await;
    // Nor do a tick and a deletion.
    first.toggle("from the first").await;
    app.has_completed(&[]).await;
    second.destroy("from the first").await;
    app.has_saved(&[]).await;
    second.shows([]).await;
}
