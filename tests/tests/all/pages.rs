//! The pages as HTTP sees them: headers, redirects, caching, forms.

use flate2::Compression;
use flate2::write::GzEncoder;
use http::Method;
use serde_json::json;
use std::io::Write as _;
use tests::{Answer, App, Ask};

/// The value of the first attribute of this name after `marker`.
fn attribute<'a>(html: &'a str, marker: &str, name: &str) -> &'a str {
    let (_, rest) = html.split_once(marker).unwrap_or_else(|| panic!("no {marker} in {html}"));
    let (_, rest) = rest
        .split_once(&format!("{name}=\""))
        .unwrap_or_else(|| panic!("no {name} after {marker}"));
    rest.split_once('"').unwrap().0
}

async fn home(app: &App) -> Answer {
    app.get("/").answer().await.is(200)
}

/// Bytes of a body as a server that compresses sends it.
fn compressed(answer: &Answer) -> usize {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&answer.body).unwrap();
    encoder.finish().unwrap().len()
}

#[tokio::test]
async fn a_page_of_fifty_todos_and_its_files_are_light() {
    let app = App::start().await;
    let todo = |n: u32| {
        let notes =
            format!("Order {} in the shop at https://shop.example/{}.", n * 7919, n * 104_729);
        json!({ "title": format!("Something of {n} words or {} more to do", n * n), "due": "2026-12-31", "notes": notes })
    };
    let file: Vec<_> = (0..50).map(todo).collect();
    app.post("/todos/import").json(&file).answer().await.is(200);
    let page = home(&app).await;
    assert_eq!(page.text().matches("https://shop.example/").count(), 100, "each in a link");
    let file = async |name: &str| {
        let at = page.text().find(name).unwrap();
        let path = page.text()[..at + name.len()].rsplit('"').next().unwrap();
        compressed(&app.get(path).answer().await.is(200))
    };
    let (html, files) = (compressed(&page), file(".css").await + file(".js").await);
    assert!(html <= 25_000 && files <= 30_000, "{html} bytes of HTML, {files} of script and style");
}

#[tokio::test]
async fn every_page_carries_a_strict_policy() {
    let app = App::start().await;
    let todo = app.add("buy milk").await;
    let edit = format!("/items/{}/edit", todo["id"]);
    let pages = [
        app.get("/").answer().await.is(200),
        app.get(&edit).answer().await.is(200),
        app.get("/nothing").answer().await.is(404),
        app.submit("/new_item", &[("title", "")]).await.is(422),
        app.submit(&edit, &[("title", "x"), ("version", "9")]).await.is(409),
        app.post("/new_item").header("origin", "https://evil.example").answer().await.is(403),
    ];
    for page in pages {
        let policy = page.header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.split(';').any(|found| found.trim() == rule), "{rule} is in {policy}");
        }
        assert!(!policy.contains("unsafe"));
        assert_eq!(page.header("referrer-policy"), "same-origin");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert!(
            !page.text().contains("<script>") && !page.text().contains("style="),
            "nothing inline"
        );
    }
}

#[tokio::test]
async fn old_addresses_lead_to_the_list() {
    let app = App::start().await;
    for (old, new) in
        [("/index", "/"), ("/new_item", "/"), ("/index?filter=active", "/?filter=active")]
    {
        let answer = app.get(old).answer().await.is(301);
        assert_eq!(answer.header("location"), new);
    }
}

#[tokio::test]
async fn assets_are_kept_for_good_under_their_own_name_only() {
    let app = App::start().await;
    let home = home(&app).await;
    for (marker, name, content_type) in [
        ("rel=\"stylesheet\"", "href", "text/css"),
        ("<script", "src", "text/javascript"),
        ("rel=\"icon\"", "href", "image/svg+xml"),
    ] {
        let path = attribute(home.text(), marker, name);
        let asset = app.get(path).answer().await.is(200);
        assert!(asset.header("content-type").starts_with(content_type));
        assert!(asset.header("cache-control").contains("immutable"));
        assert!(asset.header("cache-control").contains("max-age=31536000"));
        assert_eq!(asset.header("x-content-type-options"), "nosniff");

        // A page of another version asks for its own: it gets what there is,
        // and nobody keeps that.
        let (stem, extension) = (path.split('.').next().unwrap(), path.rsplit('.').next().unwrap());
        let other = app.get(&format!("{stem}.00000000.{extension}")).answer().await.is(200);
        assert_eq!(other.header("cache-control"), "no-cache");
        assert_eq!(other.body, asset.body);
    }
    app.get("/assets/app.css").answer().await.is(404);
}

#[tokio::test]
async fn the_list_is_sent_again_only_when_it_has_changed() {
    let app = App::start().await;
    app.add("buy milk").await;
    let first = home(&app).await;
    assert_eq!(first.header("cache-control"), "private, no-cache");
    let tag = first.header("etag");
    let again = app.get("/").header("if-none-match", tag).answer().await.is(304);
    assert!(again.body.is_empty());
    app.add("buy bread").await;
    let changed = app.get("/").header("if-none-match", tag).answer().await.is(200);
    assert_ne!(changed.header("etag"), tag);
    let filtered = app.get("/?filter=active").answer().await.is(200);
    assert_ne!(filtered.header("etag"), changed.header("etag"), "another page has another tag");
}

