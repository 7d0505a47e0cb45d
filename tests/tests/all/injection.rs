//! A title is text wherever it is shown. The pages' policy is switched off
//! here, so that markup that got in would run, and be seen to.

use serde_json::json;
use tests::{App, Browser, Page, until};
use thirtyfour::Key;

/// Texts that set `window.fired` where they are taken for markup.
const HOSTILE: [&str; 12] = [
    "<script>window.fired=1</script>",
    "<img src=x onerror=window.fired=1>",
    "\"><svg onload=window.fired=1>",
    "'><svg onload=window.fired=1>",
    "\" autofocus onfocus=\"window.fired=1",
    "' autofocus onfocus='window.fired=1",
    "</title></textarea></template></bdi></label><script>window.fired=1</script>",
    "--><img src=x onerror=window.fired=1><!--",
    "<iframe srcdoc=\"<script>parent.fired=1</script>\"></iframe>",
    "&lt;img src=x onerror=window.fired=1&gt;",
    "&quot;&gt;&lt;img src=x onerror=window.fired=1&gt;",
    "{}${window.fired=1}{{window.fired=1}}<%=window.fired=1%>",
];

/// A page without the protection of its policy.
async fn defenseless(page: &Page) {
    page.devtools("Page.setBypassCSP", json!({ "enabled": true })).await;
    page.reload().await;
}

/// That no text has become markup.
async fn nothing_fires(browser: &Browser) {
    let inside = browser
        .run(
            "return [...document.querySelectorAll('script:not([src]), iframe, [onerror], [onload], [onfocus]')]
                .map(element => element.outerHTML)",
        )
        .await;
    assert_eq!(inside, json!([]), "a title has become markup");
    assert_eq!(browser.run("return window.fired ?? null").await, json!(null), "a title has run");
}

/// That some element shows exactly this text, untouched and unstripped.
async fn shows_text(browser: &Browser, selector: &str, text: &str) {
    let script = format!(
        "return [...document.querySelectorAll('{selector}')].some(element => (element.value ?? element.textContent).includes({}))",
        json!(text)
    );
    let what = format!("`{selector}` shows {text}");
    until(&what, async || (browser.run(&script).await == true).then_some(())).await;
}

async fn app_with_hostile_titles() -> App {
    let app = App::start().await;
    for title in HOSTILE {
        app.add(title).await;
    }
    app
}

#[tokio::test]
async fn the_canary_fires_where_markup_gets_in() {
    let app = App::start().await;
    let page = Page::open(&app).await;
    defenseless(&page).await;
    page.run(&format!("document.querySelector('h1').innerHTML = {}", json!(HOSTILE[1]))).await;
    page.comes_to("window.fired === 1").await;
}

#[tokio::test]
async fn the_policy_stops_what_would_get_in_all_the_same() {
    let app = App::start().await;
    let page = Page::open(&app).await;
    page.run(&format!("document.querySelector('h1').innerHTML = {}", json!(HOSTILE[1]))).await;
    until("the browser says what it stopped", async || {
        page.console_errors()
            .await
            .iter()
            .any(|error| error.contains("Content Security Policy"))
            .then_some(())
    })
    .await;
    assert_eq!(page.run("return window.fired ?? null").await, json!(null));
}

#[tokio::test]
async fn titles_from_the_server_are_text_in_the_list_and_in_labels() {
    let app = app_with_hostile_titles().await;
    let page = Page::open(&app).await;
    defenseless(&page).await;
    page.shows(HOSTILE).await;
    nothing_fires(&page).await;
}

#[tokio::test]
async fn titles_are_text_without_javascript() {
    let app = app_with_hostile_titles().await;
    let page = Page::without_javascript(&app).await;
    page.shows(HOSTILE).await;
    nothing_fires(&page).await;
}

#[tokio::test]
async fn titles_that_are_typed_are_text() {
    let app = App::start().await;
    let page = Page::open(&app).await;
    defenseless(&page).await;
    for title in HOSTILE {
        page.add(title).await;
    }
    page.shows(HOSTILE).await;
    nothing_fires(&page).await;
    until("all are saved", async || (app.titles().await == HOSTILE).then_some(())).await;
}

#[tokio::test]
async fn titles_from_another_browser_are_text() {
    let app = App::start().await;
    let page = Page::open(&app).await;
    defenseless(&page).await;
    for title in HOSTILE {
        app.add(title).await;
    }
    page.run("dispatchEvent(new Event('focus'))").await;
    page.shows(HOSTILE).await;
    nothing_fires(&page).await;
}

#[tokio::test]
async fn titles_are_text_in_the_editor_and_after_it() {
    let app = app_with_hostile_titles().await;
    let page = Page::open(&app).await;
    defenseless(&page).await;
    for title in HOSTILE {
        page.double_click(title).await;
        page.comes_to_show("the editor", |shown| shown.editing() == [title]).await;
        shows_text(&page, ".editing .edit", title).await;
        page.press(Key::End + "!" + Key::Enter).await;
        let edited = format!("{title}!");
        page.comes_to_show("the new title", |shown| shown.titles().contains(&edited.as_str()))
            .await;
    }
    nothing_fires(&page).await;
}

