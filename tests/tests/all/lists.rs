//! Lists of one's own: each has an address that is its key, and is closed to every other.

mod keys;
mod pages;

use reqwest::Method;
use serde_json::{Value, json};
use tests::host::Up;
use tests::{Answer, App, Ask, Database, Project};

async fn sent(app: &App, method: &Method, url: &str, body: Option<&Value>) -> Answer {
    let request = app.request(method.clone(), url);
    let request = if let Some(body) = body { request.json(body) } else { request };
    request.answer().await
}

/// A list that was made by the API.
struct Own<'a> {
    app: &'a App,
    /// Name, colour and addresses, as the API gave them.
    list: Value,
}

impl<'a> Own<'a> {
    async fn new(app: &'a App, name: &str) -> Self {
        let made = app.post("/lists").json(&json!({ "name": name })).answer().await.is(201);
        let list = made.json();
        assert!(list["url"].as_str().unwrap().ends_with(made.header("location")));
        Self { app, list }
    }

    fn url(&self) -> &str {
        self.list["url"].as_str().unwrap()
    }

    fn key(&self) -> &str {
        self.url().rsplit('/').next().unwrap()
    }

    fn read_key(&self) -> &str {
        self.list["read_url"].as_str().unwrap().rsplit('/').next().unwrap()
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        sent(self.app, &method, &format!("{}{path}", self.url()), body.as_ref()).await
    }

    async fn add(&self, title: &str) -> Value {
        self.ask(Method::POST, "/todos", Some(json!({ "title": title }))).await.is(201).json()
    }

    async fn titles(&self) -> Vec<String> {
        self.ask(Method::GET, "/todos", None).await.is(200).titles()
    }
}

#[tokio::test]
async fn a_list_is_made_changed_and_taken_away() {
    let app = App::with_todos(&["of all"]).await;
    let home = Own::new(&app, " Home ").await;
    assert_eq!((&home.list["name"], &home.list["colour"]), (&json!("Home"), &json!("none")));
    assert_eq!(home.key().len(), 32);
    assert_eq!(home.list["todos_url"], format!("{}/todos", home.url()));

    let todo = home.add("mine").await;
    assert_eq!(todo["url"], format!("{}/todos/{}", home.url(), todo["id"]));
    assert_eq!(app.get(todo["url"].as_str().unwrap()).answer().await.is(200).json(), todo);
    assert_eq!(
        (home.titles().await, app.titles().await),
        (vec!["mine".into()], vec!["of all".into()])
    );
    // The version before would show all that is in that table to everybody.
    assert_eq!(app.database.titles().await, ["of all"]);

    let change = json!({ "name": "House", "colour": "green" });
    let changed = home.ask(Method::PATCH, "", Some(change)).await.is(200).json();
    assert_eq!((&changed["name"], &changed["colour"]), (&json!("House"), &json!("green")));
    let as_json = app.get(home.url()).header("accept", "application/json").answer().await.is(200);
    assert_eq!(as_json.json(), changed);

    home.ask(Method::DELETE, "", None).await.is(204);
    home.ask(Method::GET, "/todos", None).await.is_problem(404);
    home.ask(Method::DELETE, "", None).await.is_problem(404);
    assert_eq!(app.titles().await, ["of all"]);
}

#[tokio::test]
async fn a_look_that_is_none_is_refused() {
    let app = App::start().await;
    let list = Own::new(&app, "Home").await;
    for (body, says) in [
        (json!({}), "name"),
        (json!({ "name": " " }), "no name"),
        (json!({ "name": "a\nb" }), "control"),
        (json!({ "name": "x".repeat(101) }), "100"),
        (json!({ "name": "x", "colour": "mauve" }), "purple"),
        (json!({ "name": "x", "key": "y" }), "key"),
    ] {
        let refused = app.post("/lists").json(&body).answer().await.is_problem(422);
        assert!(refused.text().contains(says), "{body}: {}", refused.text());
        if body != json!({}) {
            list.ask(Method::PATCH, "", Some(body)).await.is_problem(422);
        }
    }
    let long = "x".repeat(101);
    for form in ["/lists".to_owned(), format!("{}/settings", list.url())] {
        let refused = app.submit(&form, &[("name", &long)]).await.is(422);
        assert!(refused.text().contains("Shorten it") && refused.text().contains(&long));
    }
    assert_eq!(app.database.query("SELECT 1 FROM todolist").await.len(), 1);
}

