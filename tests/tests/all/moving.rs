//! The order of the list, changed by the API, by keyboard, by dragging, and without JavaScript.

use serde_json::{Value, json};
use tests::{App, Ask, Page};
use thirtyfour::Key;

async fn shift(app: &App, title: &str, beside: &str, other: &str) -> Value {
    let list = app.list().await;
    let todo = |title: &str| list.iter().find(|todo| todo["title"] == title).unwrap();
    let place = format!("{}/move", app.place(todo(title)));
    let body = json!({ beside: todo(other)["id"] });
    app.post(&place).json(&body).answer().await.is(200).json()
}

#[tokio::test]
async fn a_todo_is_moved_between_any_two() {
    let app = App::with_todos(&["a", "b", "c", "d"]).await;
    for (title, beside, other, order) in [
        ("d", "before", "b", "adbc"),
        ("a", "behind", "b", "dbac"),
        ("c", "before", "d", "cdba"),
        ("c", "behind", "a", "dbac"),
        ("c", "behind", "a", "dbac"),
        ("d", "behind", "c", "bacd"),
        ("a", "before", "c", "bacd"),
    ] {
        let todo = shift(&app, title, beside, other).await;
        assert_eq!(todo["title"], title);
        assert_eq!(app.titles().await.concat(), order, "{title} {beside} {other}");
    }
}

#[tokio::test]
async fn a_move_writes_one_row_and_makes_a_version_of_it() {
    let app = App::with_todos(&["a", "b", "c"]).await;
    let todo = shift(&app, "c", "before", "a").await;
    assert_eq!(todo["version"], 2);
    let list = app.list().await;
    assert_eq!(list.iter().map(|todo| todo["version"].clone()).collect::<Vec<_>>(), [2, 1, 1]);
}

#[tokio::test]
async fn there_is_always_room_between_two_and_new_todos_stay_last() {
    let app = App::with_todos(&["a", "b", "c"]).await;
    for _ in 0..40 {
        shift(&app, "c", "before", "b").await;
        shift(&app, "b", "before", "c").await;
    }
    assert_eq!(app.titles().await.concat(), "abc");
    for _ in 0..3 {
        shift(&app, "a", "behind", "c").await;
        shift(&app, "c", "behind", "a").await;
    }
    app.add("d").await;
    assert_eq!(app.titles().await.concat(), "bacd");
}

/// A rank that gets longer with every move would one day be more than an index takes.
#[tokio::test]
async fn where_there_is_no_more_room_a_move_says_how_to_make_some() {
    let app = App::with_todos(&["a", "b", "c", "d"]).await;
    let ranked = async |title: &str, rank: &str| {
        let sql = format!("UPDATE todoitem SET rank = {rank} WHERE task = '{title}'");
        app.database.execute(&sql).await;
    };
    ranked("a", "1").await;
    ranked("b", "('1.' || repeat('0', 899) || '1')::numeric").await;
    let list = app.list().await;
    let place = format!("{}/move", app.place(&list[3]));
    let body = json!({ "behind": list[0]["id"] });
    let problem = app.post(&place).json(&body).answer().await.is_problem(422).json();
    assert!(problem["detail"].as_str().unwrap().contains("no more room"), "{problem}");
    // A page that begins there can be asked for.
    assert_eq!(app.read_on("/todos?limit=1").await.concat().concat(), "abcd");
    shift(&app, "a", "behind", "d").await;
    shift(&app, "a", "before", "b").await;
    shift(&app, "d", "behind", "a").await;
    assert_eq!(app.titles().await.concat(), "adbc");
    ranked("a", "99").await; // as if what stood behind it with another order had gone
    shift(&app, "b", "behind", "a").await;
    assert_eq!(app.titles().await.concat(), "dcab");
}

#[tokio::test]
async fn orders_that_clients_gave_are_kept_where_they_can_be() {
    let app = App::start().await;
    for (title, order) in [("a", i32::MIN), ("b", 5), ("c", 6), ("d", i32::MAX)] {
        app.create(json!({ "title": title, "order": order })).await;
    }
    for (title, beside, other, order) in [
        ("d", "before", "a", "dabc"),
        ("a", "behind", "c", "dbca"),
        ("c", "before", "d", "cdba"),
        ("a", "behind", "b", "cdba"),
        ("a", "behind", "d", "cdab"),
    ] {
        shift(&app, title, beside, other).await;
        assert_eq!(app.titles().await.concat(), order, "{title} {beside} {other}");
    }
}

