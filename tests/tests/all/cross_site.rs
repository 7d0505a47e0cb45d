//! What other sites may do: read nothing and write nothing, unless they are listed.

use http::Method;
use serde_json::json;
use tests::site::Site;
use tests::{App, Ask, Browser, until};

#[tokio::test]
async fn a_write_from_another_site_is_refused() {
    let app = App::start().await;
    let todo = app.add("buy milk").await;
    let (item, id) = (app.place(&todo), &todo["id"]);
    let headers: [&[(&str, &str)]; 6] = [
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
        &[("sec-fetch-site", "same-site"), ("origin", "https://other.example")],
        &[("sec-fetch-site", "cross-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "https://evil.example"), ("referer", "http://127.0.0.1/")],
    ];
    let writes = [
        (Method::POST, "/todos".to_owned()),
        (Method::DELETE, "/todos".to_owned()),
        (Method::PATCH, item.to_owned()),
        (Method::DELETE, item.to_owned()),
        (Method::POST, "/new_item".to_owned()),
        (Method::POST, "/toggle-all".to_owned()),
        (Method::POST, "/clear-completed".to_owned()),
        (Method::POST, format!("/items/{id}/toggle")),
        (Method::POST, format!("/items/{id}/edit")),
        (Method::POST, format!("/items/{id}/destroy")),
    ];
    for headers in headers {
        for (method, place) in &writes {
            let mut request =
                app.request(method.clone(), place).body("title=x&version=1&completed=true");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            request.answer().await.is(403);
        }
    }
    assert_eq!(app.list().await, std::slice::from_ref(&todo));
}

#[tokio::test]
async fn a_refused_write_says_what_to_do() {
    let app = App::start().await;
    let request =
        app.post("/todos").header("origin", "https://evil.example").json(&json!({ "title": "x" }));
    request.answer().await.is_problem(403);
    // Variables are for whoever runs it, and so is the log.
    app.host.says("refused POST /todos from the origin https://evil.example").await;
    app.host.says("list it in cors_origins").await;
}

#[tokio::test]
async fn a_write_from_our_own_page_or_from_no_browser_is_taken() {
    let app = App::start().await;
    let own = app.host.origin().to_owned();
    let headers: [&[(&str, &str)]; 4] = [
        &[("sec-fetch-site", "same-origin"), ("origin", &own)],
        &[("sec-fetch-site", "none")],
        &[("origin", &own)],
        &[],
    ];
    for headers in headers {
        let mut request = app.post("/todos").json(&json!({ "title": "buy milk" }));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.answer().await.is(201);
    }
}

#[tokio::test]
async fn our_own_page_may_write_behind_a_proxy() {
    let app = App::with_variable("public_url", "http://todo.example:3131").await;
    for (host, origin, status) in [
        ("10.0.0.1:3000", "http://todo.example:3131", 201),
        ("a.example:80", "http://a.example", 201),
        ("a.example", "https://a.example:443", 201),
        ("10.0.0.1:3000", "http://evil.example:3131", 403),
        ("a.example:81", "http://a.example", 403),
    ] {
        let write = app.post("/todos").json(&json!({ "title": "x" }));
        let answer = write.header("host", host).header("origin", origin).answer().await;
        assert_eq!(answer.status, status, "{origin} at {host}");
    }
}

#[tokio::test]
async fn a_refused_form_keeps_what_was_typed() {
    let app = App::start().await;
    let form = app.post("/new_item").header("origin", "http://todo.example:3131");
    let form = form.form(&[("title", "half an hour's <work>"), ("key", "k"), ("filter", "all")]);
    let refused = form.answer().await.is(403);
    assert!(refused.text().contains("half an hour's &lt;work&gt;"), "{}", refused.text());
    assert!(!refused.text().contains("cors_origins"), "no variable's name is for people");
    assert!(app.list().await.is_empty());
}

#[tokio::test]
async fn a_read_from_another_site_is_not_opened_to_it() {
    let app = App::start().await;
    let answer = app.get("/todos").header("origin", "https://evil.example").answer().await.is(200);
    assert_eq!(answer.maybe_header("access-control-allow-origin"), None);
    let preflight = app.request(Method::OPTIONS, "/todos").header("origin", "https://evil.example");
    let preflight = preflight.header("access-control-request-method", "DELETE").answer().await;
    assert_eq!(preflight.maybe_header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn a_listed_origin_may_read_and_write() {
    let app = App::with_variable("cors_origins", "https://a.example, https://b.example").await;
    for origin in ["https://a.example", "https://b.example"] {
        let write =
            app.post("/todos").header("origin", origin).header("sec-fetch-site", "cross-site");
        let answer = write.json(&json!({ "title": "buy milk" })).answer().await.is(201);
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert!(answer.header("vary").to_lowercase().contains("origin"));
        let exposed = answer.header("access-control-expose-headers").to_lowercase();
        assert!(
            ["etag", "link", "location"].iter().all(|name| exposed.contains(name)),
            "{exposed}"
        );
    }
    for other in [
        "https://c.example",
        "http://a.example",
        "https://a.example:8443",
        "https://a.example.evil.example",
    ] {
        let write = app.post("/todos").header("origin", other).json(&json!({ "title": "x" }));
        let answer = write.answer().await.is_problem(403);
        assert_eq!(answer.maybe_header("access-control-allow-origin"), None);
    }
    assert_eq!(app.list().await.len(), 2);
}

#[tokio::test]
async fn a_listed_origin_is_told_so_before_it_asks() {
    let app = App::with_variable("cors_origins", "https://a.example").await;
    for (place, method) in
        [("/todos", "POST"), ("/todos", "DELETE"), ("/todos/1", "PATCH"), ("/todos/1", "DELETE")]
    {
        let preflight = app.request(Method::OPTIONS, place).header("origin", "https://a.example");
        let preflight = preflight.header("access-control-request-method", method);
        let answer = preflight
            .header("access-control-request-headers", "content-type")
            .answer()
            .await
            .is(204);
        assert_eq!(answer.header("access-control-allow-origin"), "https://a.example");
        assert!(answer.header("access-control-allow-methods").contains(method));
        let headers = answer.header("access-control-allow-headers").to_lowercase();
        let needed = ["content-type", "if-match", "idempotency-key"];
        assert!(needed.iter().all(|name| headers.contains(name)), "{headers}");
    }
}

#[tokio::test]
async fn a_star_lists_every_origin() {
    let app = App::with_variable("cors_origins", "*").await;
    let write = app
        .post("/todos")
        .header("origin", "https://any.example")
        .header("sec-fetch-site", "cross-site");
    let answer = write.json(&json!({ "title": "buy milk" })).answer().await.is(201);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
}

#[tokio::test]
async fn another_sites_form_does_not_work_in_a_browser() {
    let app = App::start().await;
    let action = app.url("/new_item");
    let site = Site::showing(&format!(
        "<form method=post action='{action}'><input name=title value=smuggled><button id=go>Win</button></form>"
    ))
    .await;
    let browser = Browser::open().await;
    browser.goto(&site.url()).await;
    browser.click("#go").await;
    browser.arrives_at("/new_item").await;
    assert!(app.list().await.is_empty());
}

/// A page that calls the API, and then says in its title what came of it.
fn calling(app: &App) -> String {
    let url = app.url("/todos");
    format!(
        "<script>
            fetch('{url}', {{ method: 'POST', headers: {{ 'content-type': 'application/json' }},
                              body: JSON.stringify({{ title: 'from another site' }}) }})
                .then(answer => answer.json())
                .then(todo => fetch(todo.url, {{ method: 'PATCH', headers: {{ 'content-type': 'application/json', 'if-match': '\"1\"' }},
                                                 body: '{{\"completed\":true}}' }}))
                .then(answer => document.title = 'etag ' + answer.headers.get('etag'), error => document.title = 'refused');
        </script>"
    )
}

async fn title_that_comes(browser: &Browser) -> String {
    until("the other site's script ends", async || {
        Some(browser.driver().title().await.unwrap())
            .filter(|title| title.starts_with("etag") || title == "refused")
    })
    .await
}

#[tokio::test]
async fn another_sites_script_is_kept_out_by_a_browser() {
    let app = App::start().await;
    let site = Site::showing(&calling(&app)).await;
    let browser = Browser::open().await;
    browser.goto(&site.url()).await;
    assert_eq!(title_that_comes(&browser).await, "refused");
    assert!(app.list().await.is_empty());
}

#[tokio::test]
async fn a_listed_sites_script_is_let_in_by_a_browser() {
    let app = App::with_variable("cors_origins", "*").await;
    let site = Site::showing(&calling(&app)).await;
    let browser = Browser::open().await;
    browser.goto(&site.url()).await;
    assert_eq!(title_that_comes(&browser).await, "etag \"2\"");
    assert_eq!(app.list().await[0]["completed"], true);
}

#[tokio::test]
async fn a_listed_sites_script_reads_what_the_host_itself_answers() {
    let app = App::with(|up| {
        up.variable("cors_origins", "https://a.example/").argument("--max-body=1KiB")
    })
    .await;
    let refused = async |origin: &str| {
        let large = json!({ "title": "x".repeat(2000) });
        app.post("/todos").header("origin", origin).json(&large).answer().await.is(413)
    };
    let read = refused("https://a.example").await;
    assert_eq!(read.header("access-control-allow-origin"), "https://a.example");
    assert_eq!(read.header("vary"), "origin");
    assert_eq!(read.header("cache-control"), "no-store");
    let hidden = refused("https://b.example").await;
    assert_eq!(hidden.maybe_header("access-control-allow-origin"), None);
}