#[tokio::test]
async fn a_message_is_shown_once_and_never_out_of_a_cache() {
    let app = App::start().await;
    let todo = app.add("buy milk").await;
    let tag = home(&app).await.header("etag").to_owned();
    let stale = format!("/items/{}/destroy", todo["id"]);
    let sent = app
        .submit(&stale, &[("version", "9"), ("completed", "true"), ("filter", "all")])
        .await
        .redirects_to("/");
    let cookie = sent.header("set-cookie");
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=60"] {
        assert!(cookie.contains(attribute), "{attribute} is in {cookie}");
    }
    // The script of another tab, which asks meanwhile, neither gets it nor takes it away.
    let elsewhere = app.get("/").header("if-none-match", &tag).answer().await.is(304);
    assert_eq!(elsewhere.maybe_header("set-cookie"), None);
    // Nor does a browser that fetches what somebody may come to want.
    let early = app.get("/").header("accept", "text/html").header("sec-purpose", "prefetch");
    assert_eq!(early.answer().await.is(200).maybe_header("set-cookie"), None);
    let told = app.get("/").header("if-none-match", &tag).header("accept", "text/html,*/*;q=0.8");
    let told = told.answer().await.is(200);
    assert!(told.text().contains("changed somewhere else"));
    assert!(told.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(
        told.maybe_header("etag"),
        None,
        "a browser must not take it for the page without the message"
    );
    assert!(told.header("cache-control").contains("no-store"));
    let after = home(&app).await;
    assert_eq!(
        after.text().matches("changed somewhere else").count(),
        told.text().matches("changed somewhere else").count() - 1
    );
}

#[tokio::test]
async fn a_form_sent_twice_adds_one_todo() {
    let app = App::start().await;
    let home = home(&app).await;
    let key = attribute(home.text(), "name=\"key\"", "value");
    for _ in 0..2 {
        app.submit("/new_item", &[("title", "buy milk"), ("key", key), ("filter", "all")])
            .await
            .redirects_to("/");
    }
    assert_eq!(app.titles().await, ["buy milk"]);
}

#[tokio::test]
async fn a_form_that_comes_back_with_another_text_adds_it_once_however_often_it_is_sent() {
    let app = App::start().await;
    for title in ["a", "b", "b", "a"] {
        app.submit("/new_item", &[("title", title), ("key", "K1"), ("filter", "all")])
            .await
            .redirects_to("/");
    }
    assert_eq!(app.titles().await, ["a", "b"]);
}

#[tokio::test]
async fn every_form_has_a_key_of_its_own() {
    let app = App::start().await;
    let (first, second) = (home(&app).await, home(&app).await);
    let key = |page: &Answer| attribute(page.text(), "name=\"key\"", "value").to_owned();
    assert_ne!(key(&first), key(&second));
    assert!(key(&first).len() >= 16, "a key cannot be guessed or met by chance");
}

#[tokio::test]
async fn an_old_form_with_new_text_in_it_adds_that_text() {
    let app = App::start().await;
    for title in ["buy milk", "buy bread"] {
        app.submit("/new_item", &[("title", title), ("key", "the-same"), ("filter", "all")])
            .await
            .redirects_to("/");
    }
    assert_eq!(app.titles().await, ["buy milk", "buy bread"]);
}

#[tokio::test]
async fn a_toggle_names_the_state_that_is_wanted() {
    let app = App::start().await;
    let todo = app.add("buy milk").await;
    let place = format!("/items/{}/toggle", todo["id"]);
    app.submit(&place, &[("version", "1"), ("completed", "true"), ("filter", "all")])
        .await
        .redirects_to("/");
    assert_eq!(app.list().await[0]["completed"], true);
    // The same form again, from a page that is out of date: it collides with nothing.
    let again = app
        .submit(&place, &[("version", "1"), ("completed", "true"), ("filter", "all")])
        .await
        .redirects_to("/");
    assert!(again.header("set-cookie").starts_with("flash=done"));
    assert_eq!(app.list().await[0]["completed"], true);
}

#[tokio::test]
async fn forms_lead_back_to_where_they_came_from() {
    let app = App::start().await;
    app.database.fill(60).await;
    let todos = app.get("/todos?limit=3").answer().await.json();
    let place = "/?filter=active&after=5.5";
    let at = |name: &str, todo: usize| format!("/items/{}/{name}", todos[todo]["id"]);
    let back = [
        ("filter", "active"),
        ("after", "5.5"),
        ("version", "1"),
        ("completed", "true"),
        ("title", "new"),
    ];
    app.submit(&at("toggle", 0), &back).await.redirects_to(place);
    app.submit(&at("edit", 1), &back).await.redirects_to(place);
    app.submit(&at("destroy", 2), &back).await.redirects_to(place);
    app.submit("/toggle-all", &[("completed", "true"), ("filter", "active")])
        .await
        .redirects_to("/?filter=active");
    app.submit("/clear-completed", &[("filter", "completed")])
        .await
        .redirects_to("/?filter=completed");
}

