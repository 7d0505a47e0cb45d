//! What was deleted can be had back: by the API, without a script, and with one.

use http::Method;
use serde_json::{Value, json};
use tests::page::Shown;
use tests::{App, Ask, Page};
use thirtyfour::Key;

async fn restore(app: &App, todo: &Value) -> tests::Answer {
    app.post(&format!("{}/restore", app.place(todo))).answer().await
}

#[tokio::test]
async fn a_todo_comes_back_in_its_place_as_a_new_version() {
    let app = App::with_todos(&["a"]).await;
    let todo = app.create(json!({ "title": "b", "completed": true, "order": 7 })).await;
    app.create(json!({ "title": "c", "order": 9 })).await;
    app.remove(&todo).await;
    assert_eq!(app.titles().await, ["a", "c"]);

    let answer = restore(&app, &todo).await.is(200);
    assert_eq!(answer.header("etag"), "\"2\"");
    let restored = answer.json();
    for field in ["id", "title", "completed", "order", "url", "created_at"] {
        assert_eq!(restored[field], todo[field], "{field}");
    }
    assert_eq!(app.titles().await, ["a", "b", "c"]);
    assert_eq!(restore(&app, &todo).await.is(200).json(), restored, "twice is as good as once");
}

#[tokio::test]
async fn all_that_were_deleted_at_once_come_back_one_by_one() {
    let app = App::with_todos(&["a", "b"]).await;
    let todos = app.list().await;
    app.delete("/todos").answer().await.is(204);
    assert_eq!(app.titles().await, [""; 0]);
    restore(&app, &todos[1]).await.is(200);
    assert_eq!(app.titles().await, ["b"]);
    assert!(app.add("c").await["id"].as_i64() > todos[1]["id"].as_i64());
}

#[tokio::test]
async fn what_never_was_or_is_gone_for_good_is_not_found() {
    let app = App::start().await;
    let answer = app.post("/todos/7/restore").answer().await.is(404);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let old = app.add("old").await;
    app.remove(&old).await;
    app.database
        .execute("update todoitem_deleted set deleted_at = now() - interval '31 days'")
        .await;
    let newer = app.add("newer").await;
    app.remove(&newer).await; // takes the old one along
    restore(&app, &old).await.is(404);
    restore(&app, &newer).await.is(200);
}

#[tokio::test]
async fn a_key_that_was_used_again_meanwhile_stays_with_its_new_todo() {
    let app = App::start().await;
    let create = async |title: &str| {
        let request = app.post("/todos").header("idempotency-key", "k");
        request.json(&json!({ "title": title })).answer().await.is(201).json()
    };
    let first = create("a").await;
    app.remove(&first).await;
    let second = create("a").await;
    restore(&app, &first).await.is(200);
    let again = app.post("/todos").header("idempotency-key", "k").json(&json!({ "title": "a" }));
    assert_eq!(again.answer().await.is(200).json()["id"], second["id"]);
}

#[tokio::test]
async fn an_address_of_undo_takes_a_post_and_nothing_else() {
    let app = App::start().await;
    for place in ["/todos/7/restore", "/undo"] {
        let answer = app.request(Method::OPTIONS, place).answer().await.is(204);
        assert_eq!(answer.header("allow"), "POST, OPTIONS");
        app.get(place).answer().await.is(405);
    }
    app.submit("/undo", &[("undo", "x"), ("filter", "all")]).await.is(400);
    for unknown in ["0123456789abcdef0123456789abcdef", "true_1", "false_253402300799999999"] {
        let answer = app.submit("/undo", &[("undo", unknown), ("filter", "all")]).await.is(303);
        assert!(answer.header("set-cookie").starts_with("flash=late;"), "{unknown}");
    }
}

mod without_a_script {
    use super::*;