#[tokio::test]
async fn titles_are_text_on_the_edit_page() {
    let app = app_with_hostile_titles().await;
    let page = Page::open(&app).await;
    defenseless(&page).await;
    for todo in app.list().await {
        page.go(&format!("/items/{}/edit", todo["id"])).await;
        shows_text(&page, ".edit-form [name=title]", todo["title"].as_str().unwrap()).await;
        nothing_fires(&page).await;
    }
}

/// A page that works by its forms alone, and would run what got into it.
async fn page_of_forms(app: &App) -> Page {
    let page = Page::open(app).await;
    page.devtools("Network.enable", json!({})).await;
    page.devtools("Network.setBlockedURLs", json!({ "urls": ["*/assets/app.*.js"] })).await;
    defenseless(&page).await;
    page.comes_to("!document.documentElement.classList.contains('js')").await;
    page
}

#[tokio::test]
async fn refused_titles_are_text_in_their_input_and_its_message() {
    let app = App::start().await;
    let page = page_of_forms(&app).await;
    for title in HOSTILE {
        let long = format!("{title}{}", "x".repeat(256));
        page.go("/").await;
        page.add(&long).await;
        page.says("characters").await;
        shows_text(&page, ".new-todo", &long).await;
        nothing_fires(&page).await;
    }
}

#[tokio::test]
async fn refused_edits_are_text_on_the_edit_page() {
    let app = App::start().await;
    let todo = app.add("buy milk").await;
    let page = page_of_forms(&app).await;
    for title in HOSTILE {
        let long = format!("{title}{}", "x".repeat(256));
        page.go(&format!("/items/{}/edit", todo["id"])).await;
        page.find(".edit-form").await;
        page.retype(&long).await;
        page.press(Key::Enter).await;
        page.says("characters").await;
        shows_text(&page, ".edit-form [name=title]", &long).await;
        nothing_fires(&page).await;
    }
}

#[tokio::test]
async fn both_titles_of_a_conflict_are_text() {
    let app = App::start().await;
    let page = page_of_forms(&app).await;
    for title in HOSTILE {
        let todo = app.add("buy milk").await;
        page.go(&format!("/items/{}/edit", todo["id"])).await;
        page.find(".edit-form").await;
        app.change(&todo, json!({ "title": title })).await;
        let typed = format!("mine: {title}");
        page.retype(&typed).await;
        page.press(Key::Enter).await;
        page.says("changed elsewhere").await;
        shows_text(&page, ".edit-form [name=title]", &typed).await;
        shows_text(&page, ".current", title).await;
        nothing_fires(&page).await;
    }
}

#[tokio::test]
async fn titles_in_messages_are_text() {
    let app = App::start().await;
    let page = Page::open(&app).await;
    defenseless(&page).await;
    for title in HOSTILE {
        let todo = app.add("buy milk").await;
        page.run("dispatchEvent(new Event('focus'))").await;
        page.double_click("buy milk").await;
        page.comes_to_show("the editor", |shown| shown.editing() == ["buy milk"]).await;
        page.retype(title).await;
        app.change(&todo, json!({ "title": "changed" })).await;
        page.press(Key::Enter).await;
        page.says("changed somewhere else").await;
        shows_text(&page, ".notice .typed", title).await;
        nothing_fires(&page).await;
        page.click(".dismiss").await;
        app.remove(&todo).await;
    }
}

#[tokio::test]
async fn text_for_a_todo_that_is_gone_is_text_on_the_error_page() {
    let app = App::start().await;
    let page = page_of_forms(&app).await;
    for title in HOSTILE {
        let todo = app.add("buy milk").await;
        page.go(&format!("/items/{}/edit", todo["id"])).await;
        page.find(".edit-form").await;
        app.remove(&todo).await;
        page.retype(title).await;
        page.press(Key::Enter).await;
        page.find(".failure").await;
        shows_text(&page, "#title", title).await;
        nothing_fires(&page).await;
    }
}

#[tokio::test]
async fn addresses_and_cookies_are_not_shown_as_markup() {
    let app = App::start().await;
    app.add("buy milk").await;
    let page = page_of_forms(&app).await;
    for text in HOSTILE {
        let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        for place in [
            "/?filter=",
            "/?after=",
            "/?filter=all&x=",
            "/",
            "/items/1/edit?filter=",
            "/todos/",
            "/assets/",
        ] {
            page.go(&format!("{place}{encoded}")).await;
            nothing_fires(&page).await;
        }
        page.go("/").await;
        page.run(&format!(
            "document.cookie = 'flash=' + encodeURIComponent({}) + '; path=/'",
            json!(text)
        ))
        .await;
        page.reload().await;
        nothing_fires(&page).await;
    }
}

#[tokio::test]
async fn a_right_to_left_title_does_not_turn_what_stands_beside_it() {
    let app = App::start().await;
    app.add("\u{202e}evil\u{202e}").await;
    let page = Page::open(&app).await;
    page.comes_to("getComputedStyle(document.querySelector('.todo-list bdi')).unicodeBidi.startsWith('isolate')").await;
    page.shows(["\u{202e}evil\u{202e}"]).await;
}
