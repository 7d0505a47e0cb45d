//! Input that is wrong gets a clear answer, and changes nothing.

use bytes::Bytes;
use serde_json::{Value, json};
use tests::{Answer, Ask, Guarded};

mod on_pages;

/// Titles that the table cannot or must not take.
fn bad_titles() -> Vec<String> {
    let mut titles: Vec<String> = ["", " ", "\t\n", "\u{3000}\u{a0}"].map(str::to_owned).into();
    titles.extend([256, 257, 1000].map(|length| format!("{}x", "👍".repeat(length))));
    let controls = ['\0', '\u{1}', '\n', '\r', '\t', '\u{1b}', '\u{7f}', '\u{85}', '\u{9f}'];
    titles.extend(controls.map(|control| format!("a{control}b")));
    titles
}

/// Sends a body as JSON, whatever it is.
async fn post_json(app: &Guarded, body: impl Into<reqwest::Body>) -> Answer {
    app.post("/todos").header("content-type", "application/json").body(body).answer().await
}

async fn patch_json(app: &Guarded, body: impl Into<reqwest::Body>) -> Answer {
    let request = app.patch(app.place(app.todo())).header("content-type", "application/json");
    request.body(body).answer().await
}

/// Sends bytes as a form.
async fn submit(app: &Guarded, place: &str, body: impl Into<reqwest::Body>) -> Answer {
    app.post(place)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .answer()
        .await
}

#[tokio::test]
async fn a_bad_title_is_refused_by_the_api() {
    let app = Guarded::start().await;
    for title in bad_titles() {
        let body = json!({ "title": title }).to_string();
        app.refused(post_json(&app, body.clone()).await, 422).await;
        app.refused(patch_json(&app, body).await, 422).await;
    }
}

#[tokio::test]
async fn a_refused_title_is_explained() {
    let app = Guarded::start().await;
    for (title, words) in [("", "empty"), (&"x".repeat(257), "256"), ("a\u{7}b", "U+0007")] {
        let problem = post_json(&app, json!({ "title": title }).to_string()).await.is_problem(422);
        assert!(problem.json()["detail"].as_str().unwrap().contains(words), "{}", problem.text());
    }
}

#[tokio::test]
async fn json_of_the_wrong_shape_is_refused() {
    let app = Guarded::start().await;
    for body in [
        json!({ "title": 5 }),
        json!({ "title": null }),
        json!({ "title": ["x"] }),
        json!({ "title": "x", "completed": "yes" }),
        json!({ "title": "x", "completed": 1 }),
        json!({ "title": "x", "order": 1.5 }),
        json!({ "title": "x", "order": "1" }),
        json!({ "title": "x", "order": 2_147_483_648_i64 }),
        json!({ "title": "x", "order": -2_147_483_649_i64 }),
        json!({ "title": "x", "order": 1e300 }),
        json!({}),
        json!([]),
        json!("x"),
        Value::Null,
    ] {
        app.refused(post_json(&app, body.to_string()).await, 422).await;
    }
    for body in
        [json!({ "title": 5 }), json!({ "completed": "yes" }), json!({ "order": 1.5 }), json!([1])]
    {
        app.refused(patch_json(&app, body.to_string()).await, 422).await;
    }
}

#[tokio::test]
async fn a_title_that_nobody_can_see_is_empty() {
    let app = Guarded::start().await;
    for title in ["\u{200b}", "\u{2800}\u{3164}\u{feff}", " \u{ad}\u{2060} "] {
        let body = json!({ "title": title }).to_string();
        let refused = post_json(&app, body).await;
        assert!(refused.text().contains("title-empty"), "{title:?}");
        app.refused(refused, 422).await;
    }
}

#[tokio::test]
async fn null_is_no_value_of_any_field() {
    let app = Guarded::start().await;
    for field in ["title", "completed", "order"] {
        let mut body = json!({ "title": "x" });
        body[field] = Value::Null;
        let body = body.to_string();
        app.refused(post_json(&app, body.clone()).await, 422).await;
        app.refused(patch_json(&app, body).await, 422).await;
    }
}

