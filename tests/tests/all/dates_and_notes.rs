//! The date on which a todo is due, and its notes: by the API, on the page, in its time zone.

use serde_json::{Value, json};
use tests::{App, Ask, Page};

async fn titles(app: &App, place: &str) -> Vec<String> {
    app.get(place).answer().await.is(200).titles()
}

#[tokio::test]
async fn they_are_set_kept_and_taken_away() {
    let app = App::start().await;
    let given = json!({ "title": "a", "due": "2028-02-29", "notes": "x\r\n\ty \n" });
    let todo = app.create(given).await;
    assert_eq!((&todo["due"], &todo["notes"]), (&json!("2028-02-29"), &json!("x\n\ty")));
    let renamed = app.change(&todo, json!({ "title": "b" })).await;
    assert_eq!((&renamed["due"], &renamed["notes"]), (&todo["due"], &todo["notes"]));
    let bare = app.change(&todo, json!({ "due": null, "notes": "" })).await;
    assert_eq!((&bare["due"], &bare["notes"]), (&Value::Null, &json!("")));
    assert_eq!((&bare["title"], &bare["version"]), (&json!("b"), &json!(3)));
}

#[tokio::test]
async fn what_is_deleted_comes_back_with_them() {
    let app = App::start().await;
    let todo = app.create(json!({ "title": "a", "due": "2026-12-31", "notes": "x" })).await;
    app.remove(&todo).await;
    let restore = format!("{}/restore", app.place(&todo));
    let back = app.post(&restore).answer().await.is(200).json();
    assert_eq!((&back["due"], &back["notes"]), (&todo["due"], &todo["notes"]));
}

#[tokio::test]
async fn what_is_none_is_refused_and_named() {
    let app = App::with_todos(&["a"]).await;
    let long = "x".repeat(4001);
    for (wrong, kind) in [
        (json!({ "due": "2026-02-30" }), "due-no-date"),
        (json!({ "due": "" }), "due-no-date"),
        (json!({ "due": "tomorrow" }), "due-no-date"),
        (json!({ "due": "2026-12-31T10:00:00Z" }), "due-no-date"),
        (json!({ "due": 20_261_231 }), "wrong-shape"),
        (json!({ "notes": null }), "wrong-shape"),
        (json!({ "notes": "\u{0}" }), "notes-control-character"),
        (json!({ "notes": long }), "notes-too-long"),
    ] {
        let place = app.place(&app.list().await[0]).to_owned();
        let problem = app.patch(&place).json(&wrong).answer().await.is_problem(422).json();
        assert_eq!(problem["type"], format!("urn:todoozle:problem:{kind}"), "{wrong}");
    }
    let longest = json!({ "title": "🎄".repeat(256), "notes": "🎄".repeat(4000) });
    let escaped = longest.to_string().replace('🎄', "\\ud83c\\udf84");
    let answer = app.post("/todos").body(escaped).answer().await.is(201);
    assert_eq!(answer.json()["notes"], longest["notes"]);
}

#[tokio::test]
async fn the_same_key_with_another_date_is_another_request() {
    let app = App::start().await;
    let post = async |due: &str| {
        let todo = json!({ "title": "a", "due": due });
        app.post("/todos").header("idempotency-key", "k").json(&todo).answer().await
    };
    post("2026-12-31").await.is(201);
    post("2026-12-31").await.is(200);
    post("2027-01-01").await.is_problem(422);
    let notes = json!({ "title": "a", "notes": "2026-12-31" });
    let other = app.post("/todos").header("idempotency-key", "k").json(&notes).answer().await;
    other.is_problem(422);
}

#[tokio::test]
async fn days_choose_and_the_page_of_due_todos_goes_by_them() {
    let app = App::start().await;
    for (title, due) in
        [("c", "2026-12-31"), ("none", ""), ("a", "2026-12-01"), ("b", "2026-12-31")]
    {
        let due = if due.is_empty() { Value::Null } else { due.into() };
        app.create(json!({ "title": title, "due": due })).await;
    }
    app.create(json!({ "title": "done", "due": "2026-11-01", "completed": true })).await;
    assert_eq!(titles(&app, "/todos?due=before:2026-12-31").await, ["a", "done"]);
    assert_eq!(titles(&app, "/todos?due=before:2026-12-31&completed=false").await, ["a"]);
    assert_eq!(titles(&app, "/todos?due=on:2026-12-31").await, ["c", "b"]);
    assert_eq!(titles(&app, "/todos?due=after:2026-12-01").await, ["c", "b"]);
    for wrong in ["2026-12-31", "before:", "before:2026-02-30", "never:2026-12-31", ""] {
        app.get(&format!("/todos?due={wrong}")).answer().await.is_problem(400);
    }
    let page = Page::without_javascript(&app).await;
    page.choose("Due").await;
    page.shows(["a", "c", "b"]).await;
}

