//! `ETag`, `If-Match`, `If-None-Match` and `Idempotency-Key`.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::{Answer, App, Ask};

#[tokio::test]
async fn the_etag_grows_with_each_change() {
    let app = App::start().await;
    let todo = app.add("buy milk").await;
    for version in ["\"2\"", "\"3\""] {
        let answer =
            app.patch(app.place(&todo)).json(&json!({ "completed": true })).answer().await.is(200);
        assert_eq!(answer.header("etag"), version);
        assert_eq!(app.get(app.place(&todo)).answer().await.header("etag"), version);
    }
}

#[tokio::test]
async fn a_todo_that_has_not_changed_is_not_sent_again() {
    let app = App::start().await;
    let todo = app.add("buy milk").await;
    for same in ["\"1\"", "W/\"1\"", "\"0\", \"1\"", "*"] {
        let answer = app.get(app.place(&todo)).header("if-none-match", same).answer().await.is(304);
        assert!(answer.body.is_empty());
        assert_eq!(answer.header("etag"), "\"1\"");
    }
    app.change(&todo, json!({ "completed": true })).await;
    app.get(app.place(&todo)).header("if-none-match", "\"1\"").answer().await.is(200);
}

#[tokio::test]
async fn a_change_of_the_version_that_was_read_is_made() {
    let app = App::start().await;
    // As proxies make it that compress.
    for current in ["\"1\"", "*", "\"9\", \"1\"", "W/\"1\"", "\"1-gzip\"", "W/\"1--gzip\""] {
        let todo = app.add("buy milk").await;
        let change = app
            .patch(app.place(&todo))
            .header("if-match", current)
            .json(&json!({ "completed": true }));
        assert_eq!(change.answer().await.is(200).json()["completed"], true);
    }
}

#[tokio::test]
async fn a_change_of_a_stale_version_is_refused_and_changes_nothing() {
    let app = App::start().await;
    let todo = app.add("buy milk").await;
    let changed = app.change(&todo, json!({ "title": "buy oat milk" })).await;
    for stale in ["\"1\"", "\"3\"", "W/\"1\"", "2", "\"02\"", "\"x\"", ""] {
        let request = app
            .patch(app.place(&todo))
            .header("if-match", stale)
            .json(&json!({ "title": "buy beer" }));
        request.answer().await.is_problem(412);
        app.delete(app.place(&todo)).header("if-match", stale).answer().await.is_problem(412);
    }
    assert_eq!(app.list().await, [changed]);
}

#[tokio::test]
async fn a_precondition_holds_for_a_change_of_nothing_as_well() {
    let app = App::start().await;
    let todo = app.add("buy milk").await;
    for (header, value, status) in [
        ("if-match", "\"999\"", 412),
        ("if-match", "\"1\"", 200),
        ("if-none-match", "\"1\"", 412),
        ("if-none-match", "W/\"1\"", 412),
        ("if-none-match", "*", 412),
        ("if-none-match", "\"2\"", 200),
    ] {
        let request = app.patch(app.place(&todo)).header(header, value).json(&json!({}));
        let answer = request.answer().await.is(status);
        assert!(!answer.body.is_empty(), "{header}: {value}");
    }
}

#[tokio::test]
async fn a_precondition_holds_for_a_step() {
    let app = App::start().await;
    let todo = app.create(json!({ "title": "cake", "steps": [{ "title": "flour" }] })).await;
    let place = format!("{}/step", app.place(&todo));
    for (header, value, status) in [
        ("if-match", "\"9\"", 412),
        ("if-none-match", "*", 412),
        ("if-none-match", "W/\"1\"", 412),
        ("if-match", "W/\"1\"", 200),
        ("if-match", "\"1\"", 412),
        ("if-none-match", "\"1\"", 200),
    ] {
        let tick = json!({ "number": 0.0, "title": "flour", "completed": true });
        let answer = app.post(&place).header(header, value).json(&tick).answer().await;
        assert_eq!(answer.status, status, "{header}: {value}");
    }
}

#[tokio::test]
async fn a_write_that_must_not_find_a_version_does_not_replace_it() {
    let app = App::start().await;
    let todo = app.add("buy milk").await;
    for found in ["*", "\"1\"", "\"7\", W/\"1\""] {
        let change = app.patch(app.place(&todo)).header("if-none-match", found);
        change.json(&json!({ "title": "x" })).answer().await.is_problem(412);
        let delete = app.delete(app.place(&todo)).header("if-none-match", found);
        delete.answer().await.is_problem(412);
    }
    assert_eq!(app.list().await, std::slice::from_ref(&todo));
    let change = app.patch(app.place(&todo)).header("if-none-match", "\"7\"");
    change.json(&json!({ "title": "x" })).answer().await.is(200);
}