#[tokio::test]
async fn no_refusal_speaks_rust() {
    let app = Guarded::start().await;
    for body in [
        r#"{"title":"x","order":1.5}"#,
        r#"{"title":"x","order":99999999999}"#,
        r#"{"title":"x","order":"7"}"#,
        r#"{"title":7}"#,
        r#"{"title":["a"]}"#,
        r#"{"title":{}}"#,
        r#"{"title":"x","steps":null}"#,
        r#"{"title":"x","steps":{}}"#,
        r#"{"title":"x","steps":[["flour",true]]}"#,
        r#"{"title":"x","steps":["flour"]}"#,
        r#"{"title":"x","order":1e30}"#,
        r#"{"title":"x","order":1e400}"#,
        r#"{"title":-1e999}"#,
        r#"{"title":"x","completed":"yes"}"#,
        r#"["x"]"#,
        r#""x""#,
        "7",
        "{}",
    ] {
        let refused = post_json(&app, body).await;
        for word in [
            "i32", "struct", "Post", "u64", "bool,", "unit", "tuple", "sequence", "map", "floating",
        ] {
            assert!(!refused.text().contains(word), "{body}: {}", refused.text());
        }
        app.refused(refused, 422).await;
    }
    let empty = post_json(&app, "").await;
    assert!(!empty.text().contains("EOF"), "{}", empty.text());
    let list = app.post("/lists").json(&json!("x")).answer().await.is_problem(422);
    assert!(!list.text().contains("struct"), "{}", list.text());
}

#[tokio::test]
async fn a_compressed_body_is_refused_as_such() {
    let app = Guarded::start().await;
    for coding in ["gzip", "br", "deflate"] {
        let request = app.post("/todos").header("content-type", "application/json");
        let answer = request.header("content-encoding", coding).body("x").answer().await;
        assert_eq!(answer.header("accept-encoding"), "identity");
        app.refused(answer, 415).await;
    }
}

#[tokio::test]
async fn broken_json_is_refused() {
    let app = Guarded::start().await;
    let invalid_utf8: [&[u8]; 3] =
        [b"{\"title\":\"\xff\"}", b"{\"title\":\"\xc3\x28\"}", b"{\"title\":\"\xed\xa0\x80\"}"];
    let broken: [&[u8]; 9] = [
        b"",
        b"{",
        b"{\"title\":\"x\"",
        b"{\"title\":\"x\"}}",
        b"{\"title\":\"x\",}",
        b"{'title':'x'}",
        b"title=x",
        b"{\"title\":\"a\nb\"}",
        b"{\"title\":\"\\ud800\"}",
    ];
    for body in broken.into_iter().chain(invalid_utf8) {
        app.refused(post_json(&app, body).await, 400).await;
        app.refused(patch_json(&app, body).await, 400).await;
    }
}

#[tokio::test]
async fn json_of_another_encoding_is_told_so() {
    let app = Guarded::start().await;
    let text = "{\"title\":\"Grüße\"}";
    let wide = |mark: &str, bytes: fn(u16) -> [u8; 2]| {
        format!("{mark}{text}").encode_utf16().flat_map(bytes).collect::<Vec<u8>>()
    };
    for body in [
        wide("", u16::to_le_bytes),
        wide("", u16::to_be_bytes),
        wide("\u{feff}", u16::to_le_bytes),
        b"{\"title\":\"Gr\xfc\xdfe\"}".to_vec(),
    ] {
        let refused = post_json(&app, body).await;
        assert!(refused.text().contains("Send it as UTF-8"), "{}", refused.text());
        app.refused(refused, 400).await;
    }
}

#[tokio::test]
async fn very_deep_json_is_refused() {
    let app = Guarded::start().await;
    let depth = 20_000;
    for body in [
        "[".repeat(depth),
        ["[".repeat(depth), "]".repeat(depth)].concat(),
        format!("{{\"title\":{}{}}}", "[".repeat(depth), "]".repeat(depth)),
        format!("{{\"title\":\"x\",\"more\":{}", "[".repeat(depth)),
        "{\"a\":".repeat(depth / 2),
    ] {
        let answer = post_json(&app, body).await;
        assert!([400, 422].contains(&answer.status), "{answer:?}");
        app.is_unchanged().await;
    }
}

#[tokio::test]
async fn a_wrong_content_type_is_refused() {
    let app = Guarded::start().await;
    let body = r#"{"title":"x"}"#;
    let types = [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "json",
        "",
    ];
    for content_type in types {
        let answer =
            app.post("/todos").header("content-type", content_type).body(body).answer().await;
        app.refused(answer, 415).await;
        let request = app.patch(app.place(app.todo())).header("content-type", content_type);
        app.refused(request.body(body).answer().await, 415).await;
    }
    app.post("/new_item").json(&json!({ "title": "x" })).answer().await.is(415);
    app.is_unchanged().await;
}

