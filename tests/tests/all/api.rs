//! The JSON API beyond Todo-Backend's specification.

use http::Method;
use serde_json::json;
use std::collections::BTreeSet;
use tests::{App, Ask};

#[tokio::test]
async fn a_todo_has_these_fields_and_no_others() {
    let app = App::start().await;
    let todo = app.add("buy milk").await;
    let fields: BTreeSet<_> = todo.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "id",
        "title",
        "completed",
        "order",
        "due",
        "notes",
        "steps",
        "version",
        "url",
        "created_at",
        "updated_at",
    ];
    assert_eq!(fields, BTreeSet::from(expected));
    assert!(todo["id"].is_i64());
    assert_eq!(todo["version"], 1);
    assert_eq!((&todo["due"], &todo["notes"]), (&json!(null), &json!("")));
    for time in ["created_at", "updated_at"] {
        let time = todo[time].as_str().unwrap();
        assert!(
            time.ends_with('Z') && time.as_bytes()[10] == b'T',
            "{time} is a time as RFC 3339 has it, in UTC"
        );
    }
}

#[tokio::test]
async fn a_new_todo_says_where_it_is_and_which_version() {
    let app = App::start().await;
    let answer = app.post("/todos").json(&json!({ "title": "buy milk" })).answer().await.is(201);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("etag"), "\"1\"");
    let location = answer.header("location");
    assert_eq!(app.get(location).answer().await.is(200).json(), answer.json());
}

#[tokio::test]
async fn a_new_todo_may_be_completed_already() {
    let app = App::start().await;
    let todo = app.create(json!({ "title": "done before", "completed": true })).await;
    assert_eq!(app.list().await, std::slice::from_ref(&todo));
    assert_eq!(todo["completed"], true);
}

#[tokio::test]
async fn a_new_todo_comes_last_whatever_the_orders_are() {
    let app = App::start().await;
    app.create(json!({ "title": "second", "order": 7 })).await;
    app.create(json!({ "title": "first", "order": -7 })).await;
    app.add("third").await;
    app.add("fourth").await;
    assert_eq!(app.titles().await, ["first", "second", "third", "fourth"]);
}

#[tokio::test]
async fn a_new_todo_finds_a_place_behind_the_greatest_order() {
    let app = App::start().await;
    app.create(json!({ "title": "greatest", "order": i32::MAX })).await;
    app.add("later").await;
    assert_eq!(app.titles().await, ["greatest", "later"]);
}

