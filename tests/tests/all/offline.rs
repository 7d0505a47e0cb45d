//! Installed on a device, and without a network: the list is there, and what is done is sent later.

use serde_json::{Value, json};
use tests::host::Up;
use tests::{App, Ask, Database, Page, Project, until};
use thirtyfour::Key;

/// Has the page believe that there is no network, or that there is one again.
async fn cut(page: &Page, offline: bool) {
    page.devtools("Network.enable", json!({})).await;
    let conditions = json!({
        "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1
    });
    page.devtools("Network.emulateNetworkConditions", conditions).await;
    page.comes_to(&format!("navigator.onLine !== {offline}")).await;
}

/// Waits until the page, its script and its style sheet are kept.
async fn is_kept(page: &Page) {
    let script = "
        const cache = await caches.open('todoozle');
        const kept = (await cache.keys()).map(({ url }) => new URL(url).pathname);
        return ['/', '.css', '.js', '.svg'].every(end => kept.some(path => path.endsWith(end)));";
    let script = format!("return (async () => {{ {script} }})()");
    until("the page is kept", async || (page.run(&script).await == true).then_some(())).await;
}

#[tokio::test]
async fn a_browser_finds_what_it_takes_to_install_it() {
    let app = App::start().await;
    let page = Page::open(&app).await;
    let manifest = page.devtools("Page.getAppManifest", json!({})).await;
    assert_eq!(manifest["errors"], json!([]), "{manifest}");
    let manifest: Value = serde_json::from_str(manifest["data"].as_str().unwrap()).unwrap();
    for icon in manifest["icons"].as_array().unwrap() {
        let answer = app.get(&format!("/{}", icon["src"].as_str().unwrap())).answer().await.is(200);
        assert_eq!(answer.header("content-type"), icon["type"].as_str().unwrap());
    }
    page.comes_to("navigator.serviceWorker.controller").await;
    assert!(page.console_errors().await.is_empty());
}

#[tokio::test]
async fn the_list_is_there_when_the_server_is_not() {
    let database = Database::new().await;
    database
        .execute("INSERT INTO todoitem (task, completed) VALUES ('a', false), ('b', true)")
        .await;
    let host = Up::on(database.url().as_str(), Project::new()).start().await;
    let page = Page::on(&host).await;
    page.shows(["a", "b"]).await;
    is_kept(&page).await;
    drop(host);
    page.reload().await;
    page.shows(["a", "b"]).await;
    page.comes_to("document.documentElement.matches('.js')").await;
    let color =
        page.run("return getComputedStyle(document.querySelector('.add')).borderRadius").await;
    assert_eq!(color, "11px", "the style sheet is there, too");
}

#[tokio::test]
async fn without_the_server_each_list_is_itself_or_not_there() {
    let app = App::with_todos(&["of all"]).await;
    let (seen, unseen) = (new_list(&app, "seen").await, new_list(&app, "unseen").await);
    app.post(&format!("{seen}/todos")).json(&json!({ "title": "mine" })).answer().await.is(201);
    let page = Page::open(&app).await;
    page.shows(["of all"]).await;
    is_kept(&page).await;
    page.goto(&app.url(&seen)).await;
    page.shows(["mine"]).await;
    let kept = format!("(await caches.match(location.href)) && '{seen}'");
    let kept = format!("return (async () => {kept})()");
    until("it is kept", async || (page.run(&kept).await == seen.as_str()).then_some(())).await;

    let App { host, database, .. } = app;
    let at = |path: &str| format!("{}{path}", host.origin());
    let (seen, filtered, unseen) = (at(&seen), at(&format!("{seen}/?filter=active")), at(&unseen));
    drop((host, database));
    for place in [&seen, &filtered] {
        page.goto(place).await;
        page.shows(["mine"]).await;
    }
    let _ = page.driver().goto(&unseen).await; // an error, or the browser's page for one
    assert!(!page.has(".todoapp").await, "another list stands in its place");
}