#[tokio::test]
async fn a_body_of_ten_megabytes_is_refused() {
    let app = Guarded::start().await;
    let title = "x".repeat(10_000_000);
    app.refused(post_json(&app, format!("{{\"title\":\"{title}\"}}")).await, 413).await;
    app.refused(patch_json(&app, format!("{{\"title\":\"{title}\"}}")).await, 413).await;
    submit(&app, "/new_item", format!("title={title}")).await.is(413);
    app.is_unchanged().await;
}

#[tokio::test]
async fn a_body_of_ten_megabytes_that_does_not_say_so_is_refused() {
    let app = Guarded::start().await;
    let chunks = (0..1000).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 10_000])));
    let body = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
    app.refused(post_json(&app, body).await, 413).await;
}

#[tokio::test]
async fn a_body_just_over_the_limit_is_refused_and_one_just_under_it_is_read() {
    let app = Guarded::start().await;
    let spaces = |length: usize| format!("{{\"title\":\"\"{}}}", " ".repeat(length - 12));
    app.refused(post_json(&app, spaces(256 * 1024)).await, 422).await;
    app.refused(post_json(&app, spaces(256 * 1024 + 1)).await, 413).await;
}

/// Each character in the longest of its spellings.
#[tokio::test]
async fn a_todo_with_all_that_it_may_have_fits_into_a_body() {
    let app = Guarded::start().await;
    let title = "😀".repeat(256);
    let notes = "😀".repeat(4000);
    let steps = vec![json!({ "title": title, "completed": true }); 50];
    let todo = json!({ "title": title, "due": "2026-12-31", "notes": notes, "steps": steps });
    let kept = |answer: &Answer| {
        let read = answer.json();
        ["title", "due", "notes", "steps"].iter().all(|name| read[*name] == todo[*name])
    };
    let escaped = todo.to_string().replace('😀', r"\ud83d\ude00");
    let added = post_json(&app, escaped.clone()).await.is(201);
    assert!(kept(&added));
    assert!(kept(&patch_json(&app, escaped).await.is(200)));

    let step = format!("%5Bx%5D%20{title}%0D%0A");
    let place = "%F0%9F%98%80".repeat(256);
    let form = format!(
        "filter=active&q={place}&title={title}&due=2026-12-31&notes={notes}&steps={}",
        step.repeat(50)
    );
    let form = form.replace('😀', "%F0%9F%98%80");
    submit(&app, "/new_item", form.clone()).await.is(303);
    let made = app.get("/todos").answer().await.is(200);
    let id = made.json().as_array().unwrap().last().unwrap()["id"].clone();
    assert!(kept(&app.get(&format!("/todos/{id}")).answer().await.is(200)));
    let form = format!("version=1&base=0.0.0.0&{form}");
    submit(&app, &format!("/items/{id}/edit"), form).await.is(303);
    let edited = app.get(&format!("/todos/{id}")).answer().await.is(200);
    assert!(kept(&edited) && edited.json()["version"] == 2);
}

#[tokio::test]
async fn unknown_ids_and_ids_out_of_range_are_not_found() {
    let app = Guarded::start().await;
    let long = "9".repeat(5000);
    let ids = [
        "999",
        "0",
        "-1",
        "9223372036854775807",
        "9223372036854775808",
        "1.0",
        "1e0",
        "0x1",
        "abc",
        "%ff",
        "%00",
        "1%20",
        "+1",
        "01",
        "١",
        "1/",
        "1/x",
        "",
        "..",
        &long,
    ];
    for id in ids {
        let place = format!("/todos/{id}");
        if id == ".." {
            continue; // clients resolve it before they send it
        }
        app.refused(app.get(&place).answer().await, 404).await;
        let change = app.patch(&place).json(&json!({ "title": "x" }));
        app.refused(change.answer().await, 404).await;
        app.refused(app.delete(&place).answer().await, 404).await;
        for form in ["toggle", "edit", "destroy"] {
            let fields =
                [("version", "1"), ("completed", "true"), ("title", "x"), ("filter", "all")];
            let answer = app.submit(&format!("/items/{id}/{form}"), &fields).await;
            assert!([303, 404].contains(&answer.status), "{id}/{form}: {}", answer.status);
            app.is_unchanged().await;
        }
    }
}