#[tokio::test]
async fn nobody_is_led_to_another_site() {
    let app = App::start().await;
    for place in [
        "//evil.example",
        "/index?//evil.example",
        "/new_item?https://evil.example",
        "/index?x=%0d%0aSet-Cookie:a=b",
    ] {
        let answer = app.get(place).answer().await;
        assert!(
            answer
                .maybe_header("location")
                .is_none_or(|place| place == "/" || place.starts_with("/?")),
            "{answer:?}"
        );
        assert!(answer.maybe_header("set-cookie").is_none());
    }
    let fields = [
        ("title", "x"),
        ("key", "a"),
        ("filter", "//evil.example"),
        ("after", "\r\nSet-Cookie: a=b"),
    ];
    app.submit("/new_item", &fields).await.redirects_to("/");
}

#[tokio::test]
async fn a_write_to_a_todo_that_is_gone_says_so() {
    let app = App::start().await;
    let todo = app.add("buy milk").await;
    app.remove(&todo).await;
    // What was to be deleted is, and can be had back.
    for (form, says) in [("toggle", "flash=missing;"), ("destroy", "flash=deleted.")] {
        let fields = [("version", "1"), ("completed", "true"), ("filter", "all")];
        let answer =
            app.submit(&format!("/items/{}/{form}", todo["id"]), &fields).await.redirects_to("/");
        assert!(answer.header("set-cookie").starts_with(says));
    }
}

#[tokio::test]
async fn text_typed_for_a_todo_that_is_gone_is_not_lost() {
    let app = App::start().await;
    let todo = app.add("buy milk").await;
    app.remove(&todo).await;
    let fields = [
        ("version", "1"),
        ("title", "precious words"),
        ("due", "2026-12-31"),
        ("notes", "many\nnotes"),
        ("steps", "one\ntwo"),
        ("filter", "all"),
    ];
    let answer = app.submit(&format!("/items/{}/edit", todo["id"]), &fields).await;
    assert!([404, 409].contains(&answer.status));
    for shown in ["precious words", "2026-12-31", "many\nnotes", "one\ntwo"] {
        assert!(answer.text().contains(&format!("readonly dir=\"auto\">\n{shown}</textarea>")));
    }
    let list = "x\n".repeat(10_001);
    let refused = app.submit("/import", &[("text", &list), ("key", "k")]).await.is(422);
    assert!(refused.text().contains(&format!("{list}</textarea>")), "a list that is too long");
}

#[tokio::test]
async fn an_edit_that_is_sent_twice_is_one_and_can_be_taken_back() {
    let app = App::with_todos(&["buy milk"]).await;
    let form = app.get("/items/1/edit").answer().await.is(200);
    let base = attribute(form.text(), "name=\"base\"", "value");
    let fields = [("version", "1"), ("base", base), ("title", " buy oat milk "), ("notes", "")];
    let mut said = vec![];
    for _ in 0..2 {
        let saved = app.submit("/items/1/edit", &fields).await.redirects_to("/");
        said.push(saved.header("set-cookie").split(';').next().unwrap().to_owned());
    }
    assert_eq!(said, ["flash=saved.1-2"; 2]);
    app.submit("/undo", &[("undo", "1-2")]).await.redirects_to("/");
    assert_eq!(app.titles().await, ["buy milk"]);
}

#[tokio::test]
async fn an_edit_of_a_stale_version_keeps_both_texts_and_may_be_repeated() {
    let app = App::start().await;
    let todo = app.add("buy milk").await;
    app.change(&todo, json!({ "title": "buy oat milk" })).await;
    let place = format!("/items/{}/edit", todo["id"]);
    let answer = app
        .submit(&place, &[("version", "1"), ("title", "buy soy milk"), ("filter", "all")])
        .await
        .is(409);
    assert!(answer.text().contains("value=\"buy soy milk\""));
    assert!(answer.text().contains("<bdi>buy oat milk</bdi>"));
    assert_eq!(app.titles().await, ["buy oat milk"]);
    let version = attribute(answer.text(), "name=\"version\"", "value");
    app.submit(&place, &[("version", version), ("title", "buy soy milk"), ("filter", "all")])
        .await
        .redirects_to("/");
    assert_eq!(app.titles().await, ["buy soy milk"]);
}

#[tokio::test]
async fn the_count_is_exact_up_to_999_and_says_when_it_is_not() {
    let app = App::start().await;
    app.database
        .execute("INSERT INTO todoitem (task) SELECT 'x' FROM generate_series(1, 999)")
        .await;
    assert!(home(&app).await.text().contains("<strong>999</strong>"));
    app.add("one more").await;
    assert!(home(&app).await.text().contains("<strong>999+</strong>"));
}

#[tokio::test]
async fn options_of_a_page_are_told() {
    let app = App::start().await;
    let answer = app.request(Method::OPTIONS, "/").answer().await.is(204);
    assert!(answer.header("allow").contains("GET"));
}
