//! axe-core finds nothing, light or dark, whatever the page shows; and all of
//! it works by keyboard, by screen reader and on a phone.

use serde_json::json;
use tests::axe::violations;
use tests::{App, Browser, Page};
use thirtyfour::Key;

/// That axe finds nothing, in both color schemes.
async fn is_accessible(browser: &Browser) {
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        browser.comes_to(&format!("matchMedia('(prefers-color-scheme: {scheme})').matches")).await;
        // The colors of a transition under way are nobody's choice.
        browser.comes_to("!document.getAnimations().length").await;
        let found = violations(browser).await;
        assert!(found.is_empty(), "{scheme}: {found:#?}");
    }
}

async fn app_with_todos() -> App {
    let app = App::start().await;
    app.add("buy milk").await;
    let bread = app.add("buy bread").await;
    app.change(&bread, json!({ "completed": true })).await;
    app
}

#[tokio::test]
async fn axe_finds_what_is_wrong() {
    let browser = Browser::open().await;
    browser
        .goto("data:text/html,<html><title>x</title><img src=x><p style='color:%23eee'>pale</p>")
        .await;
    let found = violations(&browser).await.join("\n");
    for rule in ["image-alt", "html-has-lang", "color-contrast"] {
        assert!(found.contains(rule), "{rule} is in {found}");
    }
}

#[tokio::test]
async fn dark_is_dark_and_light_is_light() {
    let app = App::start().await;
    let page = Page::open(&app).await;
    // Painted, because a style may name a color in many ways.
    let brightness = "(() => {
        const paint = document.createElement('canvas').getContext('2d');
        const body = getComputedStyle(document.body).backgroundColor;
        const page = getComputedStyle(document.documentElement).backgroundColor;
        paint.fillStyle = body === 'rgba(0, 0, 0, 0)' ? page : body;
        paint.fillRect(0, 0, 1, 1);
        return paint.getImageData(0, 0, 1, 1).data.slice(0, 3).reduce((a, b) => a + b);
    })()";
    page.prefer("light").await;
    page.comes_to(&format!("{brightness} > 600")).await;
    page.prefer("dark").await;
    page.comes_to(&format!("{brightness} < 200")).await;
    // Paper is white, also where a browser prints what it shows.
    let dark = json!([{ "name": "prefers-color-scheme", "value": "dark" }]);
    page.devtools("Emulation.setEmulatedMedia", json!({ "media": "print", "features": dark }))
        .await;
    for card in [".main", ".empty"] {
        let style = format!("getComputedStyle(document.querySelector('{card}'))");
        page.comes_to(&format!(
            "['rgb(255, 255, 255)', 'rgba(0, 0, 0, 0)'].includes({style}.backgroundColor)"
        ))
        .await;
    }
}

/// By the browser's font size, which a page's zoom has nothing to do with.
#[tokio::test]
async fn what_belongs_to_a_text_grows_with_it() {
    let app = app_with_todos().await;
    let page = Page::open(&app).await;
    page.run("document.documentElement.style.fontSize = '32px'").await;
    let box_of =
        |selector: &str| format!("document.querySelector('{selector}').getBoundingClientRect()");
    for (icon, text) in [(".toggle .icon", ".todo-list bdi"), (".toggle-all .icon", ".toggle-all")]
    {
        // As high as before against the line, and beside its middle.
        let (icon, text) = (box_of(icon), box_of(text));
        page.comes_to(&format!(
            "{icon}.height >= 44 && Math.abs({icon}.top + {icon}.height / 2 - {text}.top - {text}.height / 2) < 8"
        ))
        .await;
    }
    page.double_click("buy milk").await;
    page.comes_to(
        "(() => {
            const editor = document.querySelector('.editing .edit');
            return editor.clientHeight >= parseFloat(getComputedStyle(editor).lineHeight);
        })()",
    )
    .await;
}

#[tokio::test]
async fn the_empty_list_is_accessible() {
    let app = App::start().await;
    let page = Page::open(&app).await;
    is_accessible(&page).await;
}

#[tokio::test]
async fn the_list_is_accessible() {
    let app = app_with_todos().await;
    let page = Page::open(&app).await;
    page.shows_completed(["buy bread"]).await;
    is_accessible(&page).await;
    page.hover("buy milk").await;
    is_accessible(&page).await;
    page.click(".shortcuts").await;
    page.comes_to("document.querySelector('.help').open").await;
    is_accessible(&page).await;
}

