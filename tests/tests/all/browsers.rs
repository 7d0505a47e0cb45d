//! That a test finds nothing in a browser of what the one before it did there.

use serde_json::{Value, json};
use tests::{App, Browser, Page};

const SEEN: &str = "return (async () => [
    document.cookie, localStorage.a ?? '', sessionStorage.a ?? '', history.length,
    (await caches.keys()).length, (await navigator.serviceWorker.getRegistrations()).length,
    innerWidth, navigator.onLine, navigator.maxTouchPoints,
    matchMedia('(prefers-color-scheme: dark)').matches,
    Intl.DateTimeFormat().resolvedOptions().timeZone === 'Asia/Tokyo',
])()";

async fn seen(browser: &Browser) -> Vec<Value> {
    browser.run(SEEN).await.as_array().unwrap().clone()
}

#[tokio::test]
async fn nothing_is_left_in_a_browser_for_the_next_test() {
    let app = App::start().await;
    let lost = app.url("/nothing"); // a page that keeps nothing by itself
    let page = Page::open(&app).await;
    page.comes_to("navigator.serviceWorker.controller").await;
    page.comes_to("caches.keys().then(keys => window.kept = keys.length) && window.kept").await;
    page.prefer("dark").await;
    let narrow = json!({ "width": 400, "height": 600, "deviceScaleFactor": 1, "mobile": false });
    let cut = json!({
        "offline": true, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1
    });
    for (method, parameters) in [
        ("Emulation.setTimezoneOverride", json!({ "timezoneId": "Asia/Tokyo" })),
        ("Emulation.setTouchEmulationEnabled", json!({ "enabled": true })),
        ("Emulation.setDeviceMetricsOverride", narrow),
    ] {
        page.devtools(method, parameters).await;
    }
    page.goto(&lost).await;
    page.devtools("Network.enable", json!({})).await;
    page.devtools("Network.emulateNetworkConditions", cut).await;
    page.comes_to("!navigator.onLine").await;
    page.run("document.cookie = 'a=1; path=/'; localStorage.a = sessionStorage.a = 1").await;
    let before = seen(&page).await;
    page.run("addEventListener('beforeunload', event => event.preventDefault())").await;
    page.driver().switch_to_window(page.new_tab()).await.unwrap();
    page.run("console.error('left'); setTimeout(() => alert('left'))").await;
    drop(page);

    let browser = Browser::open().await;
    assert_eq!(browser.driver().windows().await.unwrap().len(), 1);
    browser.goto(&lost).await;
    let after = seen(&browser).await;
    assert_eq!(
        after,
        json!(["", "", "", 2, 0, 0, 1200, true, 0, false, false]).as_array().unwrap()[..]
    );
    for (before, after) in before.iter().zip(&after) {
        assert_ne!(before, after, "it was never there");
    }
    let errors = browser.console_errors().await.concat();
    assert!(!errors.contains("left"), "{errors}");
}