#[tokio::test]
async fn a_list_does_what_the_shared_one_does() {
    let app = App::with_todos(&["of all"]).await;
    let list = Own::new(&app, "Home").await;
    let base = list.url();
    // Each is the first of its list, and keys are of one list.
    for url in [app.url("/todos"), format!("{base}/todos")] {
        let request =
            app.post(&url).header("idempotency-key", "one").json(&json!({ "title": "a" }));
        request.answer().await.is(201);
    }
    let (b, c) = (list.add("b").await, list.add("c").await);
    let to = format!("/todos/{}/move", c["id"]);
    list.ask(Method::POST, &to, Some(json!({ "before": b["id"] }))).await.is(200);
    assert_eq!(list.titles().await, ["a", "c", "b"]);
    let change = json!({ "completed": true, "due": "2026-12-31", "notes": "Crème" });
    list.ask(Method::PATCH, &format!("/todos/{}", b["id"]), Some(change)).await.is(200);
    for (query, titles) in [
        ("q=creme", &["b"][..]),
        ("completed=false", &["a", "c"]),
        ("due=after:2026-01-01", &["b"]),
    ] {
        let found = list.ask(Method::GET, &format!("/todos?{query}"), None).await.is(200);
        assert_eq!(found.titles(), titles, "{query}");
    }
    let first = list.ask(Method::GET, "/todos?limit=2", None).await.is(200);
    assert_eq!(first.titles(), ["a", "c"]);
    let next = first.next().unwrap();
    assert!(next.starts_with(&format!("/lists/{}/todos?", list.key())), "{next}");
    assert_eq!(app.get(&next).answer().await.is(200).titles(), ["b"]);

    let file = json!([{ "title": "d" }, { "title": "" }]);
    let report = list.ask(Method::POST, "/todos/import", Some(file)).await.is(200).json();
    assert_eq!((&report["added"], &report["refused"]), (&json!(1), &json!(1)));
    list.ask(Method::DELETE, &format!("/todos/{}", c["id"]), None).await.is(204);
    assert_eq!(list.titles().await, ["a", "b", "d"]);
    list.ask(Method::POST, &format!("/todos/{}/restore", c["id"]), None).await.is(200);
    assert_eq!(list.titles().await, ["a", "c", "b", "d"]);
    list.ask(Method::DELETE, "/todos", None).await.is(204);
    assert!(list.titles().await.is_empty());
    assert_eq!(app.titles().await, ["of all", "a"]);
}