#[tokio::test]
async fn the_list_follows_the_order_and_then_the_id() {
    let app = App::start().await;
    for (title, order) in [("c", 2), ("a", 1), ("d", 2), ("b", 1)] {
        app.create(json!({ "title": title, "order": order })).await;
    }
    assert_eq!(app.titles().await, ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn orders_reach_from_the_least_to_the_greatest_integer() {
    let app = App::start().await;
    for order in [i32::MIN, i32::MAX] {
        assert_eq!(app.create(json!({ "title": "x", "order": order })).await["order"], order);
    }
}

#[tokio::test]
async fn a_change_leaves_alone_what_it_does_not_name() {
    let app = App::start().await;
    let todo = app.create(json!({ "title": "buy milk", "completed": true, "order": 4 })).await;
    let changed = app.change(&todo, json!({ "title": "buy oat milk" })).await;
    assert_eq!((&changed["completed"], &changed["order"]), (&json!(true), &json!(4)));
    assert_eq!(changed["created_at"], todo["created_at"]);
    assert_eq!(changed["version"], 2);
}

#[tokio::test]
async fn a_change_of_nothing_changes_nothing() {
    let app = App::start().await;
    let todo = app.add("buy milk").await;
    assert_eq!(app.change(&todo, json!({})).await, todo);
}

#[tokio::test]
async fn fields_that_clients_add_are_ignored() {
    let app = App::start().await;
    let todo =
        app.create(json!({ "title": "buy milk", "color": "blue", "id": 99, "version": 5 })).await;
    assert_eq!(todo["version"], 1);
    assert_ne!(todo["id"], 99);
}

#[tokio::test]
async fn fields_that_clients_add_are_ignored_however_deep_they_are() {
    let app = App::start().await;
    let deep =
        format!("{{\"title\":\"buy milk\",\"more\":{}{}}}", "[".repeat(20_000), "]".repeat(20_000));
    let answer = app.post("/todos").body(deep).answer().await;
    assert!([201, 400].contains(&answer.status), "{answer:?}");
    app.add("the app goes on").await;
}

#[tokio::test]
async fn titles_are_trimmed_of_all_white_space_that_unicode_knows() {
    let app = App::start().await;
    let todo = app.add(" \t\u{3000}\u{a0}buy  milk\u{2003}\n").await;
    assert_eq!(todo["title"], "buy  milk");
}

#[tokio::test]
async fn titles_keep_every_other_character() {
    let app = App::start().await;
    for title in [
        "<b>bold</b> & \"quoted\" 'text' \\ / `",
        "\u{202e}right to left\u{202c} \u{200f}mark\u{200e}",
        "שלום עולם مرحبا",
        "👩‍👩‍👧 ﷽ e\u{301} \u{200b}|",
        "'; DROP TABLE todoitem; --",
        "%00 %s {0} ${x} {{x}}",
    ] {
        let todo = app.add(title).await;
        assert_eq!(app.get(app.place(&todo)).answer().await.json()["title"], title);
    }
}

#[tokio::test]
async fn a_title_may_have_256_characters_however_many_bytes_they_take() {
    let app = App::start().await;
    for character in ["x", "é", "字", "👍"] {
        let title = character.repeat(256);
        assert_eq!(app.add(&title).await["title"], *title);
    }
}

#[tokio::test]
async fn json_is_taken_with_parameters_and_without_a_content_type() {
    let app = App::start().await;
    let body = r#"{"title":"buy milk"}"#;
    for content_type in ["application/json", "application/json; charset=utf-8", "Application/JSON"]
    {
        app.post("/todos").header("content-type", content_type).body(body).answer().await.is(201);
    }
    app.post("/todos").body(body).answer().await.is(201);
    assert_eq!(app.list().await.len(), 4);
}

#[tokio::test]
async fn json_may_begin_with_a_byte_order_mark_and_have_whole_numbers_in_any_spelling() {
    let app = App::start().await;
    for (order, read) in [("1.0", 1), ("1e2", 100), ("-3.0", -3)] {
        let body = format!("\u{feff}{{\"title\":\"x\",\"order\":{order}}}");
        let request = app.post("/todos").header("content-type", "application/json").body(body);
        assert_eq!(request.answer().await.is(201).json()["order"], read);
    }
}

#[tokio::test]
async fn a_merge_patch_is_a_change() {
    let app = App::start().await;
    let todo = app.add("buy milk").await;
    let patch = app.patch(app.place(&todo)).header("content-type", "application/merge-patch+json");
    let changed = patch.body(r#"{"title":"buy oats"}"#).answer().await.is(200);
    assert_eq!(changed.json()["title"], "buy oats");
    let patches = app.request(Method::OPTIONS, app.place(&todo)).answer().await.is(204);
    assert!(patches.header("accept-patch").contains("merge-patch"), "{patches:?}");
    let other = app.patch(app.place(&todo)).header("content-type", "text/plain").body("{}");
    assert!(other.answer().await.is(415).header("accept-patch").contains("application/json"));
}

#[tokio::test]
async fn an_address_that_escapes_more_than_it_must_is_the_same() {
    let app = App::start().await;
    let todo = app.add("buy milk").await;
    let escaped = format!("/%74odos/%3{}", todo["id"]);
    assert_eq!(app.get(&escaped).answer().await.is(200).json(), todo);
    app.get("/todos%2F1").answer().await.is(404);
}

#[tokio::test]
async fn an_address_with_a_slash_too_many_is_told_where_the_api_is() {
    let app = App::start().await;
    for place in ["/todos/", "/todos/1/"] {
        let answer = app.post(place).json(&json!({ "title": "x" })).answer().await.is_problem(404);
        assert!(answer.text().contains("the API at /todos"), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_refusal_is_kept_by_no_cache() {
    let app = App::start().await;
    for place in ["/todos/99999", "/todos?limit=0", "/nowhere", "/todos/"] {
        let answer = app.get(place).answer().await;
        assert!(answer.status >= 400);
        assert_eq!(answer.header("cache-control"), "no-store", "{place}");
    }
    let page = app.get("/").answer().await.is(200);
    let same = app.get("/").header("if-none-match", page.header("etag")).answer().await.is(304);
    assert_eq!(same.header("cache-control"), page.header("cache-control"));
}

#[tokio::test]
async fn links_behind_a_proxy_are_those_that_clients_asked_for() {
    let app = App::start().await;
    let behind = |request: reqwest::RequestBuilder| {
        request.header("x-forwarded-proto", "https").header("x-forwarded-host", "a.example")
    };
    let created = behind(app.post("/todos").json(&json!({ "title": "x" }))).answer().await.is(201);
    let url = created.json()["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("https://a.example/todos/"), "{url}");
}

#[tokio::test]
async fn a_public_url_with_a_path_is_in_every_link() {
    let app = App::with_variable("public_url", "http://a.example/app/").await;
    let created = app.post("/todos").json(&json!({ "title": "x" })).answer().await.is(201);
    let id = &created.json()["id"];
    assert_eq!(created.json()["url"], format!("http://a.example/app/todos/{id}"));
    assert_eq!(created.header("location"), format!("/app/todos/{id}"));
    app.post("/todos").json(&json!({ "title": "y" })).answer().await.is(201);
    let list = app.get("/todos?limit=1").answer().await.is(200);
    assert!(list.header("link").starts_with("</app/todos?"), "{}", list.header("link"));
}

#[tokio::test]
async fn urls_begin_with_the_host_that_was_asked() {
    let app = App::start().await;
    app.add("buy milk").await;
    let asked = app.get("/todos").header("host", "todo.example:8080").answer().await.json();
    let id = &asked[0]["id"];
    assert_eq!(asked[0]["url"], format!("http://todo.example:8080/todos/{id}"));
}

#[tokio::test]
async fn urls_begin_with_the_public_url_if_there_is_one() {
    let app = App::with_variable("public_url", "https://todo.example").await;
    let todo = app.add("buy milk").await;
    assert_eq!(todo["url"], format!("https://todo.example/todos/{}", todo["id"]));
    let app = App::with_variable("public_url", "https://todo.example/\"><script>").await;
    let todo = app.add("buy milk").await;
    assert_eq!(todo["url"], app.url(&format!("/todos/{}", todo["id"])));
    assert!(!app.get("/").answer().await.is(200).text().contains("><script>"));
    app.host.says("public_url is no address").await;
}

#[tokio::test]
async fn an_unknown_method_is_told_which_ones_there_are() {
    let app = App::start().await;
    let todo = app.add("buy milk").await;
    let item = format!("/todos/{}", todo["id"]);
    for (path, allowed) in
        [("/todos", ["GET", "POST", "DELETE"]), (&item, ["GET", "PATCH", "DELETE"])]
    {
        for method in ["PUT", "BREW", "TRACE"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = app.request(method, path).answer().await.is_problem(405);
            let allow: Vec<_> = answer.header("allow").split(", ").collect();
            assert!(allowed.iter().all(|method| allow.contains(method)), "{allow:?}");
        }
    }
    assert_eq!(app.list().await, [todo]);
}

#[tokio::test]
async fn a_head_is_a_get_without_a_body() {
    let app = App::start().await;
    let todo = app.add("buy milk").await;
    for place in ["/todos", app.place(&todo), "/"] {
        let head = app.request(Method::HEAD, place).answer().await.is(200);
        let get = app.get(place).answer().await.is(200);
        assert!(head.body.is_empty());
        for header in ["content-type", "content-length", "cache-control"] {
            assert_eq!(head.header(header), get.header(header), "{place}");
        }
    }
}

#[tokio::test]
async fn options_are_told_to_whoever_asks() {
    let app = App::start().await;
    let answer = app.request(Method::OPTIONS, "/todos").answer().await.is(204);
    assert!(answer.header("allow").contains("POST"));
}

#[tokio::test]
async fn a_deleted_todo_is_gone() {
    let app = App::start().await;
    let todo = app.add("buy milk").await;
    app.remove(&todo).await;
    app.get(app.place(&todo)).answer().await.is_problem(404);
    app.patch(app.place(&todo)).json(&json!({ "completed": true })).answer().await.is_problem(404);
    app.delete(app.place(&todo)).answer().await.is_problem(404);
}

#[tokio::test]
async fn many_clients_at_once_lose_nothing() {
    let app = App::start().await;
    let adding = (0..40).map(|number| {
        let request = app.post("/todos").json(&json!({ "title": format!("todo {number:02}") }));
        async { request.answer().await.is(201) }
    });
    futures::future::join_all(adding).await;
    let mut titles = app.titles().await;
    titles.sort();
    assert_eq!(titles, (0..40).map(|number| format!("todo {number:02}")).collect::<Vec<_>>());
}
