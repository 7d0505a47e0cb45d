//! Behind a real nginx, as `docs/behind-a-proxy.md` has it.

use serde_json::json;
use tests::nginx::Place;
use tests::{Answer, App, Ask as _, Browser, http};

const HOST: &str = "proxy_set_header Host $http_host;";
const FORWARDED: &str = "proxy_set_header X-Forwarded-Host $http_host;\n\
    proxy_set_header X-Forwarded-Proto $scheme;";
const GZIP: &str = "gzip on;\ngzip_proxied any;\ngzip_min_length 0;\ngzip_types application/json;";

/// A form that a browser sends which says no more than its `Origin`.
async fn form(place: &str, origin: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
    let post = http::client().post(format!("{place}{path}")).header("origin", origin);
    post.form(fields).answer().await
}

#[tokio::test]
async fn a_form_is_our_own_as_soon_as_the_proxy_or_the_variable_says_where_we_are() {
    for (public, lines, status) in [
        (false, HOST, 303),
        (false, FORWARDED, 303),
        (false, "proxy_set_header Host $host;\nproxy_set_header X-Forwarded-Host $http_host;", 303),
        (
            false,
            "proxy_set_header X-Forwarded-Host $host;\nproxy_set_header X-Forwarded-Port $server_port;",
            303,
        ),
        (
            false,
            "proxy_set_header Host $host;\nproxy_set_header X-Forwarded-Port $server_port;",
            303,
        ),
        (true, "", 303),
        (true, "proxy_set_header Host $host;", 303),
        (false, "", 403),
    ] {
        let place = Place::new("");
        let (url, origin) = (place.url(), place.origin());
        let app = App::with_variable("public_url", if public { &url } else { "" }).await;
        let _nginx = place.start(app.host.authority(), lines).await;
        let answer = form(&url, &origin, "/new_item", &[("title", "buy milk")]).await.is(status);
        if status == 403 {
            assert!(answer.text().contains("buy milk"), "what was typed is there");
        }
        assert_eq!(app.list().await.len(), usize::from(status == 303), "{lines}");
    }
}

#[tokio::test]
async fn a_compressed_answer_has_a_tag_that_still_counts() {
    let place = Place::new("");
    let url = place.url();
    let app = App::start().await;
    let _nginx = place.start(app.host.authority(), &format!("{HOST}\n{GZIP}")).await;
    let todo = app.add("buy milk").await;
    let at = format!("{url}/todos/{}", todo["id"]);
    let read = http::client().get(&at).header("accept-encoding", "gzip").answer().await.is(200);
    assert_eq!(read.header("content-encoding"), "gzip");
    let tag = read.header("etag").to_owned();
    assert!(tag.starts_with("W/"), "{tag}");
    let change = http::client().patch(&at).header("if-match", &tag);
    change.json(&json!({ "completed": true })).answer().await.is(200);
    let late = http::client().patch(&at).header("if-match", &tag);
    late.json(&json!({ "completed": false })).answer().await.is(412);
}

#[tokio::test]
async fn links_say_what_is_in_front() {
    let place = Place::new("");
    let url = place.url();
    let app = App::start().await;
    let lines = format!("{HOST}\nproxy_set_header X-Forwarded-Proto https;");
    let _nginx = place.start(app.host.authority(), &lines).await;
    app.add("buy milk").await;
    let list = http::client().get(format!("{url}/todos")).answer().await.is(200).json();
    let first = list[0]["url"].as_str().unwrap().to_owned();
    assert!(first.starts_with(&url.replace("http://", "https://")), "{first}");
}

#[tokio::test]
async fn behind_tls_scripts_forms_and_links_are_at_home() {
    let place = Place::new("").with_tls();
    let url = place.url();
    let app = App::start().await;
    let lines = format!("proxy_set_header Host $host;\n{FORWARDED}");
    let _nginx = place.start(app.host.authority(), &lines).await;
    let browser = Browser::open().await;
    browser.devtools("Security.setIgnoreCertificateErrors", json!({ "ignore": true })).await;
    browser.goto(&format!("{url}/")).await;
    browser.find(".new-todo").await.send_keys("buy milk\u{e007}").await.unwrap();
    app.has_saved(&["buy milk"]).await;
    browser.find(".new-todo").await.send_keys("buy bread").await.unwrap();
    browser.run("document.querySelector('.new-todo-form').submit()").await; // past the script
    app.has_saved(&["buy milk", "buy bread"]).await;
    browser.comes_to("document.querySelectorAll('.todo-list li').length === 2").await;
    let first = "return (async () => (await (await fetch('/todos')).json())[0].url)()";
    let first = browser.run(first).await;
    assert!(first.as_str().unwrap().starts_with(&format!("{url}/todos/")), "{first}");
}