#[tokio::test]
async fn pages_follow_moves() {
    let app = App::start().await;
    app.database.fill(7).await;
    app.database.execute("UPDATE todoitem SET position = 0").await;
    for _ in 0..2 {
        shift(&app, "title 7", "before", "title 2").await;
        shift(&app, "title 6", "behind", "title 1").await;
    }
    let whole = app.titles().await;
    let read = app.read_on("/todos?limit=2").await.concat();
    assert_eq!(read, whole);
    assert_eq!(read[1..4], ["title 6", "title 7", "title 2"]);
    for wrong in ["0.1~x", "0.1~", "0.1~1e9", "0.1~NaN"] {
        app.get(&format!("/todos?after={wrong}")).answer().await.is_problem(400);
    }
}

#[tokio::test]
async fn a_move_to_nowhere_is_refused() {
    let app = App::with_todos(&["a", "b"]).await;
    let list = app.list().await;
    let (a, b) = (&list[0], &list[1]);
    let place = format!("{}/move", app.place(a));
    for body in [
        json!({}),
        json!({ "before": a["id"] }),
        json!({ "before": b["id"], "behind": b["id"] }),
        json!({ "before": null }),
        json!({ "before": 999_999 }),
        json!({ "before": "b" }),
        json!({ "before": 1.5 }),
    ] {
        let problem = app.post(&place).json(&body).answer().await.is_problem(422).json();
        let detail = problem["detail"].as_str().unwrap();
        assert!(!detail.contains("i64") && !detail.contains("f64"), "{detail}");
    }
    let gone = json!({ "before": b["id"] });
    app.post("/todos/999999/move").json(&gone).answer().await.is_problem(404);
    assert_eq!(app.list().await, list);
}

#[tokio::test]
async fn a_move_of_another_version_is_refused_and_a_whole_number_is_one_however_it_is_written() {
    let app = App::with_todos(&["a", "b"]).await;
    let list = app.list().await;
    let place = format!("{}/move", app.place(&list[1]));
    let body = format!("{{\"before\": {}.0}}", list[0]["id"]);
    for (header, tag) in [("if-match", "\"9\""), ("if-none-match", "*"), ("if-none-match", "\"1\"")]
    {
        app.post(&place).header(header, tag).body(body.clone()).answer().await.is_problem(412);
    }
    assert_eq!(app.titles().await, ["a", "b"]);
    app.post(&place).header("if-match", "\"1\"").body(body).answer().await.is(200);
    assert_eq!(app.titles().await, ["b", "a"]);
}

#[tokio::test]
async fn the_edit_page_moves_without_javascript() {
    let app = App::with_todos(&["a", "b", "c", "d"]).await;
    let page = Page::without_javascript(&app).await;
    for (title, to, order) in [
        ("d", "up", ["a", "b", "d", "c"]),
        ("a", "down", ["b", "a", "d", "c"]),
        ("c", "top", ["c", "b", "a", "d"]),
        ("c", "up", ["c", "b", "a", "d"]),
        ("b", "bottom", ["c", "a", "d", "b"]),
    ] {
        page.part(title, ".edit-link").await.click().await.unwrap();
        page.click(&format!(".move-form [value={to}]")).await;
        page.shows(order).await;
    }
    page.toggle("a").await;
    page.shows_completed(["a"]).await;
    page.choose("Active").await;
    page.part("d", ".edit-link").await.click().await.unwrap();
    page.click(".move-form [value=up]").await;
    page.says("Moved").await;
    page.shows(["d", "c", "b"]).await; // past the one that is not in sight
    page.toggle("c").await;
    page.shows(["d", "b"]).await;
    app.add("mb").await;
    for (place, title, to, order) in [
        ("/?filter=unfolded", "b", "up", ["b", "d", "mb", "c", "a"]),
        ("/?filter=unfolded", "a", "top", ["b", "d", "mb", "a", "c"]),
        ("/?filter=unfolded", "b", "bottom", ["d", "mb", "b", "a", "c"]),
        ("/?filter=unfolded", "c", "up", ["d", "mb", "b", "c", "a"]),
    ] {
        page.go(place).await;
        page.part(title, ".edit-link").await.click().await.unwrap();
        page.click(&format!(".move-form [value={to}]")).await;
        page.shows(order).await;
    }
    app.add("bee").await;
    page.go("/?q=b").await;
    page.shows(["mb", "b", "bee"]).await;
    page.part("bee", ".edit-link").await.click().await.unwrap();
    page.click(".move-form [value=up]").await;
    page.shows(["mb", "bee", "b"]).await;
    let first = app.list().await.remove(0);
    app.change(&first, json!({ "due": "2026-12-31" })).await;
    page.go(&format!("/items/{}/edit?filter=due", first["id"])).await;
    assert!(!page.has(".move-form").await, "what has its place by its date can be moved");
}