/// The path of a new list.
async fn new_list(app: &App, name: &str) -> String {
    let made = app.post("/lists").json(&json!({ "name": name })).answer().await.is(201);
    made.header("location").to_owned()
}

#[tokio::test]
async fn what_is_done_offline_is_sent_when_the_network_is_back() {
    let app = App::with_todos(&["a", "b", "c"]).await;
    let page = Page::open(&app).await;
    page.stay().await;
    cut(&page, true).await;
    page.add("d").await;
    page.comes_to("!document.querySelector('.offline').hidden").await;
    page.toggle("a").await;
    page.destroy("b").await;
    rename(&page, "c", "cc").await;
    rename(&page, "cc", "ccc").await;
    page.toggle("d").await;
    page.shows(["a", "ccc", "d"]).await;
    page.shows_completed(["a", "d"]).await;
    assert_eq!(app.titles().await, ["a", "b", "c"]);
    cut(&page, false).await;
    app.has_saved(&["a", "ccc", "d"]).await;
    page.shows_completed(["a", "d"]).await;
    until("the ticks are saved", async || {
        let list = app.list().await;
        list.iter().map(|todo| todo["completed"] == true).eq([true, false, true]).then_some(())
    })
    .await;
    page.comes_to("document.querySelector('.offline').hidden").await;
    page.is_still_here().await;
}

/// As on a train, with the server on the same machine.
#[tokio::test]
async fn a_server_that_can_be_reached_is_used_whatever_the_browser_says() {
    let app = App::with_todos(&["a"]).await;
    let page = Page::open(&app).await;
    page.run("Object.defineProperty(navigator, 'onLine', { get: () => false })").await;
    page.add("b").await;
    page.toggle("a").await;
    app.has_saved(&["a", "b"]).await;
    page.shows_completed(["a"]).await;
    page.comes_to("document.querySelector('.offline').hidden").await;
}

#[tokio::test]
async fn it_is_sent_as_well_when_the_tab_was_closed_meanwhile() {
    let app = App::with_todos(&["a", "b"]).await;
    let page = Page::open(&app).await;
    is_kept(&page).await;
    cut(&page, true).await;
    page.add("c").await;
    page.toggle("a").await;
    page.destroy("b").await;
    page.shows(["a", "c"]).await;
    page.reload().await; // the service worker has a network of its own
    page.shows(["a", "c"]).await;
    page.shows_completed(["a"]).await;
    cut(&page, false).await; // what is emulated ends for some requests with the document
    app.has_saved(&["a", "c"]).await;
    page.reload().await;
    page.shows(["a", "c"]).await;
    page.comes_to("localStorage.getItem('outbox') === '[]'").await;
    assert_eq!(app.titles().await, ["a", "c"], "and nothing twice");
}

async fn rename(page: &Page, from: &str, to: &str) {
    page.double_click(from).await;
    page.retype(to).await;
    page.press(Key::Enter).await;
}

/// Each carries the version that was there before the first of them.
#[tokio::test]
async fn edits_of_one_todo_follow_one_another_when_the_tab_was_closed() {
    let app = App::with_todos(&["a", "b", "c"]).await;
    let list = app.list().await;
    let page = Page::open(&app).await;
    is_kept(&page).await;
    cut(&page, true).await;
    rename(&page, "a", "mine a").await;
    page.toggle("mine a").await;
    rename(&page, "mine a", "mine a, too").await;
    rename(&page, "b", "mine b").await;
    rename(&page, "mine b", "mine b, too").await;
    rename(&page, "c", "mine c").await;
    page.destroy("mine c").await;
    page.add("d").await;
    rename(&page, "d", "mine d").await;
    page.toggle("mine d").await;
    page.comes_to("JSON.parse(localStorage.getItem('outbox')).length === 10").await;
    app.change(&list[1], json!({ "title": "theirs" })).await;
    page.reload().await;
    cut(&page, false).await;
    app.has_saved(&["mine a, too", "theirs", "mine d"]).await;
    page.shows(["mine a, too", "theirs", "mine d"]).await;
    page.shows_completed(["mine a, too", "mine d"]).await;
    page.comes_to("localStorage.getItem('outbox') === '[]'").await;
    let unsaved = page.run(
        "return [...document.querySelectorAll('.typed')].map(it => it.textContent).filter(Boolean)",
    );
    assert_eq!(unsaved.await, json!(["mine b", "mine b, too"]));
}

