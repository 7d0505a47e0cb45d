//! How a client shows what it has seen: by the cookie or the header, and what of it is believed.

use super::{Replicated, position, source, titles};
use serde_json::json;
use tests::http::client;
use tests::{Answer, App, Ask};

#[tokio::test]
async fn a_client_without_cookies_shows_the_header() {
    let app = Replicated::start().await;
    let written = app.add(&client(), "first").await;
    app.pair.hold_replay().await;
    let later = app.add(&client(), "second").await;
    let list = app.list_at(&[position(&written)]).await;
    assert_eq!((source(&list), titles(&list)), ("replica", vec!["first".to_owned()]));
    let list = app.list_at(&[position(&later)]).await;
    assert_eq!((source(&list), titles(&list).len()), ("primary", 2));
}

#[tokio::test]
async fn of_writes_side_by_side_the_latest_counts_whichever_answer_came_last() {
    let app = Replicated::start().await;
    let first = app.add(&client(), "first").await;
    app.pair.hold_replay().await;
    let second = app.add(&client(), "second").await;
    let (first, second) = (position(&first), position(&second));
    for order in [[first, second], [second, first]] {
        let list = app.list_at(&order).await;
        assert_eq!((source(&list), titles(&list).len()), ("primary", 2));
        let cookies = order.map(|position| format!("position-{position}=1")).join("; ");
        let list = client().get(app.url("/todos")).header("cookie", cookies).answer().await.is(200);
        assert_eq!((source(&list), titles(&list).len()), ("primary", 2));
    }
}

#[tokio::test]
async fn a_write_that_began_earlier_and_ended_later_is_not_overlooked() {
    let app = Replicated::start().await;
    // An open transaction with a lower number than the next write.
    let open = app.pair.main.begin().await;
    open.batch_execute("INSERT INTO todoitem (task) VALUES ('slow')").await.unwrap();
    let quick = app.add(&client(), "quick").await;
    app.pair.hold_replay().await;
    open.batch_execute("COMMIT").await.unwrap();
    let list = app.list_at(&[position(&quick)]).await;
    assert_eq!((source(&list), titles(&list).len()), ("primary", 2));
}

#[tokio::test]
async fn a_position_that_was_never_given_leads_to_the_primary() {
    let app = Replicated::start().await;
    let written = app.add(&client(), "buy milk").await;
    app.pair.in_step().await;
    let known = position(&written);
    let greatest = u64::MAX.to_string();
    let padded = format!("0{known}");
    let forged = [
        "x",
        "0",
        "-1",
        "1.5",
        "+1",
        &padded,
        &greatest,
        "18446744073709551616",
        "1 OR 1=1",
        "'; DROP TABLE todoitem; --",
        "1);",
        "\u{a0}1",
        "",
    ];
    for forged in forged {
        let list = app.list_at(&[forged]).await;
        assert_eq!((source(&list), titles(&list).len()), ("primary", 1), "{forged}");
        let list = app.list_at(&[known, forged]).await;
        assert_eq!(source(&list), "primary", "{forged}");
        let name = forged.replace([';', '='], ""); // which end a cookie, or its name
        let cookies = format!("position-{name}=1; position-{known}=1");
        let read = client().get(app.url("/todos")).header("cookie", cookies);
        assert_eq!(source(&read.answer().await.is(200)), "primary", "{forged}");
    }
    assert_eq!(source(&app.list_at(&[known]).await), "replica");
    assert_eq!(app.pair.main.titles().await, ["buy milk"]);
}

#[tokio::test]
async fn the_cookie_is_short_lived_and_replaced_by_the_next() {
    let app = Replicated::start().await;
    let client = client();
    let cookies = |answer: &Answer| -> Vec<String> {
        let all = answer.headers.get_all("set-cookie").iter();
        all.map(|cookie| cookie.to_str().unwrap().to_owned()).collect()
    };
    let with = "Path=/; Max-Age=10; HttpOnly; SameSite=Lax";
    let first = app.add(&client, "first").await;
    assert_eq!(cookies(&first), [format!("position-{}=1; {with}", position(&first))]);
    let second = app.add(&client, "second").await;
    let gone = with.replace("10", "0");
    assert_eq!(
        cookies(&second),
        [
            format!("position-{}=1; {gone}", position(&first)),
            format!("position-{}=1; {with}", position(&second)),
        ]
    );
    let list = app.list(&client).await;
    assert!(
        list.maybe_header("set-cookie").is_none()
            && list.maybe_header("todoozle-position").is_none()
    );
}

#[tokio::test]
async fn without_replicas_there_are_no_positions() {
    let app = App::start().await;
    let written = app.post("/todos").json(&json!({ "title": "x" })).answer().await.is(201);
    let read = app.get("/todos").header("todoozle-position", "1").answer().await.is(200);
    for answer in [written, read] {
        for name in ["todoozle-position", "todoozle-source", "set-cookie"] {
            assert_eq!(answer.maybe_header(name), None);
        }
    }
}
