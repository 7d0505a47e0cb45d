//! Requests that two readers could take for two different things. Each is
//! refused, once, and nothing behind it is read as another request.

use tests::raw::{exchange, hang_up_after};
use tests::{Ask, Guarded};

const REFUSED: &[u16] = &[400];

/// A request that would add a todo, if it were ever taken for one.
const SMUGGLED: &str = "POST /todos HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 20\r\nConnection: close\r\n\r\n{\"title\":\"smuggled\"}";

/// A POST with these headers and this body, and then the smuggled one.
fn post(headers: &str, body: &str) -> String {
    format!(
        "POST /todos HTTP/1.1\r\nHost: {{host}}\r\nContent-Type: application/json\r\n{headers}\r\n\r\n{body}{SMUGGLED}"
    )
}

/// A GET with these headers, and then the smuggled request.
fn get(headers: &str) -> String {
    format!("GET /todos HTTP/1.1\r\nHost: {{host}}\r\n{headers}\r\n\r\n{SMUGGLED}")
}

#[tokio::test]
async fn the_smuggled_request_would_work_by_itself() {
    let app = Guarded::start().await;
    let answers = exchange(&app, SMUGGLED).await;
    assert_eq!(answers[0].status, 201);
    assert_eq!(app.titles().await, ["first", "second", "smuggled"]);
}

#[tokio::test]
async fn two_requests_on_one_connection_are_answered_in_order() {
    let app = Guarded::start().await;
    let both = format!("GET /todos?limit=1 HTTP/1.1\r\nHost: {{host}}\r\n\r\n{SMUGGLED}");
    let statuses: Vec<_> = exchange(&app, both).await.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 201]);
}

#[tokio::test]
async fn two_lengths_that_differ_are_refused() {
    let app = Guarded::start().await;
    for headers in [
        "Content-Length: 0\r\nContent-Length: 20",
        "Content-Length: 20\r\nContent-Length: 0",
        "Content-Length: 0, 20",
        "Content-Length: 0\r\ncontent-length: 20",
    ] {
        app.refuses(post(headers, ""), REFUSED).await;
    }
}

#[tokio::test]
async fn a_length_that_is_no_number_is_refused() {
    let app = Guarded::start().await;
    for length in
        ["-1", "+0", "0x0", "1e1", "0 0", "99999999999999999999", "", "\"0\"", "zero", "0;"]
    {
        app.refuses(post(&format!("Content-Length: {length}"), ""), REFUSED).await;
    }
}

#[tokio::test]
async fn a_length_beside_chunks_is_refused() {
    let app = Guarded::start().await;
    for headers in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Transfer-Encoding: chunked\r\nContent-Length: 0",
    ] {
        app.refuses(post(headers, "0\r\n\r\n"), REFUSED).await;
    }
}

#[tokio::test]
async fn a_transfer_encoding_that_does_not_end_in_chunks_is_refused() {
    let app = Guarded::start().await;
    let codings = [
        "identity",
        "xchunked",
        "chunked, identity",
        "gzip",
        "chunked\r\nTransfer-Encoding: identity",
        "chunked\r\nTransfer-Encoding: chunked",
        "chunked, chunked",
        "gzip\r\nTransfer-Encoding: chunked",
        "\u{b}chunked",
        "\"chunked\"",
    ];
    for coding in codings {
        app.refuses(post(&format!("Transfer-Encoding: {coding}"), "0\r\n\r\n"), &[400, 501]).await;
    }
}

#[tokio::test]
async fn chunks_that_are_none_are_refused() {
    let app = Guarded::start().await;
    for chunks in [
        "x\r\n",
        "-1\r\n",
        "0x14\r\n",
        "10000000000000000000\r\n",
        "5\nabcde\n0\n\n",
        "5\r\nabcdefgh\r\n0\r\n\r\n",
        "\r\n0\r\n\r\n",
    ] {
        app.refuses(post("Transfer-Encoding: chunked", chunks), REFUSED).await;
    }
}

#[tokio::test]
async fn a_header_folded_over_two_lines_is_refused() {
    let app = Guarded::start().await;
    for headers in
        ["X-Folded: a\r\n b", "X-Folded: a\r\n\tb", " X-First: a", "Transfer-Encoding:\r\n chunked"]
    {
        app.refuses(get(headers), REFUSED).await;
    }
}

#[tokio::test]
async fn a_bare_carriage_return_is_refused() {
    let app = Guarded::start().await;
    for headers in ["X-Bare: a\rb", "X-Bare: a\rContent-Length: 20", "X-Bare\r: a", "\rX-Bare: a"] {
        app.refuses(get(headers), REFUSED).await;
    }
}

#[tokio::test]
async fn a_bare_line_feed_does_not_begin_a_second_request() {
    let app = Guarded::start().await;
    let request = "GET /todos HTTP/1.1\nHost: {host}\nConnection: close\n\n".to_owned() + SMUGGLED;
    let answers = exchange(&app, request).await;
    assert_eq!(answers.len(), 1, "{answers:#?}");
    app.is_unchanged().await;
}

