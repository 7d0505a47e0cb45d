//! Steps of a todo: by the API, on the edit page, and ticked in the list.

use serde_json::{Value, json};
use tests::{App, Ask, Page};

fn step(title: &str, completed: bool) -> Value {
    json!({ "title": title, "completed": completed })
}

/// A list with one todo of two steps.
async fn cake() -> App {
    let app = App::start().await;
    app.create(json!({ "title": "cake", "steps": [step("flour", false), step("eggs", true)] }))
        .await;
    app
}

async fn steps(app: &App) -> Value {
    app.list().await[0]["steps"].clone()
}

#[tokio::test]
async fn they_are_set_kept_and_come_back_with_their_todo() {
    let app = App::start().await;
    let plain = app.add("a").await;
    assert_eq!(plain["steps"], json!([]));
    let given = json!([{ "title": " x " }, step("y", true)]);
    let todo = app.change(&plain, json!({ "steps": given })).await;
    let kept = json!([step("x", false), step("y", true)]);
    assert_eq!(todo["steps"], kept);
    let renamed = app.change(&todo, json!({ "title": "b" })).await;
    assert_eq!(renamed["steps"], kept);
    app.remove(&renamed).await;
    let restore = format!("{}/restore", app.place(&todo));
    assert_eq!(app.post(&restore).answer().await.is(200).json()["steps"], kept);
    assert_eq!(app.change(&todo, json!({ "steps": [] })).await["steps"], json!([]));
}

#[tokio::test]
async fn what_is_none_is_refused_and_named() {
    let app = App::with_todos(&["a"]).await;
    let place = app.place(&app.list().await[0]).to_owned();
    for (wrong, kind) in [
        (Value::Null, "wrong-shape"),
        (json!("x"), "wrong-shape"),
        (json!(["x"]), "wrong-shape"),
        (json!([{ "completed": true }]), "wrong-shape"),
        (json!([{ "title": "x", "completed": null }]), "wrong-shape"),
        (json!([step(" ", false)]), "step-title"),
        (json!([step("a", false), step("\u{0}", false)]), "step-title"),
        (json!(vec![step("x", false); 51]), "steps-too-many"),
    ] {
        let wrong = json!({ "steps": wrong });
        let problem = app.patch(&place).json(&wrong).answer().await.is_problem(422).json();
        assert_eq!(problem["type"], format!("urn:todoozle:problem:{kind}"), "{wrong}");
    }
    let longest = json!({
        "title": "🎄".repeat(256),
        "notes": "🎄".repeat(4000),
        "steps": vec![step(&"🎄".repeat(256), true); 50],
    });
    let escaped = longest.to_string().replace('🎄', "\\ud83c\\udf84");
    let answer = app.post("/todos").body(escaped).answer().await.is(201);
    assert_eq!(answer.json()["steps"], longest["steps"]);
}

#[tokio::test]
async fn the_same_key_with_other_steps_is_another_request() {
    let app = App::start().await;
    let post = async |steps: Value| {
        let todo = json!({ "title": "a", "steps": steps });
        app.post("/todos").header("idempotency-key", "k").json(&todo).answer().await
    };
    post(json!([step("x", false)])).await.is(201);
    post(json!([step("x", false)])).await.is(200);
    post(json!([step("y", false)])).await.is_problem(422);
}

#[tokio::test]
async fn the_edit_page_takes_one_a_line_and_the_list_ticks_them_without_javascript() {
    let app = App::with_todos(&["cake"]).await;
    let page = Page::without_javascript(&app).await;
    page.click(".edit-link").await;
    page.find("#steps").await.send_keys("flour\n\n[x] eggs\n").await.unwrap();
    page.click(".edit-form .primary").await;
    page.says("Saved").await;
    assert_eq!(steps(&app).await, json!([step("flour", false), step("eggs", true)]));
    page.click(".step").await;
    page.comes_to("document.querySelector('.step').getAttribute('aria-checked') === 'true'").await;
    page.click(".step:nth-child(2)").await;
    page.comes_to("document.querySelectorAll('.step')[1].getAttribute('aria-checked') === 'false'")
        .await;
    assert_eq!(steps(&app).await, json!([step("flour", true), step("eggs", false)]));
    assert_eq!(app.list().await[0]["completed"], false);
    page.edit().await;
    let text = page.run("return document.querySelector('#steps').value").await;
    assert_eq!(text, "[x] flour\neggs");
}

#[tokio::test]
async fn a_refused_step_stays_beside_those_that_are_there() {
    let app = cake().await;
    let page = Page::without_javascript(&app).await;
    page.edit().await;
    let many = (1..=51).map(|n| n.to_string()).collect::<Vec<_>>().join("\n");
    page.run(&format!("document.querySelector('#steps').value = {}", json!(many))).await;
    page.click(".edit-form .primary").await;
    page.says("There are 51 steps. Leave 50 or fewer.").await;
    assert_eq!(page.run("return document.querySelector('#steps').value").await, many);
    assert!(page.find(".edit-form .current").await.text().await.unwrap().contains("[x] eggs"));
}