#[tokio::test]
async fn arrow_keys_move_and_keep_the_keyboard_s_place() {
    let app = App::with_todos(&["a $& $1", "b", "c"]).await;
    let page = Page::open(&app).await;
    page.stay().await;
    page.part("a $& $1", ".toggle").await.focus().await.unwrap();
    page.press(Key::Alt + Key::Down).await;
    page.shows(["b", "a $& $1", "c"]).await;
    page.comes_to("document.querySelector('.announcer').textContent === '2 of 3: a $& $1'").await;
    page.press(Key::Alt + Key::Down).await;
    page.shows(["b", "c", "a $& $1"]).await;
    page.press(Key::Alt + Key::Down).await; // it is the last
    page.part("c", ".grip").await.focus().await.unwrap();
    page.press(Key::Up + "").await;
    page.shows(["c", "b", "a $& $1"]).await;
    page.comes_to("document.activeElement.matches('.grip')").await;
    app.has_saved(&["c", "b", "a $& $1"]).await;
    page.is_still_here().await;
    page.reload().await;
    page.shows(["c", "b", "a $& $1"]).await;
}

#[tokio::test]
async fn the_grip_drags_and_another_browser_follows() {
    let app = App::with_todos(&["a", "b", "c", "d"]).await;
    let (page, other) = Page::two(&app).await;
    page.hover("a").await;
    let (grip, target) = (page.part("a", ".grip").await, page.part("c", ".toggle").await);
    let drag = page.driver().action_chain().click_and_hold_element(&grip);
    drag.move_to_element_center(&target).move_by_offset(0, 8).perform().await.unwrap();
    page.shows(["b", "c", "a", "d"]).await;
    page.press(Key::Escape).await;
    page.shows(["a", "b", "c", "d"]).await;
    page.driver().action_chain().release().perform().await.unwrap();

    page.drag_below("a", "c").await;
    page.shows(["b", "c", "a", "d"]).await;
    app.has_saved(&["b", "c", "a", "d"]).await;
    other.shows(["b", "c", "a", "d"]).await;
}

#[tokio::test]
async fn a_finger_drags_as_well() {
    let app = App::with_todos(&["a", "b", "c"]).await;
    let page = Page::open(&app).await;
    page.devtools("Emulation.setTouchEmulationEnabled", json!({ "enabled": true })).await;
    let middle = async |title: &str, part: &str| {
        let rect = page.part(title, part).await.rect().await.unwrap();
        (rect.x + rect.width / 2.0, rect.y + rect.height / 2.0)
    };
    let ((x, y), (_, above)) = (middle("c", ".grip").await, middle("a", ".grip").await);
    for (kind, points) in [
        ("touchStart", json!([{ "x": x, "y": y }])),
        ("touchMove", json!([{ "x": x, "y": f64::midpoint(y, above) }])),
        ("touchMove", json!([{ "x": x, "y": above - 8.0 }])),
        ("touchEnd", json!([])),
    ] {
        let event = json!({ "type": kind, "touchPoints": points });
        page.devtools("Input.dispatchTouchEvent", event).await;
    }
    page.shows(["c", "a", "b"]).await;
    app.has_saved(&["c", "a", "b"]).await;
}