#[tokio::test]
async fn a_line_feed_inside_a_value_does_not_hide_a_length() {
    let app = Guarded::start().await;
    // To who ends lines at a bare LF this is a POST with a length; to who does
    // not, one without, and the smuggled request would stand behind it.
    app.refuses(post("X-Bare: a\nContent-Length: 900\r\nContent-Length: 0", ""), REFUSED).await;
}

#[tokio::test]
async fn a_nul_is_refused() {
    let app = Guarded::start().await;
    app.refuses(get("X-Nul: a\0b"), REFUSED).await;
    app.refuses(get("X-\0Nul: a"), REFUSED).await;
    app.refuses(format!("GET /\0 HTTP/1.1\r\nHost: {{host}}\r\n\r\n{SMUGGLED}"), REFUSED).await;
    app.refuses(format!("\0{}", get("X: y")), REFUSED).await;
}

#[tokio::test]
async fn a_header_name_that_is_none_is_refused() {
    let app = Guarded::start().await;
    for headers in [
        "Transfer-Encoding : chunked",
        "Content Length: 20",
        ": a",
        "no colon",
        "X[]: a",
        "Ünicode: a",
    ] {
        app.refuses(get(headers), REFUSED).await;
    }
}

#[tokio::test]
async fn a_missing_or_a_second_host_is_refused() {
    let app = Guarded::start().await;
    app.refuses("GET /todos HTTP/1.1\r\nConnection: close\r\n\r\n", REFUSED).await;
    app.refuses(get("Connection: close\r\nHost: evil.example"), REFUSED).await;
    for host in [
        "a b", "<script>", "\"", "a/b", "a@b", "é", "h:abc", "h:-1", "h:99999", "[zz]", "[::1]x",
        ":80",
    ] {
        app.refuses(
            format!("GET /todos HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n{SMUGGLED}"),
            REFUSED,
        )
        .await;
    }
}

#[tokio::test]
async fn a_request_line_that_is_none_is_refused() {
    let app = Guarded::start().await;
    for line in [
        "GET /todos",
        "GET  /todos HTTP/1.1",
        "GET /todos HTTP/1.1 x",
        "GET /to dos HTTP/1.1",
        "GET /todos HTTP/9.9",
        "GET /todos http/1.1",
        "GET todos HTTP/1.1",
        "/todos",
        "G\u{7f}T /todos HTTP/1.1",
        "PRI * HTTP/2.0",
    ] {
        app.refuses(
            format!("{line}\r\nHost: {{host}}\r\nConnection: close\r\n\r\n{SMUGGLED}"),
            &[400, 505],
        )
        .await;
    }
}

#[tokio::test]
async fn bytes_beyond_ascii_in_the_address_are_no_todo() {
    let app = Guarded::start().await;
    let request = [
        b"GET /todos/\xff\xfe HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".as_slice(),
        SMUGGLED.as_bytes(),
    ];
    app.refuses(request.concat(), &[400, 404]).await;
}

#[tokio::test]
async fn huge_headers_are_refused() {
    let app = Guarded::start().await;
    let close = "Connection: close";
    app.refuses(get(&format!("{close}\r\nX-Long: {}", "x".repeat(1_000_000))), &[431, 400]).await;
    let many = (0..5000).map(|number| format!("\r\nX-{number}: x")).collect::<Vec<_>>().concat();
    app.refuses(get(&format!("{close}{many}")), &[431, 400]).await;
    app.refuses(
        format!(
            "GET /{} HTTP/1.1\r\nHost: {{host}}\r\n{close}\r\n\r\n{SMUGGLED}",
            "x".repeat(1_000_000)
        ),
        &[414, 431, 400],
    )
    .await;
}

#[tokio::test]
async fn methods_for_proxies_are_refused() {
    let app = Guarded::start().await;
    // `OPTIONS *` asks about the server, which is answered; what comes behind it is not looked at.
    for (line, statuses) in [
        ("CONNECT evil.example:80", &[400, 404, 405, 501][..]),
        ("CONNECT {host}", &[400, 404, 405, 501]),
        ("OPTIONS *", &[204]),
        ("TRACE /todos", &[400, 404, 405, 501]),
    ] {
        let request =
            format!("{line} HTTP/1.1\r\nHost: {{host}}\r\nConnection: close\r\n\r\n{SMUGGLED}");
        app.refuses(request, statuses).await;
    }
}

#[tokio::test]
async fn a_body_that_ends_early_adds_nothing() {
    let app = Guarded::start().await;
    for part in [
        "POST /todos HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n{\"title\":\"smuggled\"}",
        "POST /todos HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n{\"title\":\"smuggled\"}\r\n",
        "POST /todos HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n",
        "POST /todos HTTP/1.1\r\nHost",
        "P",
    ] {
        hang_up_after(&app, part).await;
        app.is_unchanged().await;
    }
}

#[tokio::test]
async fn the_app_goes_on_after_all_that() {
    let app = Guarded::start().await;
    for _ in 0..50 {
        app.refuses(post("Content-Length: 0\r\nContent-Length: 20", ""), REFUSED).await;
        hang_up_after(&app, "POST /todos HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\n")
            .await;
    }
    app.get("/").answer().await.is(200);
}
