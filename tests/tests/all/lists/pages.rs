//! The pages of lists, with a script and without.

use super::Own;
use reqwest::Method;
use serde_json::json;
use tests::{App, Ask as _, Browser, Page, axe, until};

#[tokio::test]
async fn without_a_script_a_list_is_made_used_and_shared() {
    let app = App::with_todos(&["of all"]).await;
    let page = Page::without_javascript(&app).await;
    page.click(".files a[href='/lists']").await;
    page.find("#name").await.send_keys("Home <b>").await.unwrap();
    page.click("option[value=blue]").await;
    page.click(".lists-page button").await;
    until("the list is there", async || page.has(".list-name").await.then_some(())).await;
    assert_eq!(page.find(".list-name").await.text().await.unwrap(), "Home <b>");
    page.add("mine").await;
    page.shows(["mine"]).await;
    page.toggle("mine").await;
    page.shows_completed(["mine"]).await;
    page.click(".filters a[data-filter=completed]").await;
    page.comes_to("location.search === '?filter=completed'").await;
    page.shows(["mine"]).await;
    page.destroy("mine").await;
    page.click(".undo").await;
    page.shows(["mine"]).await;
    page.click("a[href$='/settings']").await;
    let read = page.find("#read-url").await.value().await.unwrap().unwrap();
    page.click("form[action$='/rekey'] button").await;
    page.comes_to(&format!("document.querySelector('#read-url').value !== '{read}'")).await;
    let now = page.find("#read-url").await.value().await.unwrap().unwrap();
    page.goto(&now).await;
    assert!(page.has(".todo-list li").await && !page.has("form[method=post]").await);
    page.goto(&read).await;
    assert!(page.has(".failure[data-status='404']").await);
    page.click(".failure a").await;
    page.shows(["of all"]).await;
}

/// The answer to the first of two clicks is lost, and with it no list.
#[tokio::test]
async fn new_links_that_are_asked_for_twice_are_the_same() {
    let app = App::start().await;
    let list = Own::new(&app, "Home").await;
    let settings = app.get(&format!("{}/settings", list.url())).answer().await.is(200);
    let marked = "name=\"key\" value=\"";
    let next = settings.text().split(marked).nth(1).unwrap().split('"').next().unwrap();
    for _ in 0..2 {
        let asked = app.submit(&format!("{}/rekey", list.url()), &[("key", next)]).await;
        asked.redirects_to(&format!("/lists/{next}/settings"));
    }
    app.get(list.url()).answer().await.is(404);
    app.get(&format!("/lists/{next}")).answer().await.is(200);
    app.submit(&format!("{}/rekey", list.url()), &[]).await.is(404);
    let read = format!("r{}", "0".repeat(32));
    let again = app.submit(&format!("/lists/{next}/rekey"), &[("key", &read)]).await.is(303);
    assert!(!again.header("location").contains(&read), "a key that writes does not begin so");
}

#[tokio::test]
async fn new_links_are_never_another_lists() {
    let app = App::start().await;
    let (mine, other) = (Own::new(&app, "mine").await, Own::new(&app, "other").await);
    let asked = app.submit(&format!("{}/rekey", mine.url()), &[("key", other.key())]).await;
    let refused = asked.is(409);
    assert!(refused.text().contains("load the page again"), "{}", refused.text());
    for (list, name) in [(&mine, "mine"), (&other, "other")] {
        let now = app.get(list.url()).header("accept", "application/json").answer().await;
        assert_eq!(now.is(200).json()["name"], name);
    }
    // Its own is as good as new.
    app.submit(&format!("{}/rekey", mine.url()), &[("key", mine.key())]).await.is(303);
}