#[tokio::test]
async fn below_a_path_everything_works_without_a_script() {
    below_a_path(true, HOST).await;
}

/// As some proxies say by themselves that they take a path away.
#[tokio::test]
async fn a_proxy_may_say_which_path_it_takes_away() {
    below_a_path(false, &format!("{HOST}\nproxy_set_header X-Forwarded-Prefix /our/todos;")).await;
}

async fn below_a_path(public: bool, lines: &str) {
    let place = Place::new("/our/todos");
    let (url, origin) = (place.url(), place.origin());
    let app = App::with_variable("public_url", if public { &url } else { "" }).await;
    let _nginx = place.start(app.host.authority(), lines).await;
    let get = async |address: &str| http::client().get(address).answer().await;

    let added = form(&url, &origin, "/new_item", &[("title", "buy milk")]).await.is(303);
    assert_eq!(added.header("location"), "/our/todos/");
    let page = get(&format!("{url}/")).await.is(200);
    let tag = page.header("etag").to_owned();
    let addresses: Vec<&str> = ["href=\"", "src=\"", "action=\""]
        .iter()
        .flat_map(|name| {
            page.text().split(name).skip(1).map(|rest| rest.split('"').next().unwrap())
        })
        .filter(|address| !address.starts_with('#') && !address.contains("/items/0/"))
        .collect();
    assert!(addresses.len() > 15, "{addresses:?}");
    for address in &addresses {
        assert!(address.starts_with("/our/todos/"), "{address}");
        let found = get(&format!("{origin}{address}")).await.status;
        // Forms are for POST.
        assert!([200, 301, 405].contains(&found), "{address}: {found}");
    }
    let old = get(&format!("{url}/index?filter=active")).await.is(301);
    assert_eq!(old.header("location"), "/our/todos/?filter=active");
    let lost = get(&format!("{url}/nothing")).await.is(404);
    assert!(lost.text().contains("href=\"/our/todos/\""), "{}", lost.text());
    let todo = get(&format!("{url}/todos")).await.json()[0].clone();
    assert_eq!(todo["url"], format!("{url}/todos/{}", todo["id"]));

    // The same page without the path is another one, unless the variable says where we are.
    let root = app.get("/").header("if-none-match", &tag).answer().await;
    assert_eq!(root.status, if public { 304 } else { 200 });
}

#[tokio::test]
async fn below_a_path_everything_works_in_a_browser() {
    let place = Place::new("/todo");
    let url = place.url();
    let app = App::with_variable("public_url", &url).await;
    let _nginx = place.start(app.host.authority(), HOST).await;
    let browser = Browser::open().await;
    browser.goto(&format!("{url}/")).await;
    browser.run("window.stayed = true").await;
    browser.find(".new-todo").await.send_keys("buy milk\u{e007}").await.unwrap();
    browser.comes_to("document.querySelector('.todo-list .toggle')").await;
    browser.click(".todo-list .toggle").await;
    browser.comes_to("document.querySelector('.todo-list .completed')").await;
    browser.click(".filters [data-filter=active]").await;
    browser.comes_to("!document.querySelector('.todo-list li')").await;
    browser.click(".filters [data-filter=all]").await;
    browser.comes_to("document.querySelector('.todo-list li .destroy')").await;
    browser.click(".todo-list li .destroy").await;
    browser.comes_to("!document.querySelector('.todo-list li')").await;
    browser.click(".notice .retry:not([hidden])").await;
    browser.comes_to("document.querySelector('.todo-list li')").await;
    assert_eq!(browser.run("return window.stayed").await, true, "the page was loaded again");
    assert_eq!(browser.console_errors().await, Vec::<String>::new());
    assert_eq!(app.titles().await, ["buy milk"]);
}
