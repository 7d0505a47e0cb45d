//! Whom a list lets in: its key, the one that only reads, and nobody else.

use super::{Own, sent};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{App, Ask};

/// Every route of a todo, with a body that it takes.
fn routes(id: &Value) -> Vec<(Method, String, Option<Value>)> {
    let todo = format!("/todos/{id}");
    vec![
        (Method::GET, todo.clone(), None),
        (Method::PATCH, todo.clone(), Some(json!({ "title": "taken" }))),
        (Method::POST, format!("{todo}/move"), Some(json!({ "before": 999 }))),
        (Method::POST, format!("{todo}/restore"), None),
        (Method::GET, format!("/items/{id}/edit"), None),
        (Method::DELETE, todo, None),
    ]
}

/// Every route of a whole list.
fn routes_of_all() -> Vec<(Method, &'static str, Option<Value>)> {
    vec![
        (Method::GET, "", None),
        (Method::GET, "/", None),
        (Method::GET, "/?filter=active&q=mine", None),
        (Method::GET, "/todos", None),
        (Method::GET, "/todos?q=mine&due=on:2026-12-31", None),
        (Method::GET, "/todos/export?format=csv", None),
        (Method::GET, "/settings", None),
        (Method::POST, "/todos", Some(json!({ "title": "put in" }))),
        (Method::POST, "/todos/import", Some(json!([{ "title": "put in" }]))),
        (Method::POST, "/rekey", None),
        (Method::PATCH, "", Some(json!({ "name": "taken" }))),
        (Method::DELETE, "/todos", None),
        (Method::DELETE, "", None),
    ]
}

const FORMS: [(&str, &[(&str, &str)]); 6] = [
    ("/new_item", &[("title", "put in")]),
    ("/toggle-all", &[("completed", "true")]),
    ("/clear-completed", &[]),
    ("/undo", &[("undo", "00000000000000000000000000000000")]),
    ("/settings", &[("name", "taken")]),
    ("/destroy", &[("sure", "yes")]),
];

#[tokio::test]
async fn every_route_is_closed_to_every_other_key() {
    let app = App::start().await;
    let (mine, other) = (Own::new(&app, "mine").await, Own::new(&app, "other").await);
    let gone = Own::new(&app, "gone").await;
    gone.ask(Method::DELETE, "", None).await.is(204);
    let todo = mine.add("mine").await;
    let id = &todo["id"];

    // Another list's key, and none, lead to no todo of mine.
    for base in [other.url(), &app.url("")] {
        for (method, path, body) in routes(id) {
            let url = format!("{base}{path}");
            let answer = sent(&app, &method, &url, body.as_ref()).await;
            assert_eq!(answer.status, 404, "{method} {base}{path}: {}", answer.text());
        }
        for form in ["toggle", "edit", "destroy", "move"] {
            let fields =
                [("version", "1"), ("completed", "true"), ("title", "taken"), ("to", "top")];
            app.submit(&format!("{base}/items/{id}/{form}"), &fields).await;
        }
    }
    assert_eq!(app.get(todo["url"].as_str().unwrap()).answer().await.json(), todo);

    // A key that opens nothing: of no list, of one that is gone, of a list with a letter more, less or another.
    let key = mine.key();
    let wrong = [
        gone.key().to_owned(),
        "0".repeat(32),
        format!("r{key}"),
        format!("{key}0"),
        key[1..].to_owned(),
        key.to_uppercase() + "G",
    ];
    for wrong in &wrong {
        let base = app.url(&format!("/lists/{wrong}"));
        let unknown = app.get(&format!("{base}/todos")).answer().await.is_problem(404);
        for (method, path, body) in routes_of_all() {
            let url = format!("{base}{path}");
            let answer = sent(&app, &method, &url, body.as_ref()).await;
            let read_only = wrong.starts_with('r') && answer.status == 403;
            assert!(answer.status == 404 || read_only, "{method} {wrong}{path}: {}", answer.text());
            if answer.status == 404 && path.starts_with("/todos") {
                assert_eq!(answer.text(), unknown.text(), "{method} {wrong}{path}");
            }
        }
        for (path, fields) in FORMS {
            let answer = app.submit(&format!("{base}{path}"), fields).await;
            assert!([403, 404].contains(&answer.status), "{wrong}{path}: {}", answer.text());
        }
    }
    assert_eq!((mine.titles().await, other.titles().await), (vec!["mine".into()], vec![]));
    assert!(app.titles().await.is_empty());
}