/// A browser refuses to have more than 64 KB of them outlive their tab.
#[tokio::test]
async fn each_new_todo_is_kept_with_what_was_done_to_it() {
    let app = App::with_todos(&["a"]).await;
    for closes in [false, true] {
        app.delete("/todos").answer().await.is(204);
        let page = Page::open(&app).await;
        is_kept(&page).await;
        cut(&page, true).await;
        page.add("b").await;
        page.add("c").await;
        rename(&page, "c", "my c").await;
        page.toggle("my c").await;
        page.add("d").await;
        rename(&page, "b", "my b").await;
        page.comes_to("JSON.parse(localStorage.getItem('outbox')).length === 6").await;
        if closes {
            page.reload().await;
        }
        cut(&page, false).await;
        app.has_saved(&["my b", "my c", "d"]).await;
        page.shows(["my b", "my c", "d"]).await;
        page.shows_completed(["my c"]).await;
        page.comes_to("localStorage.getItem('outbox') === '[]'").await;
        page.comes_to("!document.querySelector('.typed:not(:empty)')").await;
    }
}

/// As when a tab is closed while it is on its way.
#[tokio::test]
async fn an_edit_whose_answer_was_lost_is_no_conflict_with_itself() {
    let app = App::with_todos(&["a", "b"]).await;
    let list = app.list().await;
    let page = Page::open(&app).await;
    let lose = "const real = fetch; const lost = new Set();
        window.again = null;
        window.fetch = async (...of) => {
            if (lost.has(of[0])) await again;
            const answer = await real(...of);
            if (of[1]?.method !== 'PATCH' || lost.has(of[0])) return answer;
            lost.add(of[0]);
            throw new TypeError('lost');
        };
        Object.defineProperty(navigator, 'onLine', { get: () => false });";
    page.run(lose).await;
    rename(&page, "a", "mine a").await;
    rename(&page, "mine a", "mine a, too").await;
    app.has_saved(&["mine a, too", "b"]).await;
    page.comes_to("localStorage.getItem('outbox') === '[]'").await;
    assert!(!page.has("[role=alert] .notice").await, "a conflict is shown");

    page.run("again = new Promise((go) => { window.go_on = go; })").await;
    rename(&page, "b", "mine b").await;
    app.has_saved(&["mine a, too", "mine b"]).await;
    app.change(&list[1], json!({ "title": "theirs" })).await;
    page.run("go_on()").await; // not sent again before
    page.says("mine b").await;
    assert_eq!(app.titles().await, ["mine a, too", "theirs"]);
}

#[tokio::test]
async fn an_edit_offline_follows_what_was_on_its_way() {
    let app = App::with_todos(&["a"]).await;
    let page = Page::open(&app).await;
    let hold = "const real = fetch; let held = true; window.gone = false;
        const gate = new Promise((open) => { window.let_go = () => { held = false; open(); }; });
        window.fetch = async (...of) => { const answer = await real(...of); if (held && of[1]?.method) await gate; return answer; };
        Object.defineProperty(navigator, 'onLine', { get: () => !gone });";
    page.run(hold).await;
    page.toggle("a").await;
    page.add("n").await;
    app.has_saved(&["a", "n"]).await;
    page.run("gone = true").await;
    rename(&page, "a", "mine a").await;
    rename(&page, "n", "mine n").await;
    page.run("let_go(); gone = false; dispatchEvent(new Event('online'))").await;
    app.has_saved(&["mine a", "mine n"]).await;
    page.shows_completed(["mine a"]).await;
    page.comes_to("!document.querySelector('.typed:not(:empty)')").await;
}