#[tokio::test]
async fn nothing_is_done_under_a_condition_that_nobody_looks_at() {
    let app = App::start().await;
    let todo = app.add("buy milk").await;
    let id = &todo["id"];
    let forms = ["toggle", "edit", "destroy", "move"].map(|form| format!("/items/{id}/{form}"));
    let alone = ["/new_item", "/toggle-all", "/clear-completed", "/undo", "/import", "/lists"];
    let fields =
        [("version", "1"), ("completed", "true"), ("title", "typed"), ("to", "top"), ("name", "x")];
    for (header, value) in [("if-match", "\"1\""), ("if-none-match", "*")] {
        app.delete("/todos").header(header, value).answer().await.is_problem(412);
        for form in forms.iter().map(String::as_str).chain(alone) {
            app.post(form).header(header, value).form(&fields).answer().await.is(412);
        }
    }
    for read in ["/todos", "/todos/export", "/", &forms[1]] {
        app.get(read).header("if-match", "\"9\"").answer().await.is(412);
        let answer = app.get(read).answer().await.is(200);
        if let Some(etag) = answer.headers.get("etag") {
            app.get(read).header("if-match", etag).answer().await.is(200);
        }
        app.get(read)
            .header("if-match", "*")
            .header("if-none-match", "\"9\"")
            .answer()
            .await
            .is(200);
    }
    for query in ["completed=true", "completed=nonsense", "q=zzz", "due=on:2026-12-31", "limit=1"] {
        let refused = app.delete(&format!("/todos?{query}")).answer().await.is_problem(400);
        assert!(refused.text().contains("query"), "{}", refused.text());
        app.delete(&format!("{}?{query}", app.place(&todo))).answer().await.is_problem(400);
        app.submit(&format!("/clear-completed?{query}"), &fields).await.is(400);
    }
    app.post("/todos/import?format=csv").body("title,due\n").answer().await.is_problem(400);
    assert_eq!(app.list().await, [todo]);
    app.delete("/todos").header("if-match", "*").answer().await.is(204);
}

#[tokio::test]
async fn of_two_changes_of_one_version_one_is_made() {
    let app = App::start().await;
    let todo = app.add("buy milk").await;
    let changes = (0..8).map(|number| {
        let change = json!({ "title": format!("from client {number}") });
        app.patch(app.place(&todo)).header("if-match", "\"1\"").json(&change).answer()
    });
    let answers = futures::future::join_all(changes).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 412).count(), 7);
    assert_eq!(app.list().await[0]["version"], 2);
}

/// Posts a todo with a key.
async fn post(app: &App, key: &str, todo: Value) -> Answer {
    app.post("/todos").header("idempotency-key", key).json(&todo).answer().await
}

#[tokio::test]
async fn a_repeated_key_gives_the_first_todo_again() {
    let app = App::start().await;
    let first = post(&app, "key-1", json!({ "title": "buy milk" })).await.is(201);
    let again = post(&app, "key-1", json!({ "title": "buy milk" })).await.is(200);
    assert_eq!(again.json(), first.json());
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(app.titles().await, ["buy milk"]);
}

#[tokio::test]
async fn a_repeated_key_gives_the_todo_as_it_is_now() {
    let app = App::start().await;
    let first = post(&app, "key-1", json!({ "title": "buy milk" })).await.is(201).json();
    let changed = app.change(&first, json!({ "completed": true })).await;
    assert_eq!(post(&app, "key-1", json!({ "title": "buy milk" })).await.is(200).json(), changed);
}

#[tokio::test]
async fn a_key_used_for_another_todo_is_refused() {
    let app = App::start().await;
    post(&app, "key-1", json!({ "title": "buy milk" })).await.is(201);
    for other in [
        json!({ "title": "buy beer" }),
        json!({ "title": "buy milk", "completed": true }),
        json!({ "title": "buy milk", "order": 5 }),
    ] {
        post(&app, "key-1", other).await.is_problem(422);
    }
    assert_eq!(app.titles().await, ["buy milk"]);
}

#[tokio::test]
async fn other_keys_make_other_todos() {
    let app = App::start().await;
    for key in ["a", "A", "a b", &"k".repeat(255)] {
        post(&app, key, json!({ "title": "buy milk" })).await.is(201);
    }
    assert_eq!(app.list().await.len(), 4);
}

#[tokio::test]
async fn a_key_repeated_at_the_same_time_makes_one_todo() {
    let app = App::start().await;
    for round in 0..5 {
        let key = format!("key-{round}");
        let posts = (0..12).map(|_| post(&app, &key, json!({ "title": "buy milk" })));
        let answers = futures::future::join_all(posts).await;
        let ids: BTreeSet<_> =
            answers.iter().map(|answer| answer.json()["id"].as_i64().unwrap()).collect();
        assert_eq!(ids.len(), 1);
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 11);
    }
    assert_eq!(app.list().await.len(), 5);
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let app = App::start().await;
    for key in ["", &"k".repeat(256), "\u{e9}", "a\tb"] {
        post(&app, key, json!({ "title": "buy milk" })).await.is_problem(400);
    }
    let two = app.post("/todos").header("idempotency-key", "a").header("idempotency-key", "b");
    two.json(&json!({ "title": "buy milk" })).answer().await.is_problem(400);
    assert!(app.list().await.is_empty());
}

#[tokio::test]
async fn a_refused_post_leaves_its_key_unused() {
    let app = App::start().await;
    post(&app, "key-1", json!({ "title": "" })).await.is_problem(422);
    post(&app, "key-1", json!({ "title": "buy milk" })).await.is(201);
}

#[tokio::test]
async fn what_is_deleted_has_no_version_to_be_restored_by() {
    let app = App::with_todos(&["buy milk"]).await;
    let todo = app.list().await[0].clone();
    app.remove(&todo).await;
    let restore = format!("{}/restore", app.place(&todo));
    app.post(&restore).header("if-match", "\"1\"").answer().await.is_problem(412);
    assert!(app.list().await.is_empty());
    app.post(&restore).header("if-none-match", "*").answer().await.is(200);
    for there in ["*", "\"2\""] {
        app.post(&restore).header("if-none-match", there).answer().await.is_problem(412);
    }
    app.post(&restore).header("if-match", "\"2\"").answer().await.is(200);
}