#[tokio::test]
async fn each_filter_is_accessible_even_when_it_shows_nothing() {
    let app = App::start().await;
    let page = Page::open(&app).await;
    page.add("buy milk").await;
    page.toggle("buy milk").await;
    for filter in ["Due", "Completed", "Active"] {
        page.choose(filter).await;
        page.comes_to_show(filter, |shown| shown.filter() == filter).await;
        is_accessible(&page).await;
    }
    page.click(".fold").await;
    page.shows(["buy milk"]).await;
    is_accessible(&page).await;
}

#[tokio::test]
async fn a_list_of_several_pages_is_accessible() {
    let app = App::start().await;
    app.database.fill(120).await;
    let page = Page::open(&app).await;
    page.run("scrollTo(0, document.body.scrollHeight)").await;
    page.comes_to_show("two pages", |shown| shown.titles().len() >= 100).await;
    page.go("/?after=50.50").await;
    page.comes_to_show("the second page", |shown| shown.titles().first() == Some(&"title 51"))
        .await;
    is_accessible(&page).await;
}

#[tokio::test]
async fn editing_is_accessible() {
    let app = app_with_todos().await;
    let page = Page::open(&app).await;
    page.double_click("buy milk").await;
    page.comes_to_show("the editor", |shown| shown.editing() == ["buy milk"]).await;
    is_accessible(&page).await;
    page.run("document.activeElement.value = 'x'.repeat(300)").await;
    page.press(Key::Enter).await;
    page.says("300 characters").await;
    is_accessible(&page).await;
}

#[tokio::test]
async fn the_edit_page_is_accessible() {
    let app = app_with_todos().await;
    let todo = app.list().await.remove(0);
    let page = Page::open(&app).await;
    page.go(&format!("/items/{}/edit", todo["id"])).await;
    page.find(".edit-form").await;
    is_accessible(&page).await;
    app.change(&todo, json!({ "title": "buy oat milk" })).await;
    page.retype("buy soy milk").await;
    page.press(Key::Enter).await;
    page.says("changed elsewhere").await;
    is_accessible(&page).await;
}

#[tokio::test]
async fn messages_are_accessible() {
    let app = app_with_todos().await;
    let todo = app.list().await.remove(0);
    let page = Page::open(&app).await;
    page.double_click("buy milk").await;
    page.comes_to_show("the editor", |shown| shown.editing() == ["buy milk"]).await;
    page.retype("buy soy milk").await;
    app.change(&todo, json!({ "title": "buy oat milk" })).await;
    page.press(Key::Enter).await;
    page.says("changed somewhere else").await;
    is_accessible(&page).await;
    page.run(&format!("document.querySelector('.new-todo').value = '{}'", "x".repeat(300))).await;
    page.find(".new-todo").await.send_keys(Key::Enter).await.unwrap();
    page.says("300 characters").await;
    is_accessible(&page).await;
}

#[tokio::test]
async fn the_error_page_is_accessible() {
    let app = App::start().await;
    let page = Page::open(&app).await;
    page.go("/nothing").await;
    is_accessible(&page).await;
}

/// A page whose script never comes: what somebody without JavaScript gets, in a
/// browser where axe can still run.
async fn page_without_its_script(app: &App) -> Page {
    let page = Page::open(app).await;
    page.devtools("Network.enable", json!({})).await;
    page.devtools("Network.setBlockedURLs", json!({ "urls": ["*/assets/app.*.js"] })).await;
    page.reload().await;
    page.comes_to("!document.documentElement.classList.contains('js')").await;
    page
}

#[tokio::test]
async fn the_page_is_accessible_without_its_script() {
    let app = app_with_todos().await;
    let page = page_without_its_script(&app).await;
    is_accessible(&page).await;
    page.add("").await;
    page.says("empty").await;
    is_accessible(&page).await;
    page.go("/").await;
    page.destroy("buy milk").await;
    page.says("Deleted").await;
    is_accessible(&page).await;
}

#[tokio::test]
async fn a_screen_reader_hears_what_each_control_is_and_does() {
    let app = app_with_todos().await;
    let page = Page::open(&app).await;
    page.shows_completed(["buy bread"]).await;
    let tree = page.devtools("Accessibility.getFullAXTree", json!({})).await;
    let nodes = tree["nodes"].as_array().unwrap();
    let checked = |node: &serde_json::Value| {
        let properties = node["properties"].as_array().cloned().unwrap_or_default();
        properties
            .iter()
            .find(|property| property["name"] == "checked")
            .map(|property| property["value"]["value"].clone())
    };
    let has = |role: &str, name: &str, state: Option<&str>| {
        let found = nodes.iter().any(|node| {
            node["role"]["value"] == role
                && node["name"]["value"] == name
                && state.is_none_or(|state| checked(node) == Some(state.into()))
        });
        assert!(found, "a {role} called `{name}`, checked: {state:?}");
    };
    has("textbox", "New todo", None);
    has("checkbox", "Mark all as complete", Some("false"));
    has("checkbox", "buy milk", Some("false"));
    has("checkbox", "buy bread", Some("true"));
    has("link", "Edit buy milk", None);
    has("button", "Delete buy milk", None);
    has("button", "Clear completed", None);
    has("link", "Active", None);
}