#[tokio::test]
async fn large_writes_are_sent_as_well_as_small_ones() {
    let app = App::with_todos(&["a", "b", "c"]).await;
    let page = Page::open(&app).await;
    let notes = "€".repeat(4000);
    let entry = |todo: &Value| {
        let path = format!("/todos/{}", todo["id"]);
        json!({ "id": path, "method": "PATCH", "path": path, "body": { "notes": notes } })
    };
    let kept: Value = app.list().await.iter().map(entry).collect();
    let source = format!(
        "localStorage.outbox ??= {};
         window.outliving = [];
         const send = fetch;
         window.fetch = (url, how) => {{ if (how?.body) outliving.push(how.keepalive); return send(url, how); }};",
        json!(kept.to_string())
    );
    page.run("localStorage.removeItem('outbox')").await;
    page.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source })).await;
    page.reload().await;
    until("all are saved", async || {
        app.list().await.iter().all(|todo| todo["notes"] == notes.as_str()).then_some(())
    })
    .await;
    page.add("d").await;
    app.has_saved(&["a", "b", "c", "d"]).await;
    assert_eq!(page.run("return outliving").await, json!([false, false, false, true]));
}

#[tokio::test]
async fn another_tab_sends_it_when_the_first_is_closed_and_not_before() {
    let app = App::with_todos(&["a"]).await;
    let page = Page::open(&app).await;
    cut(&page, true).await;
    page.add("b").await;
    page.comes_to("localStorage.getItem('outbox')?.includes('\"b\"')").await;
    let first = page.driver().window().await.unwrap();
    let second = page.new_tab();
    page.driver().switch_to_window(second.clone()).await.unwrap();
    page.go("/").await;
    page.shows(["a"]).await;
    page.add("c").await;
    app.has_saved(&["a", "c"]).await;
    page.driver().switch_to_window(first).await.unwrap();
    page.driver().close_window().await.unwrap();
    page.driver().switch_to_window(second).await.unwrap();
    app.has_saved(&["a", "c", "b"]).await;
    page.shows(["a", "c", "b"]).await;
}

#[tokio::test]
async fn a_conflict_is_shown_and_no_text_is_lost() {
    let app = App::with_todos(&["a", "b"]).await;
    let page = Page::open(&app).await;
    cut(&page, true).await;
    for title in ["a", "b"] {
        rename(&page, title, &format!("mine {title}")).await;
    }
    let list = app.list().await;
    app.change(&list[0], json!({ "title": "theirs" })).await;
    cut(&page, false).await;
    page.says("mine a").await;
    page.shows(["theirs", "mine b"]).await;
    app.has_saved(&["theirs", "mine b"]).await;
    page.click("[role=alert] .retry").await;
    app.has_saved(&["mine a", "mine b"]).await;
}

#[tokio::test]
async fn each_step_that_was_ticked_is_kept_when_the_tab_is_closed() {
    let app = App::start().await;
    let steps = ["a", "b", "c"].map(|title| json!({ "title": title }));
    app.create(json!({ "title": "cake", "steps": steps })).await;
    let page = Page::open(&app).await;
    is_kept(&page).await;
    cut(&page, true).await;
    page.run("for (const step of document.querySelectorAll('.step')) step.click()").await;
    page.comes_to("JSON.parse(localStorage.getItem('outbox') ?? '[]').length === 3").await;
    page.reload().await;
    page.comes_to("document.querySelectorAll('.step[aria-checked=true]').length === 3").await;
    cut(&page, false).await;
    until("all are saved", async || {
        let todo = app.list().await[0].clone();
        let mut steps = todo["steps"].as_array().unwrap().iter();
        steps.all(|step| step["completed"] == true).then_some(())
    })
    .await;
}