#[tokio::test]
async fn what_a_list_says_of_an_act_is_for_its_own_pages() {
    let app = App::with_todos(&["of all"]).await;
    let list = Own::new(&app, "Home").await;
    list.add("private").await;
    let fields = [("title", "other"), ("version", "1")];
    let saved = app.submit(&format!("{}/items/1/edit", list.url()), &fields).await.is(303);
    let cookie = saved.header("set-cookie");
    assert!(cookie.contains(&format!("Path=/lists/{};", list.key())), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    for (page, says) in [(app.url("/"), false), (list.url().to_owned(), true)] {
        let page = app.get(&page).header("accept", "text/html").header("cookie", cookie);
        assert_eq!(page.answer().await.is(200).text().contains("name=\"undo\""), says);
    }
}

#[tokio::test]
async fn a_list_has_no_version_and_its_answer_comes_once() {
    let app = App::start().await;
    let list = Own::new(&app, "Home").await;
    for request in [
        app.request(Method::PATCH, list.url()).json(&json!({ "name": "x" })),
        app.delete(list.url()),
        app.post(&format!("{}/rekey", list.url())).header("accept", "application/json"),
        app.delete(&format!("{}/todos", list.url())),
    ] {
        request.header("if-match", "\"99\"").answer().await.is_problem(412);
    }
    for query in ["completed=true", "sure=no"] {
        list.ask(Method::DELETE, &format!("/todos?{query}"), None).await.is_problem(400);
        list.ask(Method::DELETE, &format!("?{query}"), None).await.is_problem(400);
    }
    let gone = app.delete(&format!("/lists/{}", "0".repeat(32))).header("if-match", "\"1\"");
    gone.answer().await.is_problem(404);
    let again = app.post("/lists").header("idempotency-key", "k").json(&json!({ "name": "x" }));
    again.answer().await.is_problem(400);
    list.ask(Method::PATCH, "", Some(json!({ "name": null }))).await.is_problem(422);
    let patch = app.request(Method::PATCH, list.url()).body("{\"name\":\"Merged\"}");
    let patch = patch.header("content-type", "application/merge-patch+json").answer().await.is(200);
    assert_eq!(patch.json()["name"], "Merged");
    assert_eq!(app.database.query("SELECT 1 FROM todolist").await.len(), 1);
}

#[tokio::test]
async fn a_list_that_goes_while_it_is_written_to_is_there_or_is_not() {
    let app = App::start().await;
    for _ in 0..5 {
        let list = Own::new(&app, "Home").await;
        let titles = (0..500).map(|n| json!({ "title": format!("{n}") })).collect::<Vec<_>>();
        list.ask(Method::POST, "/todos/import", Some(json!(titles))).await.is(200);
        let add = || list.ask(Method::POST, "/todos", Some(json!({ "title": "late" })));
        let adds = futures::future::join_all((0..8).map(|_| add()));
        let (added, cleared, gone) = tokio::join!(
            adds,
            list.ask(Method::DELETE, "/todos", None),
            list.ask(Method::DELETE, "", None)
        );
        for answer in added {
            assert!([201, 404].contains(&answer.status), "{}", answer.text());
        }
        assert!([204, 404].contains(&cleared.status), "{}", cleared.text());
        gone.is(204);
    }
    assert!(app.database.query("SELECT 1 FROM listitem").await.is_empty());
}

#[tokio::test]
async fn an_error_comes_as_what_was_asked_for_and_leads_to_where_something_is() {
    let app = App::with_variable("cors_origins", "https://b.example").await;
    let list = Own::new(&app, "Home").await;
    for (method, path) in
        [(Method::PUT, list.url()), (Method::PUT, "/lists"), (Method::POST, list.url())]
    {
        let wrong = app.request(method, path).json(&json!({ "name": "x" }));
        wrong.answer().await.is_problem(405);
    }
    let foreign = |request: reqwest::RequestBuilder, origin: &str| {
        request.header("origin", origin).header("sec-fetch-site", "cross-site")
    };
    let made = app.post("/lists").json(&json!({ "name": "x" }));
    foreign(made, "https://evil.example").answer().await.is_problem(403);
    let made = app.post("/lists").json(&json!({ "name": "x" }));
    let made = foreign(made, "https://b.example").answer().await.is(201);
    assert_eq!(made.header("access-control-allow-origin"), "https://b.example");
    let asked = app.request(Method::OPTIONS, "/lists");
    let asked = foreign(asked, "https://b.example").answer().await.is(204);
    assert!(asked.header("access-control-allow-methods").contains("POST"));

    let form = foreign(app.post("/lists"), "https://evil.example");
    let refused = form.form(&[("name", "Typed")]).answer().await.is(403);
    assert!(
        refused.text().contains("\nTyped</textarea>") && refused.text().contains("What you typed")
    );

    for method in [Method::POST, Method::OPTIONS] {
        let slash = app.request(method, "/lists/").json(&json!({ "name": "x" })).answer().await;
        assert!(slash.is_problem(404).text().contains("/lists makes one"));
    }
    let slash = list.ask(Method::POST, "/todos/", Some(json!({ "title": "x" }))).await;
    let slash = slash.is_problem(404).text().to_owned();
    assert!(slash.contains("up to the key") && !slash.contains("is at /"), "{slash}");

    let gone = format!("/lists/{}", "0".repeat(32));
    for form in ["/new_item", "/settings"] {
        let (url, fields) = (format!("{gone}{form}"), [("title", "Typed"), ("name", "Typed")]);
        let page = app.submit(&url, &fields).await.is(404);
        assert!(page.text().contains("Typed") && page.text().contains("href=\"/\""), "{form}");
        assert!(!page.text().contains(&format!("href=\"{gone}")), "{form}");
    }
    app.get(&format!("{gone}/import")).answer().await.is(404);
    let unread = format!("/lists/r{}", "0".repeat(32));
    app.get(&format!("{unread}/settings")).answer().await.is(404);
    app.post(&format!("{unread}/todos"))
        .json(&json!({ "title": "x" }))
        .answer()
        .await
        .is_problem(404);
}

#[tokio::test]
async fn the_shared_list_can_be_turned_off() {
    let app = App::with_variable("shared_list", "maybe").await;
    app.get("/todos").answer().await.is_problem(404);
    app.host.says("shared_list is neither true nor false").await;
    let app = App::with_variable("shared_list", " False ").await;
    app.get("/").answer().await.redirects_to("/lists");
    for path in ["/todos", "/import", "/todos/export"] {
        app.get(path).answer().await.is(404);
    }
    app.post("/todos").json(&json!({ "title": "x" })).answer().await.is_problem(404);
    let nothing = app.request(Method::PUT, "/todos").answer().await.is_problem(404);
    for nothing in [nothing, app.get("/nothing").answer().await.is(404)] {
        assert!(!nothing.text().contains("The list is at"), "{}", nothing.text());
    }
    app.submit("/new_item", &[("title", "x")]).await.is(404);
    assert!(!app.get("/lists").answer().await.is(200).text().contains("all share"));
    let list = Own::new(&app, "Home").await;
    list.add("mine").await;
    assert_eq!(list.titles().await, ["mine"]);
}

#[tokio::test]
async fn below_a_path_a_list_has_its_address_there() {
    let app = App::with_variable("public_url", "https://a.example/app").await;
    let made = app.post("/lists").json(&json!({ "name": "Home" })).answer().await.is(201);
    let (list, place) = (made.json(), made.header("location").to_owned());
    assert_eq!(list["url"], format!("https://a.example{place}"));
    let page = app.get(place.strip_prefix("/app").unwrap()).answer().await.is(200);
    for link in [
        format!("action=\"{place}/new_item\""),
        format!("href=\"{place}/settings\""),
        "href=\"/app/lists\"".to_owned(),
        "src=\"/app/assets/app.".to_owned(),
    ] {
        assert!(page.text().contains(&link), "{link} in {}", page.text());
    }
}

#[tokio::test]
async fn a_list_waits_for_its_migration_and_the_shared_one_does_not() {
    let database = Database::new().await;
    database.execute("DROP TABLE listitem_deleted, listitem, todolist").await;
    let host = Up::on(database.url().as_str(), Project::new()).start().await;
    host.get("/todos").await.is(200);
    host.get(&format!("/lists/{}/todos", "0".repeat(32))).await.is_problem(503);
}