#[tokio::test]
async fn everything_is_done_by_keyboard_alone() {
    let app = App::start().await;
    let page = Page::open(&app).await;
    page.stay().await;
    page.press("buy milk" + Key::Enter + "buy bread" + Key::Enter).await;
    page.shows(["buy milk", "buy bread"]).await;

    tab_to(&page, "toggle").await;
    page.press(Key::Space).await;
    page.shows_completed(["buy milk"]).await;

    tab_to(&page, "edit-link").await;
    page.press(Key::Enter).await;
    page.comes_to_show("the editor", |shown| shown.focus() == "edit").await;
    page.retype("buy oat milk").await;
    page.press(Key::Enter).await;
    page.comes_to_show("the focus back at the link", |shown| {
        shown.titles() == ["buy oat milk", "buy bread"] && shown.focus() == "edit-link"
    })
    .await;

    tab_to(&page, "destroy").await;
    page.press(Key::Enter).await;
    page.comes_to_show("the focus at the neighbour", |shown| {
        shown.titles() == ["buy bread"] && shown.focus() == "destroy"
    })
    .await;
    page.press(Key::Enter).await;
    page.comes_to_show("the focus in the input", |shown| {
        shown.titles().is_empty() && shown.focus() == "new-todo"
    })
    .await;
    page.is_still_here().await;
}

/// Presses Tab until an element of this class has the focus, which is seen.
async fn tab_to(page: &Page, class: &str) {
    for _ in 0..30 {
        page.press(Key::Tab).await;
        if page.look().await.focus().split(' ').any(|found| found == class) {
            let seen = page.run("const s = getComputedStyle(document.activeElement); return s.outlineStyle !== 'none' || s.boxShadow !== 'none'");
            assert_eq!(seen.await, true, "the focus on {class} is seen");
            return;
        }
    }
    panic!("Tab never comes to {class}");
}

#[tokio::test]
async fn the_page_fits_from_a_phone_to_a_desktop() {
    let app = App::start().await;
    app.add(&"w".repeat(256)).await;
    app.add("buy milk").await;
    let page = Page::open(&app).await;
    for width in [320, 360, 768, 1280, 2560] {
        let size =
            json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 700 });
        page.devtools("Emulation.setDeviceMetricsOverride", size).await;
        page.comes_to(&format!("innerWidth === {width}")).await;
        page.comes_to("document.documentElement.scrollWidth <= innerWidth").await;
        let inside = "[...document.querySelectorAll('.toggle, .edit-link, .destroy, .filters a, .new-todo')]
            .every(e => e.getBoundingClientRect().left >= 0 && e.getBoundingClientRect().right <= innerWidth)";
        page.comes_to(inside).await;
    }
    let narrow = json!({ "width": 320, "height": 256, "deviceScaleFactor": 1, "mobile": false });
    page.devtools("Emulation.setDeviceMetricsOverride", narrow).await;
    let todo = app.list().await.remove(0);
    for place in [&format!("/items/{}/edit", todo["id"]), "/import", "/lists"] {
        page.go(place).await;
        page.comes_to("innerWidth === 320 && document.documentElement.scrollWidth <= innerWidth")
            .await;
    }
}

#[tokio::test]
async fn nothing_moves_for_those_who_do_not_want_it() {
    let app = app_with_todos().await;
    let page = Page::open(&app).await;
    page.emulate("prefers-reduced-motion", "reduce").await;
    page.toggle("buy milk").await;
    let still = "document.getAnimations().every(a => a.effect.getComputedTiming().duration <= 10)";
    page.comes_to(still).await;
}

#[tokio::test]
async fn forced_colours_show_the_focus_and_move_nothing() {
    let app = app_with_todos().await;
    let page = Page::open(&app).await;
    page.emulate("forced-colors", "active").await;
    for field in ["#new-todo", "#search"] {
        let measured = format!(
            "const field = document.querySelector('{field}');
            field.blur();
            const {{ height }} = field.getBoundingClientRect();
            field.focus();
            return [field.getBoundingClientRect().height - height, getComputedStyle(field).outlineStyle];"
        );
        assert_eq!(page.run(&measured).await, json!([0, "solid"]), "{field}");
    }
}
