//! The same of forms, of addresses that people type, and of cookies.

use super::{bad_titles, submit};
use tests::{Ask, DEADLINE, Guarded};

#[tokio::test]
async fn a_bad_title_is_refused_by_the_page() {
    let app = Guarded::start().await;
    for title in bad_titles() {
        app.submit("/new_item", &[("title", &title), ("key", "a"), ("filter", "all")])
            .await
            .is(422);
        app.is_unchanged().await;
    }
}

#[tokio::test]
async fn a_bad_title_is_refused_by_the_edit_page() {
    let app = Guarded::start().await;
    let place = format!("/items/{}/edit", app.todo()["id"]);
    for title in bad_titles().into_iter().filter(|title| !title.trim().is_empty()) {
        app.submit(&place, &[("title", &title), ("version", "1"), ("filter", "all")]).await.is(422);
        app.is_unchanged().await;
    }
}

#[tokio::test]
async fn invalid_utf_8_in_a_form_is_refused() {
    let app = Guarded::start().await;
    let edit = format!("/items/{}/edit", app.todo()["id"]);
    let bodies: [&[u8]; 5] =
        [b"title=%ff", b"title=\xff", b"title=%c3%28", b"title=%ed%a0%80", b"title=x&filter=%ff"];
    for body in bodies {
        let body = [body, b"&version=1&key=a"].concat();
        for place in ["/new_item", &edit] {
            let answer = submit(&app, place, body.clone()).await;
            assert!([400, 422].contains(&answer.status), "{}", answer.text());
            app.is_unchanged().await;
        }
    }
}

#[tokio::test]
async fn invalid_utf_8_in_a_query_is_refused() {
    let app = Guarded::start().await;
    for place in ["/?filter=%ff", "/?after=%ff", "/?%ff=1"] {
        app.get(place).answer().await.is(400);
    }
    for place in ["/todos?completed=%ff", "/todos?%c3%28=1"] {
        app.refused(app.get(place).answer().await, 400).await;
    }
}

#[tokio::test]
async fn a_broken_percent_sign_is_no_error_of_ours() {
    let app = Guarded::start().await;
    for place in ["/?filter=%", "/?filter=%z", "/?after=%1", "/%", "/items/%/edit"] {
        let status = app.get(place).answer().await.status;
        assert!((200..500).contains(&status), "{place}: {status}");
    }
    app.is_unchanged().await;
}

#[tokio::test]
async fn a_cursor_or_a_filter_that_is_none_shows_the_list_from_its_beginning() {
    let app = Guarded::start().await;
    for query in [
        "filter=nonsense",
        "after=nonsense",
        "after=1",
        "filter=&after=",
        "x=y",
        "filter=%00",
        "after=1.99999999999999999999",
    ] {
        let page = app.get(&format!("/?{query}")).answer().await.is(200);
        assert!(page.text().contains("<bdi>first</bdi>"), "{query}");
    }
}

#[tokio::test]
async fn a_form_that_lacks_a_field_or_garbles_it_is_refused() {
    let app = Guarded::start().await;
    let id = &app.todo()["id"];
    for (place, bodies) in [
        ("/new_item".to_owned(), ["", "filter=all", "Title=x"]),
        (format!("/items/{id}/toggle"), ["", "version=1", "version=x&completed=true"]),
        (format!("/items/{id}/edit"), ["", "title=x", "title=x&version="]),
        (format!("/items/{id}/destroy"), ["", "version=one", "version=99999999999999999999"]),
        ("/toggle-all".to_owned(), ["", "completed=perhaps", "completed="]),
    ] {
        for body in bodies {
            submit(&app, &place, body).await.is(400);
            app.is_unchanged().await;
        }
    }
}

#[tokio::test]
async fn a_bad_idempotency_key_in_a_form_is_refused() {
    let app = Guarded::start().await;
    for key in ["", &"k".repeat(256), "a\0b", "é"] {
        app.submit("/new_item", &[("title", "x"), ("key", key)]).await.is(400);
        app.is_unchanged().await;
    }
}

#[tokio::test]
async fn unknown_pages_are_not_found_as_pages() {
    let app = Guarded::start().await;
    for place in [
        "/nothing",
        "/items",
        "/items/1",
        "/assets/",
        "/assets/../spin.toml",
        "/.env",
        "/todos.json",
        "/index/",
        "//",
    ] {
        let answer = app.get(place).answer().await.is(404);
        assert!(answer.header("content-type").starts_with("text/html"), "{place}");
        assert!(answer.text().contains("href=\"/\""), "the page leads back to the list");
    }
}

#[tokio::test]
async fn a_page_is_not_written_to_by_methods_that_it_lacks() {
    let app = Guarded::start().await;
    let id = app.todo()["id"].clone();
    for (method, place) in [
        (http::Method::DELETE, "/".to_owned()),
        (http::Method::POST, "/".to_owned()),
        (http::Method::GET, "/toggle-all".to_owned()),
        (http::Method::GET, "/clear-completed".to_owned()),
        (http::Method::GET, format!("/items/{id}/destroy")),
        (http::Method::PUT, format!("/items/{id}/edit")),
    ] {
        let answer = app.request(method, &place).answer().await.is(405);
        assert!(!answer.header("allow").is_empty());
        app.is_unchanged().await;
    }
}

#[tokio::test]
async fn a_cookie_that_makes_no_sense_is_ignored() {
    let app = Guarded::start().await;
    for cookie in [
        "flash=<script>",
        "flash=",
        "flash",
        ";;;",
        "flash=conflict; flash=x",
        &format!("flash={}", "x".repeat(6000)),
    ] {
        let page = app.get("/").header("cookie", cookie).timeout(DEADLINE).answer().await.is(200);
        assert!(!page.text().contains("<script>"));
    }
}