#[tokio::test]
async fn the_page_of_due_todos_has_pages() {
    let app = App::start().await;
    app.database
        .execute(
            "INSERT INTO todoitem (task, position, due)
             SELECT 'title ' || n, -n, date '2026-01-01' + n / 3 FROM generate_series(1, 120) AS n",
        )
        .await;
    let page = Page::without_javascript(&app).await;
    page.go("/?filter=due").await;
    let mut seen: Vec<String> = vec![];
    for last in [false, false, true] {
        page.comes_to_show("another page", |shown| {
            shown.titles().first().is_some_and(|first| !seen.iter().any(|title| title == first))
        })
        .await;
        let shown = page.look().await;
        seen.extend(shown.titles().into_iter().map(str::to_owned));
        if !last {
            page.click(".pagination [rel=next]").await;
        }
    }
    let order = app.database.query("SELECT task FROM todoitem ORDER BY due, position, id").await;
    assert_eq!(seen, order.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_edit_page_sets_them_without_javascript() {
    let app = App::with_todos(&["buy milk"]).await;
    let page = Page::without_javascript(&app).await;
    page.edit().await;
    page.run("document.querySelector('#due').value = '2026-12-31'").await;
    page.find("#notes").await.send_keys("two bottles\nsee https://a.example/x?y=1.").await.unwrap();
    page.click(".edit-form .primary").await;
    page.says("Saved").await;
    let todo = app.list().await[0].clone();
    assert_eq!(todo["due"], "2026-12-31");
    assert_eq!(todo["notes"], "two bottles\nsee https://a.example/x?y=1.");
    let link = page.find(".notes a").await;
    assert_eq!(link.attr("href").await.unwrap().unwrap(), "https://a.example/x?y=1");
    assert!(link.attr("rel").await.unwrap().unwrap().contains("noopener"));
    assert_eq!(page.find(".due time").await.attr("datetime").await.unwrap().unwrap(), "2026-12-31");
}

#[tokio::test]
async fn what_was_typed_stands_beside_what_came_in_between() {
    let app = App::with_todos(&["buy milk"]).await;
    let page = Page::without_javascript(&app).await;
    page.click(".edit-link").await;
    page.find("#notes").await.send_keys("mine").await.unwrap();
    app.change(&app.list().await[0], json!({ "notes": "theirs" })).await;
    page.click(".edit-form .primary").await;
    page.says("changed elsewhere").await;
    assert_eq!(page.run("return document.querySelector('#notes').value").await, "mine");
    assert!(page.find(".edit-form").await.text().await.unwrap().contains("theirs"));
    page.click(".edit-form .primary").await;
    page.says("Saved").await;
    assert_eq!(app.list().await[0]["notes"], "mine");
}

#[tokio::test]
async fn an_edit_changes_what_was_typed_and_collides_there_alone() {
    let app = App::start().await;
    let steps = json!([{ "title": "flour", "completed": false }]);
    app.create(json!({ "title": "cake", "notes": "old", "steps": steps })).await;
    let page = Page::without_javascript(&app).await;
    page.edit().await;
    page.retype("my cake").await;
    page.run("document.querySelector('#notes').value = 'mine'").await;
    let steps =
        json!([{ "title": "flour", "completed": true }, { "title": "eggs", "completed": false }]);
    let theirs = json!({ "notes": "theirs", "steps": steps, "completed": true });
    app.change(&app.list().await[0], theirs).await;
    page.click(".edit-form .primary").await;
    page.says("changed elsewhere").await;
    let typed = "return ['title', 'notes', 'steps'].map(id => document.getElementById(id).value)";
    assert_eq!(page.run(typed).await, json!(["my cake", "mine", "[x] flour\neggs"]));
    let wrong = page.run("return document.querySelector('[aria-invalid]').id").await;
    assert_eq!(wrong, "notes");
    app.change(&app.list().await[0], json!({ "due": "2026-12-31" })).await;
    page.click(".edit-form .primary").await;
    page.says("Saved").await;
    let todo = app.list().await[0].clone();
    let now = json!([todo["title"], todo["notes"], todo["steps"], todo["due"]]);
    assert_eq!(now, json!(["my cake", "mine", steps, "2026-12-31"]));
}

#[tokio::test]
async fn an_empty_title_beside_new_notes_deletes_nothing() {
    let app = App::with_todos(&["buy milk"]).await;
    let todo = app.change(&app.list().await[0], json!({ "notes": "one\ntwo" })).await;
    let page = Page::without_javascript(&app).await;
    page.click(".edit-link").await;
    page.find("#title").await.clear().await.unwrap();
    page.find("#notes").await.send_keys("\nthree").await.unwrap();
    page.click(".edit-form .primary").await;
    page.says("title is empty").await;
    assert_eq!(page.run("return document.querySelector('#notes').value").await, "one\ntwo\nthree");
    assert_eq!(app.list().await[0], todo);
}

#[tokio::test]
async fn an_edit_of_the_title_alone_can_be_taken_back_with_notes_of_several_lines() {
    let app = App::with_todos(&["buy milk"]).await;
    app.change(&app.list().await[0], json!({ "notes": "one\ntwo" })).await;
    let page = Page::without_javascript(&app).await;
    page.click(".edit-link").await;
    page.find("#title").await.send_keys("!").await.unwrap();
    page.click(".edit-form .primary").await;
    page.click(".undo").await;
    page.shows(["buy milk"]).await;
    assert_eq!(app.list().await[0]["notes"], "one\ntwo");
}

#[tokio::test]
async fn notes_that_do_not_fit_are_refused_and_kept() {
    let app = App::with_todos(&["buy milk"]).await;
    let long = "x".repeat(4001);
    let todo = app.list().await[0].clone();
    let place = format!("/items/{}/edit", todo["id"]);
    let fields = [("title", "buy milk"), ("due", ""), ("notes", &long), ("version", "1")];
    let answer = app.submit(&place, &fields).await.is(422);
    assert!(answer.text().contains("4001 characters") && answer.text().contains(&long));
    assert_eq!(app.list().await[0], todo);
}

#[tokio::test]
async fn with_javascript_the_editor_leads_to_them_and_saves_what_was_typed() {
    let app = App::with_todos(&["buy milk"]).await;
    let page = Page::open(&app).await;
    page.double_click("buy milk").await;
    page.press(" and bread").await;
    page.click(".editing .details").await;
    page.comes_to("!!document.querySelector('.edit-page')").await;
    assert_eq!(
        page.run("return document.querySelector('#title').value").await,
        "buy milk and bread"
    );
    assert_eq!(app.titles().await, ["buy milk and bread"]);
}

#[tokio::test]
async fn another_browser_s_notes_come_into_the_list() {
    let app = App::with_todos(&["buy milk"]).await;
    let page = Page::open(&app).await;
    page.stay().await;
    let todo = app.change(&app.list().await[0], json!({ "notes": "two bottles" })).await;
    page.comes_to("document.querySelector('.notes')?.textContent === 'two bottles'").await;
    app.change(&todo, json!({ "notes": "" })).await;
    page.comes_to("!document.querySelector('.todo-list .more')").await;
    page.is_still_here().await;
}

/// What is said of a date, and how it is marked, on a browser's day.
async fn said(page: &Page, zone: &str, now: &str, due: &str) -> (String, String) {
    page.devtools("Emulation.setTimezoneOverride", json!({ "timezoneId": zone })).await;
    let script = format!(
        "const real = Date;
         const item = document.querySelector('.todo-list > li');
         item.querySelector('.due time').dateTime = '{due}';
         for (const now of ['1999-01-01', '{now}']) {{
             Date = class extends real {{ constructor(...given) {{ super(...(given.length ? given : [now])); }} }};
             document.dispatchEvent(new Event('visibilitychange'));
         }}
         Date = real;
         const due = item.querySelector('.due');
         return [due.textContent.trim(), due.className];"
    );
    let said = page.run(&script).await;
    (said[0].as_str().unwrap().to_owned(), said[1].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_date_is_today_or_overdue_where_the_browser_is() {
    let app = App::start().await;
    app.create(json!({ "title": "a", "due": "2026-01-01" })).await;
    let page = Page::open(&app).await;
    page.shows(["a"]).await;
    for (zone, now, due, text, mark) in [
        ("UTC", "2026-11-29T12:00:00Z", "2026-11-29", "Due today", "due today"),
        ("UTC", "2026-11-29T12:00:00Z", "2026-11-28", "Due yesterday", "due overdue"),
        ("UTC", "2026-11-29T12:00:00Z", "2026-11-30", "Due tomorrow", "due"),
        ("UTC", "2026-11-29T12:00:00Z", "2026-12-24", "Due Thu, Dec 24", "due"),
        ("UTC", "2026-11-29T12:00:00Z", "2025-12-24", "Due Wed, Dec 24, 2025", "due overdue"),
        ("UTC", "2026-11-29T12:00:00Z", "0050-06-01", "Due Wed, Jun 1, 50", "due overdue"),
        ("UTC", "2026-11-29T12:00:00Z", "9999-12-31", "Due Fri, Dec 31, 9999", "due"),
        ("UTC", "2028-02-28T12:00:00Z", "2028-02-29", "Due tomorrow", "due"),
        // One moment, three days.
        ("Pacific/Kiritimati", "2026-11-29T11:00:00Z", "2026-11-30", "Due today", "due today"),
        ("Pacific/Pago_Pago", "2026-11-29T10:59:00Z", "2026-11-28", "Due today", "due today"),
        // A day of 23 hours, and one of 25, to the last minute.
        ("Europe/Berlin", "2026-03-29T21:59:00Z", "2026-03-29", "Due today", "due today"),
        ("Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-30", "Due tomorrow", "due"),
        ("Europe/Berlin", "2026-10-25T22:59:00Z", "2026-10-25", "Due today", "due today"),
        ("Europe/Berlin", "2026-10-25T23:00:00Z", "2026-10-25", "Due yesterday", "due overdue"),
        // Midnight does not exist on this day.
        ("America/Santiago", "2026-09-06T04:00:00Z", "2026-09-06", "Due today", "due today"),
    ] {
        let seen = said(&page, zone, now, due).await;
        assert_eq!(seen, (text.to_owned(), mark.to_owned()), "{zone} {now} {due}");
    }
}
