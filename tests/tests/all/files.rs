//! Lists as files: taken along, brought in, and a report of what was not taken.

use serde_json::json;
use tests::{Answer, App, Ask, Page};

async fn import(app: &App, kind: &str, file: impl Into<tests::http::Body>) -> Answer {
    app.post("/todos/import").header("content-type", kind).body(file).answer().await
}

async fn export(app: &App, format: &str) -> String {
    let answer = app.get(&format!("/todos/export?format={format}")).answer().await.is(200);
    assert_eq!(
        answer.header("content-disposition"),
        format!("attachment; filename=\"todos.{format}\"")
    );
    answer.text().to_owned()
}

#[tokio::test]
async fn a_list_that_is_taken_along_is_the_same_elsewhere() {
    let app = App::start().await;
    for todo in [
        json!({ "title": "second", "order": 5, "due": "2026-12-31" }),
        json!({ "title": "first, \"quoted\"", "order": -5, "completed": true, "notes": "a\n=b", "steps": [{ "title": "[x] a, b", "completed": false }, { "title": "c", "completed": true }] }),
        json!({ "title": "牛乳 <b>", "order": 7 }),
    ] {
        app.create(todo).await;
    }
    for (format, kind) in [("json", "application/json"), ("csv", "text/csv; charset=utf-8")] {
        let other = App::start().await;
        let file = export(&app, format).await;
        let report = import(&other, kind, file).await.is(200).json();
        assert_eq!((&report["added"], &report["refused"]), (&json!(3), &json!(0)));
        let (here, there) = (app.list().await, other.list().await);
        for field in ["title", "completed", "due", "notes", "steps"] {
            let values = |list: &[serde_json::Value]| {
                list.iter().map(|todo| todo[field].clone()).collect::<Vec<_>>()
            };
            assert_eq!(values(&here), values(&there), "{format} {field}");
        }
    }
    let txt = export(&app, "txt").await;
    assert!(txt.lines().nth(1).unwrap().ends_with(" second due:2026-12-31"), "{txt}");
    app.get("/todos/export?format=xml").answer().await.is_problem(400);
    for (query, titles) in [
        ("completed=true", &["first, \"quoted\""][..]),
        ("completed=false&q=sec", &["second"]),
        ("due=after:2027-01-01", &[]),
    ] {
        let some = app.get(&format!("/todos/export?{query}")).answer().await.is(200);
        assert_eq!(some.titles(), titles, "{query}");
    }
    app.get("/todos/export?completed=yes").answer().await.is_problem(400);
    app.get("/todos/export?format=csv&format=json").answer().await.is_problem(400);
}

#[tokio::test]
async fn ten_thousand_are_added_behind_the_others_and_one_more_is_refused() {
    let app = App::with_todos(&["before"]).await;
    let file =
        |count: u32| (1..=count).map(|n| format!("title {n}")).collect::<Vec<_>>().join("\n");
    let report = import(&app, "text/plain", file(10_000)).await.is(200).json();
    assert_eq!(report["added"], 10_000);
    let titles = app.database.titles().await;
    assert_eq!(
        (titles.len(), titles[0].as_str(), titles[1].as_str()),
        (10_001, "before", "title 1")
    );
    assert_eq!(titles[10_000], "title 10000");
    assert_eq!(export(&app, "csv").await.lines().count(), 10_002);
    import(&app, "text/plain", file(10_001)).await.is_problem(422);
    assert_eq!(app.database.titles().await.len(), 10_001);
}

#[tokio::test]
async fn what_is_not_taken_is_named_with_its_reason() {
    let app = App::start().await;
    let long = "x".repeat(257);
    let file =
        format!("title,completed,due\na,yes,\n{long},,\nb,perhaps,\nc,,2026-02-30\n,,\nd,,\n");
    let report = import(&app, "text/csv", file).await.is(200).json();
    assert_eq!((&report["added"], &report["refused"]), (&json!(2), &json!(4)));
    let numbers: Vec<_> =
        report["reasons"].as_array().unwrap().iter().map(|r| &r["number"]).collect();
    assert_eq!(numbers, [3, 4, 5, 6]);
    assert!(report["reasons"][0]["reason"].as_str().unwrap().contains("257"), "{report}");
    assert_eq!(app.titles().await, ["a", "d"]);
    for (kind, file, status) in [
        ("application/json", "{\"title\":\"a\"}", 422),
        ("application/json", "[", 422),
        ("text/csv", "name\na\n", 422),
        ("application/xml", "<a/>", 415),
    ] {
        import(&app, kind, file).await.is_problem(status);
    }
    import(&app, "text/plain", vec![0xff, 0xfe]).await.is_problem(400);
    assert_eq!(app.titles().await, ["a", "d"]);
}