    #[tokio::test]
    async fn a_deleted_todo_comes_back_by_the_button_beside_the_message() {
        let app = App::with_todos(&["a", "b", "c"]).await;
        let page = Page::without_javascript(&app).await;
        page.destroy("b").await;
        page.shows(["a", "c"]).await;
        page.says("Deleted.").await;
        page.click(".undo").await;
        page.shows(["a", "b", "c"]).await;
        page.says("Everything is back.").await;
        page.reload().await;
        page.comes_to_show("no message", Shown::says_nothing).await;
    }

    #[tokio::test]
    async fn what_is_deleted_twice_can_be_had_back_as_well() {
        let app = App::with_todos(&["a", "b", "c"]).await;
        let destroy = async |id: u8| {
            let answer = app.submit(&format!("/items/{id}/destroy"), &[("version", "1")]).await;
            answer.is(303).header("set-cookie").split(';').next().unwrap().to_owned()
        };
        let first = destroy(1).await;
        assert!(first.starts_with("flash=deleted."), "{first}");
        assert_eq!(destroy(1).await, first);
        // What went with others is not one click's to bring back.
        app.delete("/todos").answer().await.is(204);
        assert_eq!(destroy(2).await, "flash=missing");
        let undo = first.split_once('.').unwrap().1;
        app.submit("/undo", &[("undo", undo)]).await.is(303);
        assert_eq!(app.titles().await, ["a"]);
    }

    #[tokio::test]
    async fn an_edit_is_taken_back_unless_it_was_edited_again() {
        let app = App::with_todos(&["buy milk"]).await;
        let page = Page::without_javascript(&app).await;
        let edit = async |text: &str| {
            page.click(".edit-link").await;
            let input = page.find(".edit-form [name=title]").await;
            input.clear().await.unwrap();
            input.send_keys(text).await.unwrap();
            page.click(".edit-form .primary").await;
            page.shows([text]).await;
        };
        edit("buy oat milk").await;
        page.says("Saved.").await;
        page.click(".undo").await;
        page.shows(["buy milk"]).await;
        page.says("Everything is back.").await;

        edit("buy bread").await;
        app.change(&app.list().await[0], json!({ "title": "buy wine" })).await;
        page.click(".undo").await;
        page.shows(["buy wine"]).await;
        page.says("This can’t be undone any more: it was changed somewhere else.").await;
    }

    #[tokio::test]
    async fn an_edit_of_all_that_a_todo_has_is_taken_back_as_a_whole() {
        let app = App::start().await;
        let steps = json!([{ "title": "flour", "completed": true }]);
        let notes = "🎄".repeat(4000);
        let given = json!({ "title": "cake", "due": "2026-12-31", "notes": notes, "steps": steps });
        let todo = app.create(given).await;
        let page = Page::without_javascript(&app).await;
        page.edit().await;
        page.run("for (const name of ['due', 'steps']) document.getElementById(name).value = ''")
            .await;
        page.run("document.getElementById('notes').value = 'less'").await;
        page.click(".edit-form .primary").await;
        page.says("Saved.").await;
        let saved = app.list().await[0].clone();
        assert_eq!((&saved["due"], &saved["steps"]), (&Value::Null, &json!([])));
        page.click(".undo").await;
        page.says("Everything is back.").await;
        let back = app.list().await[0].clone();
        for field in ["title", "due", "notes", "steps", "completed"] {
            assert_eq!(back[field], todo[field], "{field}");
        }
    }

    #[tokio::test]
    async fn an_edit_before_another_change_is_not_taken_back() {
        let app = App::with_todos(&["a"]).await;
        let fields = [("title", "b"), ("version", "1")];
        let saved = app.submit("/items/1/edit", &fields).await.is(303);
        assert!(saved.header("set-cookie").starts_with("flash=saved.1-2;"));
        app.submit("/toggle-all", &[("completed", "true")]).await.is(303);
        for undo in ["1-2", "1-3", "1-1", "7-2"] {
            let answer = app.submit("/undo", &[("undo", undo)]).await.is(303);
            assert!(answer.header("set-cookie").starts_with("flash=late;"), "{undo}");
        }
        assert_eq!(app.titles().await, ["b"]);
    }