#[tokio::test]
async fn a_step_is_ticked_in_its_place_by_its_title_alone() {
    let app = cake().await;
    let tick = async |number: Value, title: &str| {
        let tick = json!({ "number": number, "title": title, "completed": true });
        app.post("/todos/1/step").json(&tick).answer().await
    };
    let ticked = tick(json!(0), "flour").await.is(200);
    assert_eq!(ticked.json()["steps"], json!([step("flour", true), step("eggs", true)]));
    assert_eq!(ticked.header("etag"), "\"2\"");
    for (number, title) in [(1, "flour"), (2, "flour"), (0, "Flour"), (255, "eggs")] {
        tick(json!(number), title).await.is_problem(412);
    }
    for number in [json!(-1), json!(256), json!(0.5), json!("0"), Value::Null] {
        tick(number, "flour").await.is_problem(422);
    }
    tick(json!(0), "flour\u{0}").await.is_problem(422);
    app.post("/todos/7/step")
        .json(&json!({ "number": 0, "title": "flour", "completed": true }))
        .answer()
        .await
        .is_problem(404);
    // Another step that came in between is not lost, and the form hits the one that it shows.
    let more = json!([step("sugar", false), step("flour", true), step("eggs", true)]);
    app.change(&app.list().await[0], json!({ "steps": more })).await;
    for (step, says) in
        [("0.true.flour", "conflict"), ("9.true.flour", "conflict"), ("1.false.flour", "done")]
    {
        let answer =
            app.submit("/items/1/toggle", &[("step", step), ("version", "1")]).await.is(303);
        assert!(answer.header("set-cookie").starts_with(&format!("flash={says};")), "{step}");
    }
    assert_eq!(steps(&app).await[1], step("flour", false));
    for wrong in ["x.true.a", "0.yes.a", "0.true", "-1.true.flour", "0.true.flour\0"] {
        app.submit("/items/1/toggle", &[("step", wrong), ("version", "1")]).await.is(400);
    }
}

#[tokio::test]
async fn what_others_do_to_steps_stays_when_one_is_ticked_behind_another_write() {
    let app = cake().await;
    let page = Page::open(&app).await;
    let more = json!([step("flour", false), step("eggs", true), step("sugar", false)]);
    app.change(&app.list().await[0], json!({ "steps": more })).await;
    page.run("document.querySelector('.toggle').click(); document.querySelector('.step').click()")
        .await;
    let kept = json!([step("flour", true), step("eggs", true), step("sugar", false)]);
    tests::until("the step is saved", async || (steps(&app).await == kept).then_some(())).await;
    page.comes_to("document.querySelectorAll('.step').length === 3").await;
}

#[tokio::test]
async fn steps_are_ticked_one_after_another_and_the_keyboard_stays_where_it_is() {
    let app = cake().await;
    let page = Page::open(&app).await;
    page.run("window.second = document.querySelectorAll('.step')[1]; second.focus()").await;
    page.run("for (const step of document.querySelectorAll('.step')) step.click()").await;
    tests::until("both are saved", async || {
        let saved = steps(&app).await == json!([step("flour", true), step("eggs", false)]);
        saved.then_some(())
    })
    .await;
    // Somebody else's change is shown, and the focus is on the step that it was on.
    app.change(&app.list().await[0], json!({ "title": "pie" })).await;
    page.shows(["pie"]).await;
    assert_eq!(page.run("return document.activeElement === second").await, true, "painted anew");
    app.change(&app.list().await[0], json!({ "notes": "warm" })).await;
    page.comes_to("document.querySelector('.notes')").await;
    page.comes_to("document.activeElement === document.querySelectorAll('.step')[1]").await;
    assert!(page.look().await.says_nothing());
}

#[tokio::test]
async fn the_keyboard_goes_on_from_a_step_to_a_todo_that_has_none() {
    let app = cake().await;
    app.add("plain").await;
    let page = Page::open(&app).await;
    page.run("document.querySelector('.step').focus()").await;
    page.press("#").await;
    page.shows(["plain"]).await;
    app.has_saved(&["plain"]).await;
    page.comes_to("document.activeElement.matches('.toggle')").await;
}

#[tokio::test]
async fn a_step_that_is_refused_is_shown_as_it_is() {
    let app = cake().await;
    let page = Page::open(&app).await;
    page.run(
        "window.fetch = (fetch => (url, options) => fetch(url, { ...options, body: options?.body?.replace('flour', 'none') }))(window.fetch)",
    )
    .await;
    page.click(".step").await;
    page.says("changed somewhere else").await;
    page.comes_to("document.querySelector('.step').ariaChecked === 'false'").await;
    assert_eq!(steps(&app).await, json!([step("flour", false), step("eggs", true)]));
}