#[tokio::test]
async fn an_import_that_is_sent_again_adds_nothing_and_another_file_is_another_import() {
    let app = App::start().await;
    let send = async |file: &'static str| {
        let request = app.post("/todos/import").header("idempotency-key", "k".repeat(255));
        let answer = request.header("content-type", "text/plain").body(file).answer().await;
        answer.is(200).json()["added"].clone()
    };
    assert_eq!(send("a\nb\n").await, 2);
    assert_eq!(send("a\nb\n").await, 0);
    assert_eq!(send("c\n").await, 1);
    assert_eq!(app.titles().await, ["a", "b", "c"]);
}

#[tokio::test]
async fn the_page_takes_lines_and_files_without_javascript() {
    let app = App::with_todos(&["before"]).await;
    let page = Page::without_javascript(&app).await;
    page.click(".files a").await;
    page.find("#text").await.send_keys("buy milk\nx 2026-01-01 done\n\u{feff}\n").await.unwrap();
    page.click(".import-page .primary").await;
    let report = page.find(".import-page [role=status]").await.text().await.unwrap();
    assert_eq!(report, "Added 2 todos. Not taken: 1 todo.");
    page.click(".import-page .secondary").await;
    page.shows(["before", "buy milk", "done"]).await;
    page.shows_completed(["done"]).await;
}

#[tokio::test]
async fn an_import_is_taken_back_but_for_what_was_changed_since() {
    let app = App::with_todos(&["before"]).await;
    let page = Page::without_javascript(&app).await;
    page.go("/import").await;
    page.find("#text").await.send_keys("a\nb\nc\n").await.unwrap();
    page.click(".import-page .primary").await;
    app.has_saved(&["before", "a", "b", "c"]).await;
    app.change(&app.list().await[2], json!({ "title": "changed" })).await;
    page.click(".import-page .undo").await;
    page.shows(["before", "changed"]).await;
    page.says("Deleted.").await;
    page.click(".undo").await;
    page.shows(["before", "a", "changed", "c"]).await;
}

#[tokio::test]
async fn a_chosen_file_is_shown_before_it_is_sent() {
    let app = App::start().await;
    let page = Page::open(&app).await;
    page.go("/import").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("todos.json");
    std::fs::write(&file, json!([{ "title": "from a file", "due": "2026-12-31" }]).to_string())
        .unwrap();
    page.find("#file").await.send_keys(file.to_str().unwrap()).await.unwrap();
    page.comes_to("document.querySelector('#text').value.includes('from a file')").await;
    page.click(".import-page .primary").await;
    page.find(".import-page [role=status]").await;
    assert_eq!(app.titles().await, ["from a file"]);

    // As spreadsheets write it.
    let wide = "\u{feff}title\tdue\r\nGrüße 😀\t2026-12-31\r\n".encode_utf16();
    let wide: Vec<u8> = wide.flat_map(u16::to_le_bytes).collect();
    let turned: Vec<u8> = wide.chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect();
    let western = b"sep=;\r\ntitle;due\r\nGr\xfc\xdfe \x80;2026-12-31\r\n";
    for (bytes, title) in
        [(&wide[..], "Grüße 😀"), (&turned[..], "Grüße 😀"), (&western[..], "Grüße €")]
    {
        std::fs::write(&file, bytes).unwrap();
        page.go("/import").await;
        page.find("#file").await.send_keys(file.to_str().unwrap()).await.unwrap();
        page.comes_to(&format!("document.querySelector('#text').value.includes('{title}')")).await;
        page.click(".import-page .primary").await;
        page.find(".import-page [role=status]").await;
        let last = app.list().await.pop().unwrap();
        assert_eq!([&last["title"], &last["due"]], [title, "2026-12-31"]);
    }
    assert!(page.console_errors().await.is_empty());
}
