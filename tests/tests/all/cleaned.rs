//! Connections that have to be cleaned between two borrowers, which costs each request a round trip.

use serde_json::{Value, json};
use tests::host::Up;
use tests::{App, Ask as _, Database, Host};

const CLEANED: &str = "runtime_host_database_connections_cleaned_total{database=\"0\"}";

async fn cleaned(host: &Host) -> u64 {
    host.metric(CLEANED).await
}

#[tokio::test]
async fn what_may_leave_something_is_cleaned_and_counted() {
    let database = Database::new().await;
    let one = &["--database-connections=1"];
    let host = Up::misbehaving(database.url().as_str(), one).start().await;
    host.run_sql(4, r"SELECT '\d' || E'\''").await.is(200);
    host.run_sql(4, "SELECT 'x'").await.is(200);
    assert_eq!(cleaned(&host).await, 0);
    host.run_sql(4, "SELECT set_config('a.b', 'c', false)").await.is(200);
    host.run_sql(4, "SELECT 'x'").await.is(200);
    assert_eq!(cleaned(&host).await, 1);
}

/// Whoever writes a statement with a function that `spin-postgres` does not know finds out here. A
/// search is left out: it calls functions of the database's own, which may do anything.
#[tokio::test]
async fn no_statement_of_the_app_has_its_connection_cleaned() {
    // Whoever comes next finds the connection of the one before, and has it cleaned.
    let app = App::with(|up| up.with_admin().argument("--database-connections=1")).await;
    app.create(json!({ "title": "one", "steps": [{ "title": "a" }], "due": "2026-12-31" })).await;
    app.add("two").await;
    let list = app.post("/lists").json(&json!({ "name": "own" })).answer().await.is(201).json();
    for base in ["/todos", list["todos_url"].as_str().unwrap()] {
        of_todos(&app, base).await;
    }
    of_pages(&app, "").await;
    let list = list["url"].as_str().unwrap();
    of_pages(&app, list).await;
    let rekey = app.post(&format!("{list}/rekey")).header("accept", "application/json");
    let list = rekey.answer().await.is(200).json();
    let list = list["url"].as_str().unwrap();
    app.patch(list).json(&json!({ "name": "other" })).answer().await.is(200);
    app.delete(list).answer().await.is(204);
    assert_eq!(cleaned(&app.host).await, 0);
}

async fn of_todos(app: &App, base: &str) {
    let post = async |place: &str, body: Value| {
        app.post(&format!("{base}{place}")).json(&body).answer().await
    };
    let key = app.post(base).header("idempotency-key", "k").json(&json!({ "title": "keyed" }));
    let todo = key.answer().await.is(201).json();
    let (id, place) = (&todo["id"], app.place(&todo));
    let change = json!({ "completed": true, "notes": "n", "steps": [{ "title": "s" }] });
    app.patch(place).json(&change).answer().await.is(200);
    post(&format!("/{id}/step"), json!({ "number": 0, "title": "s", "completed": true }))
        .await
        .is(200);
    let other = post("", json!({ "title": "other" })).await.is(201).json();
    post(&format!("/{id}/move"), json!({ "behind": other["id"] })).await.is(200);
    app.delete(place).answer().await.is(204);
    post(&format!("/{id}/restore"), json!({})).await.is(200);
    post("/import", json!([{ "title": "imported" }])).await.is(200);
    for read in ["", "?due=after:2026-01-01", "?completed=true&limit=1", "/export"] {
        app.get(&format!("{base}{read}")).answer().await.is(200);
    }
    app.get(place).answer().await.is(200);
}

async fn of_pages(app: &App, base: &str) {
    let submit = async |place: &str, fields: &[(&str, &str)]| {
        let answer = app.submit(&format!("{base}{place}"), fields).await;
        assert_eq!(answer.status, 303, "{place} {fields:?}");
    };
    submit("/new_item", &[("title", "by a form")]).await;
    submit("/toggle-all", &[("completed", "true")]).await;
    let first = async || {
        let todos = format!("{base}/todos");
        let todo = app.get(&todos).answer().await.is(200).json()[0].clone();
        (todo["id"].to_string(), todo["version"].to_string())
    };
    for (form, field) in [
        ("toggle", ("completed", "false")),
        ("move", ("to", "down")),
        ("edit", ("title", "edited")),
    ] {
        let (id, version) = first().await;
        submit(&format!("/items/{id}/{form}"), &[("version", &version), field]).await;
    }
    let (id, version) = first().await;
    submit("/undo", &[("undo", &format!("{id}-{version}"))]).await;
    let (id, version) = first().await;
    submit(&format!("/items/{id}/destroy"), &[("version", &version)]).await;
    submit("/clear-completed", &[]).await;
    for page in ["/", "/?filter=completed", "/import"] {
        app.get(&format!("{base}{page}")).answer().await.is(200);
    }
}