#[tokio::test]
async fn the_browser_remembers_its_lists_and_takes_them_along() {
    let app = App::start().await;
    let (home, work) = (Own::new(&app, "Home").await, Own::new(&app, "Work").await);
    let (browser, elsewhere) = Browser::two().await;
    for url in [home.url(), work.list["read_url"].as_str().unwrap()] {
        browser.goto(url).await;
        browser
            .comes_to("document.querySelector('.list-name') && localStorage.getItem('lists')")
            .await;
    }
    browser.goto(&app.url("/lists")).await;
    let names =
        "[...document.querySelectorAll('.known-lists li')].map((li) => li.firstChild.textContent)";
    let known = json!(["The list that all share", "Home", "Work"]);
    browser.comes_to(&format!("JSON.stringify({names}) === '{known}'")).await;
    let link = browser.run("return document.querySelector('.take-along a').href").await;

    elsewhere.goto(link.as_str().unwrap()).await;
    elsewhere.comes_to(&format!("JSON.stringify({names}) === '{known}'")).await;
    assert_eq!(elsewhere.place().await, "/lists", "no key stays in the address");
    // Nothing that somebody else has put into a link renames or breaks what is known.
    let renamed =
        json!([[home.key(), "Renamed", "pink"], [[home.key()], "Twice", "red"]]).to_string();
    for junk in ["5", "null", "%7B%22a%22%3A1%7D", "[null]", "[1]", "%", &renamed] {
        elsewhere.goto("about:blank").await;
        elsewhere.goto(&app.url(&format!("/lists#{junk}"))).await;
        elsewhere.comes_to(&format!("JSON.stringify({names}) === '{known}'")).await;
    }
    // They have an order of one's own.
    let raised = json!(["The list that all share", "Work", "Home"]);
    for _ in ["once", "as far as it goes"] {
        elsewhere.click("[aria-label='Up Work']").await;
        elsewhere.comes_to(&format!("JSON.stringify({names}) === '{raised}'")).await;
    }
    elsewhere.goto(&app.url("/lists")).await;
    elsewhere.comes_to(&format!("JSON.stringify({names}) === '{raised}'")).await;
    // The second click of a double click is not the next one's.
    elsewhere.double_click_at(elsewhere.middle("[aria-label='Forget Work']").await).await;
    elsewhere.goto(&app.url("/lists")).await;
    let left = json!(["The list that all share", "Home"]);
    elsewhere.comes_to(&format!("JSON.stringify({names}) === '{left}'")).await;

    // A todo that is gone takes no list with it; new keys take the place of the old, and what is gone
    // is forgotten.
    browser.goto(&format!("{}/items/999/edit", home.url())).await;
    browser.comes_to("document.querySelector('.failure')").await;
    browser.comes_to("localStorage.getItem('lists').includes('Home')").await;
    browser.goto(&format!("{}/settings", home.url())).await;
    let mut read = String::new();
    for of in ["#write-url", "#read-url"] {
        read += &read_code(&browser, &format!("{of} + .qr")).await;
    }
    assert_eq!(read, format!("{}{}", home.url(), home.list["read_url"].as_str().unwrap()));
    browser.click("form[action$='/rekey'] button").await;
    browser.comes_to(&format!("!localStorage.getItem('lists').includes('{}')", home.key())).await;
    work.ask(Method::DELETE, "", None).await.is(204);
    browser.goto(work.list["read_url"].as_str().unwrap()).await;
    browser.comes_to("!localStorage.getItem('lists').includes('Work')").await;
    browser.comes_to("localStorage.getItem('lists').includes('Home')").await;
}

/// What a camera reads.
async fn read_code(browser: &Browser, at: &str) -> String {
    browser.click(&format!("{at} summary")).await;
    let drawn = browser.find(&format!("{at} svg")).await;
    until("the code is in sight", async || drawn.is_displayed().await.unwrap().then_some(())).await;
    let script = format!(
        "const svg = document.querySelector('{at} svg');
         const shape = svg.querySelector('path');
         const point = svg.createSVGPoint();
         const size = svg.viewBox.baseVal.width - 8;
         return Array.from({{ length: size }}, (_, y) => Array.from({{ length: size }}, (_, x) => {{
             Object.assign(point, {{ x: x + .5, y: y + .5 }});
             return shape.isPointInFill(point);
         }}));"
    );
    let dark: Vec<Vec<bool>> = serde_json::from_value(browser.run(&script).await).unwrap();
    let grid = rqrr::SimpleGrid::from_func(dark.len(), |x, y| dark[y][x]);
    rqrr::Grid::new(grid).decode().unwrap().1
}

#[tokio::test]
async fn with_a_script_a_list_is_one_of_its_own() {
    let app = App::with_todos(&["of all"]).await;
    let list = Own::new(&app, "Home").await;
    let page = Page::open(&app).await;
    page.goto(list.url()).await;
    page.add("mine").await;
    page.add("more").await;
    page.shows(["mine", "more"]).await;
    app.has_saved(&["of all"]).await;
    page.toggle("mine").await;
    page.destroy("more").await;
    page.shows(["mine"]).await;
    page.click(".notice .undo").await;
    page.shows(["mine", "more"]).await;
    until("all is saved", async || {
        let todos = list.ask(Method::GET, "/todos", None).await.json();
        (todos[0]["completed"] == true && todos[1]["title"] == "more").then_some(())
    })
    .await;
    assert!(page.console_errors().await.is_empty());
}

#[tokio::test]
async fn the_pages_of_lists_keep_to_the_rules_of_accessibility() {
    let app = App::start().await;
    let list = Own::new(&app, "Home").await;
    list.add("mine").await;
    let browser = Browser::open().await;
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        for url in [
            app.url("/lists"),
            list.url().to_owned(),
            format!("{}/settings", list.url()),
            list.list["read_url"].as_str().unwrap().to_owned(),
        ] {
            browser.goto(&url).await;
            assert_eq!(axe::violations(&browser).await, Vec::<String>::new(), "{url} {scheme}");
        }
    }
}