#[tokio::test]
async fn a_link_to_read_shows_the_list_and_changes_nothing() {
    let app = App::start().await;
    let list = Own::new(&app, "Home").await;
    let todo = list.add("mine").await;
    let base = list.list["read_url"].as_str().unwrap();
    assert_eq!(app.get(&format!("{base}/todos")).answer().await.is(200).titles(), ["mine"]);
    app.get(&format!("{base}/todos/{}", todo["id"])).answer().await.is(200);
    app.get(&format!("{base}/todos/export")).answer().await.is(200);
    let page = app.get(base).answer().await.is(200);
    assert!(page.text().contains("mine") && !page.text().contains("method=\"post\""));
    assert!(!page.text().contains(list.key()), "the other key is not told");
    let told = app.get(base).header("accept", "application/json").answer().await.is(200).json();
    assert_eq!(told.get("read_url"), None);

    for (method, path, body) in routes_of_all() {
        let reads = method == Method::GET && path != "/settings";
        let url = format!("{base}{path}");
        let answer = sent(&app, &method, &url, body.as_ref()).await;
        assert_eq!(answer.status, if reads { 200 } else { 403 }, "{method} {path}");
    }
    for (method, path, body) in routes(&todo["id"]) {
        let answer = sent(&app, &method, &format!("{base}{path}"), body.as_ref()).await;
        let reads = method == Method::GET && path.starts_with("/todos");
        assert_eq!(answer.status, if reads { 200 } else { 403 }, "{method} {path}");
    }
    for (path, fields) in FORMS {
        app.submit(&format!("{base}{path}"), fields).await.is(403);
    }
    assert_eq!(app.get(todo["url"].as_str().unwrap()).answer().await.json(), todo);
}

#[tokio::test]
async fn new_keys_close_the_old_ones() {
    let app = App::start().await;
    let old = Own::new(&app, "Home").await;
    old.add("mine").await;
    let request = app.post(&format!("{}/rekey", old.url())).header("accept", "application/json");
    let new = Own { app: &app, list: request.answer().await.is(200).json() };
    assert_eq!(new.titles().await, ["mine"]);
    assert_ne!((new.key(), new.read_key()), (old.key(), old.read_key()));
    for url in [old.url(), old.list["read_url"].as_str().unwrap()] {
        app.get(url).answer().await.is(404);
        app.get(&format!("{url}/todos")).answer().await.is_problem(404);
    }
    app.get(new.list["read_url"].as_str().unwrap()).answer().await.is(200);
}

#[tokio::test]
async fn no_key_is_in_a_log_or_in_the_database() {
    let app = App::with(|up| up.argument("--access-log").with_admin()).await;
    let list = Own::new(&app, "Home").await;
    list.add("mine").await;
    let page = app.get(list.url()).answer().await.is(200);
    assert_eq!(page.header("referrer-policy"), "same-origin");
    assert_eq!(page.header("x-robots-tag"), "noindex");
    let (first, rest) = list.key().split_at(1);
    let escaped = format!("/%6Cists/%{:x}{rest}/todos", first.as_bytes()[0]);
    app.get(&escaped).answer().await.is(200);
    app.get(list.list["read_url"].as_str().unwrap()).answer().await.is(200);
    let form = format!("{}/toggle-all", list.url());
    app.post(&form).header("sec-fetch-site", "cross-site").answer().await.is(403);
    app.host.says("/lists/…").await;
    let metrics = app.host.admin("/metrics").await.is(200);
    let dump = app.database.query("SELECT row_to_json(l)::text FROM todolist l").await;
    let dump: String = dump[0].get(0);
    for key in [list.key(), list.read_key()] {
        let hidden = &key[key.len() - 31..];
        for text in [&app.host.log(), metrics.text(), &dump] {
            assert!(!text.contains(hidden), "{text}");
        }
    }
}