    #[tokio::test]
    async fn what_was_cleared_comes_back_together() {
        let app = App::with_todos(&["a", "b", "c"]).await;
        let page = Page::without_javascript(&app).await;
        page.toggle("a").await;
        page.shows_completed(["a"]).await;
        page.toggle("c").await;
        page.shows_completed(["a", "c"]).await;
        page.clear_completed().await;
        page.shows(["b"]).await;
        page.click(".undo").await;
        page.shows_completed(["a", "c"]).await;
    }

    #[tokio::test]
    async fn a_marking_is_taken_back_in_those_that_nobody_changed_since() {
        let app = App::with_todos(&["a", "b", "c"]).await;
        let page = Page::without_javascript(&app).await;
        page.toggle("a").await;
        page.shows_completed(["a"]).await;
        page.toggle_all().await;
        page.shows_completed(["a", "b", "c"]).await;
        app.change(&app.list().await[1], json!({ "title": "changed" })).await;
        page.click(".undo").await;
        page.shows_completed(["a", "changed"]).await;
    }
}

mod with_a_script {
    use super::*;

    #[tokio::test]
    async fn a_deleted_todo_comes_back_by_the_button_and_by_the_keyboard() {
        let app = App::with_todos(&["a", "b", "c"]).await;
        let page = Page::open(&app).await;
        page.stay().await;
        page.destroy("b").await;
        page.shows(["a", "c"]).await;
        page.says("Deleted.").await;
        app.has_saved(&["a", "c"]).await;
        page.click(".notice .undo").await;
        page.shows(["a", "b", "c"]).await;

        page.destroy("c").await;
        page.says("Deleted.").await;
        page.choose("Active").await;
        page.arrives_at("/?filter=active").await;
        page.says("Deleted.").await;
        page.press(Key::Control + "z").await;
        page.shows(["a", "b", "c"]).await;
        app.has_saved(&["a", "b", "c"]).await;
        page.comes_to_show("no message", Shown::says_nothing).await;
        page.is_still_here().await;
    }

    #[tokio::test]
    async fn a_field_undoes_what_was_typed_into_it_first() {
        let app = App::with_todos(&["a", "b"]).await;
        let page = Page::open(&app).await;
        page.destroy("b").await;
        page.says("Deleted.").await;
        page.find(".new-todo").await.send_keys("typed" + Key::Control + "z").await.unwrap();
        page.comes_to_show("an empty field", |shown| shown.typed().is_empty()).await;
        page.shows(["a"]).await;
        assert_eq!(app.titles().await, ["a"]);
    }

    #[tokio::test]
    async fn what_was_cleared_comes_back_together() {
        let app = App::with_todos(&["a", "b", "c"]).await;
        let page = Page::open(&app).await;
        page.toggle("a").await;
        page.toggle("c").await;
        page.clear_completed().await;
        page.shows(["b"]).await;
        page.says("cleared").await;
        page.click(".notice .undo").await;
        page.shows_completed(["a", "c"]).await;
        page.counts("1 item left").await;
    }

    #[tokio::test]
    async fn an_edit_and_a_marking_are_taken_back() {
        let app = App::with_todos(&["a", "b"]).await;
        let page = Page::open(&app).await;
        page.double_click("a").await;
        page.retype("other").await;
        page.press(Key::Enter).await;
        page.shows(["other", "b"]).await;
        page.says("Saved.").await;
        page.click(".notice .undo").await;
        page.shows(["a", "b"]).await;

        page.toggle_all().await;
        page.says("All are marked as complete.").await;
        page.click(".notice .undo").await;
        page.shows_completed([]).await;
        page.comes_to_show("none checked", |shown| !shown.all_checked()).await;
    }
}
