//! Lists of one's own: each has an address that is its key, and is closed to every other.

use reqwest::Method;
use serde_json::{Value, json};
use tests::host::Up;
use tests::{Answer, App, Ask, Browser, Database, Page, Project, axe, until};

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

/// Every route of a todo, with a body that it takes.
fn routes(id: &Value) -> Vec<(Method, String, Option<Value>)> {
    let todo = format!("/todos/{id}");
    vec![
        (Method::GET, todo.clone(), None),
        (Method::PATCH, todo.clone(), Some(json!({ "title": "taken" }))),
        (Method::POST, format!("{todo}/move"), Some(json!({ "before": 999 }))),
        (Method::POST, format!("{todo}/restore"), None),
        (Method::GET, format!("/items/{id}/edit"), None),
        (Method::DELETE, todo, None),
    ]
}

/// Every route of a whole list.
fn routes_of_all() -> Vec<(Method, &'static str, Option<Value>)> {
    vec![
        (Method::GET, "", None),
        (Method::GET, "/", None),
        (Method::GET, "/?filter=active&q=mine", None),
        (Method::GET, "/todos", None),
        (Method::GET, "/todos?q=mine&due=on:2026-12-31", None),
        (Method::GET, "/todos/export?format=csv", None),
        (Method::GET, "/settings", None),
        (Method::POST, "/todos", Some(json!({ "title": "put in" }))),
        (Method::POST, "/todos/import", Some(json!([{ "title": "put in" }]))),
        (Method::POST, "/rekey", None),
        (Method::PATCH, "", Some(json!({ "name": "taken" }))),
        (Method::DELETE, "/todos", None),
        (Method::DELETE, "", None),
    ]
}

const FORMS: [(&str, &[(&str, &str)]); 6] = [
    ("/new_item", &[("title", "put in")]),
    ("/toggle-all", &[("completed", "true")]),
    ("/clear-completed", &[]),
    ("/undo", &[("undo", "00000000000000000000000000000000")]),
    ("/settings", &[("name", "taken")]),
    ("/destroy", &[("sure", "yes")]),
];

#[tokio::test]
async fn every_route_is_closed_to_every_other_key() {
    let app = App::start().await;
    let (mine, other) = (Own::new(&app, "mine").await, Own::new(&app, "other").await);
    let gone = Own::new(&app, "gone").await;
    gone.ask(Method::DELETE, "", None).await.is(204);
    let todo = mine.add("mine").await;
    let id = &todo["id"];

    // Another list's key, and none, lead to no todo of mine.
    for base in [other.url(), &app.url("")] {
        for (method, path, body) in routes(id) {
            let url = format!("{base}{path}");
            let answer = sent(&app, &method, &url, body.as_ref()).await;
            assert_eq!(answer.status, 404, "{method} {base}{path}: {}", answer.text());
        }
        for form in ["toggle", "edit", "destroy", "move"] {
            let fields =
                [("version", "1"), ("completed", "true"), ("title", "taken"), ("to", "top")];
            app.submit(&format!("{base}/items/{id}/{form}"), &fields).await;
        }
    }
    assert_eq!(app.get(todo["url"].as_str().unwrap()).answer().await.json(), todo);

    // A key that opens nothing: of no list, of one that is gone, of a list with a letter more, less or another.
    let key = mine.key();
    let wrong = [
        gone.key().to_owned(),
        "0".repeat(32),
        format!("r{key}"),
        format!("{key}0"),
        key[1..].to_owned(),
        key.to_uppercase() + "G",
    ];
    for wrong in &wrong {
        let base = app.url(&format!("/lists/{wrong}"));
        let unknown = app.get(&format!("{base}/todos")).answer().await.is_problem(404);
        for (method, path, body) in routes_of_all() {
            let url = format!("{base}{path}");
            let answer = sent(&app, &method, &url, body.as_ref()).await;
            let read_only = wrong.starts_with('r') && answer.status == 403;
            assert!(answer.status == 404 || read_only, "{method} {wrong}{path}: {}", answer.text());
            if answer.status == 404 && path.starts_with("/todos") {
                assert_eq!(answer.text(), unknown.text(), "{method} {wrong}{path}");
            }
        }
        for (path, fields) in FORMS {
            let answer = app.submit(&format!("{base}{path}"), fields).await;
            assert!([403, 404].contains(&answer.status), "{wrong}{path}: {}", answer.text());
        }
    }
    assert_eq!((mine.titles().await, other.titles().await), (vec!["mine".into()], vec![]));
    assert!(app.titles().await.is_empty());
}

#[tokio::test]
async fn a_link_to_read_shows_the_list_and_changes_nothing() {
    let app = App::start().await;
    let list = Own::new(&app, "Home").await;
    let todo = list.add("mine").await;
    let base = list.list["read_url"].as_str().unwrap();
    assert_eq!(app.get(&format!("{base}/todos")).answer().await.is(200).titles(), ["mine"]);
    app.get(&format!("{base}/todos/{}", todo["id"])).answer().await.is(200);
    app.get(&format!("{base}/todos/export")).answer().await.is(200);
    let page = app.get(base).answer().await.is(200);
    assert!(page.text().contains("mine") && !page.text().contains("method=\"post\""));
    assert!(!page.text().contains(list.key()), "the other key is not told");
    let told = app.get(base).header("accept", "application/json").answer().await.is(200).json();
    assert_eq!(told.get("read_url"), None);

    for (method, path, body) in routes_of_all() {
        let reads = method == Method::GET && path != "/settings";
        let url = format!("{base}{path}");
        let answer = sent(&app, &method, &url, body.as_ref()).await;
        assert_eq!(answer.status, if reads { 200 } else { 403 }, "{method} {path}");
    }
    for (method, path, body) in routes(&todo["id"]) {
        let answer = sent(&app, &method, &format!("{base}{path}"), body.as_ref()).await;
        let reads = method == Method::GET && path.starts_with("/todos");
        assert_eq!(answer.status, if reads { 200 } else { 403 }, "{method} {path}");
    }
    for (path, fields) in FORMS {
        app.submit(&format!("{base}{path}"), fields).await.is(403);
    }
    assert_eq!(app.get(todo["url"].as_str().unwrap()).answer().await.json(), todo);
}

#[tokio::test]
async fn new_keys_close_the_old_ones() {
    let app = App::start().await;
    let old = Own::new(&app, "Home").await;
    old.add("mine").await;
    let request = app.post(&format!("{}/rekey", old.url())).header("accept", "application/json");
    let new = Own { app: &app, list: request.answer().await.is(200).json() };
    assert_eq!(new.titles().await, ["mine"]);
    assert_ne!((new.key(), new.read_key()), (old.key(), old.read_key()));
    for url in [old.url(), old.list["read_url"].as_str().unwrap()] {
        app.get(url).answer().await.is(404);
        app.get(&format!("{url}/todos")).answer().await.is_problem(404);
    }
    app.get(new.list["read_url"].as_str().unwrap()).answer().await.is(200);
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
        refused.text().contains("value=\"Typed\"") && refused.text().contains("What you typed")
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
async fn no_key_is_in_a_log_or_in_the_database() {
    let app = App::with(|up| up.argument("--access-log").with_admin()).await;
    let list = Own::new(&app, "Home").await;
    list.add("mine").await;
    let page = app.get(list.url()).answer().await.is(200);
    assert_eq!(page.header("referrer-policy"), "same-origin");
    let (first, rest) = list.key().split_at(1);
    let escaped = format!("/%6Cists/%{:x}{rest}/todos", first.as_bytes()[0]);
    app.get(&escaped).answer().await.is(200);
    app.get(list.list["read_url"].as_str().unwrap()).answer().await.is(200);
    let form = format!("{}/toggle-all", list.url());
    app.post(&form).header("sec-fetch-site", "cross-site").answer().await.is(403);
    app.host.says("/lists/…").await;
    let metrics = app.host.admin("/metrics").await.is(200);
    let dump = app.database.query("SELECT row_to_json(l)::text FROM todolist l").await;
    let dump: String = dump[0].get(0);
    for key in [list.key(), list.read_key()] {
        let hidden = &key[key.len() - 31..];
        for text in [&app.host.log(), metrics.text(), &dump] {
            assert!(!text.contains(hidden), "{text}");
        }
    }
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
async fn without_a_script_a_list_is_made_used_and_shared() {
    let app = App::with_todos(&["of all"]).await;
    let page = Page::without_javascript(&app).await;
    page.click(".files a[href='/lists']").await;
    page.find("#name").await.send_keys("Home <b>").await.unwrap();
    page.click("option[value=blue]").await;
    page.click(".lists-page button").await;
    until("the list is there", async || page.has(".list-name").await.then_some(())).await;
    assert_eq!(page.find(".list-name").await.text().await.unwrap(), "Home <b>");
    page.add("mine").await;
    page.shows(["mine"]).await;
    page.toggle("mine").await;
    page.shows_completed(["mine"]).await;
    page.click(".filters a[data-filter=completed]").await;
    page.comes_to("location.search === '?filter=completed'").await;
    page.shows(["mine"]).await;
    page.destroy("mine").await;
    page.click(".undo").await;
    page.shows(["mine"]).await;
    page.click("a[href$='/settings']").await;
    let read = page.find("#read-url").await.value().await.unwrap().unwrap();
    page.click("form[action$='/rekey'] button").await;
    page.comes_to(&format!("document.querySelector('#read-url').value !== '{read}'")).await;
    let now = page.find("#read-url").await.value().await.unwrap().unwrap();
    page.goto(&now).await;
    assert!(page.has(".todo-list li").await && !page.has("form[method=post]").await);
    page.goto(&read).await;
    assert!(page.has(".failure[data-status='404']").await);
    page.click(".failure a").await;
    page.shows(["of all"]).await;
}

#[tokio::test]
async fn the_browser_remembers_its_lists_and_takes_them_along() {
    let app = App::start().await;
    let (home, work) = (Own::new(&app, "Home").await, Own::new(&app, "Work").await);
    let browser = Browser::open().await;
    for url in [home.url(), work.list["read_url"].as_str().unwrap()] {
        browser.goto(url).await;
        browser
            .comes_to("document.querySelector('.list-name') && localStorage.getItem('lists')")
            .await;
    }
    browser.goto(&app.url("/lists")).await;
    let names =
        "[...document.querySelectorAll('.known-lists li')].map((li) => li.firstChild.textContent)";
    let known = json!(["The list that all share", "Home", "Work"]);
    browser.comes_to(&format!("JSON.stringify({names}) === '{known}'")).await;
    let link = browser.run("return document.querySelector('.take-along a').href").await;

    let elsewhere = Browser::open().await;
    elsewhere.goto(link.as_str().unwrap()).await;
    elsewhere.comes_to(&format!("JSON.stringify({names}) === '{known}'")).await;
    assert_eq!(elsewhere.place().await, "/lists", "no key stays in the address");
    // Nothing that somebody else has put into a link renames or breaks what is known.
    let renamed =
        json!([[home.key(), "Renamed", "pink"], [[home.key()], "Twice", "red"]]).to_string();
    for junk in ["5", "null", "%7B%22a%22%3A1%7D", "[null]", "[1]", "%", &renamed] {
        elsewhere.goto("about:blank").await;
        elsewhere.goto(&app.url(&format!("/lists#{junk}"))).await;
        elsewhere.comes_to(&format!("JSON.stringify({names}) === '{known}'")).await;
    }
    // They have an order of one's own.
    let raised = json!(["The list that all share", "Work", "Home"]);
    for _ in ["once", "as far as it goes"] {
        elsewhere.click("[aria-label='Up Work']").await;
        elsewhere.comes_to(&format!("JSON.stringify({names}) === '{raised}'")).await;
    }
    elsewhere.goto(&app.url("/lists")).await;
    elsewhere.comes_to(&format!("JSON.stringify({names}) === '{raised}'")).await;
    elsewhere.click("[aria-label='Forget Home']").await;
    elsewhere.goto(&app.url("/lists")).await;
    let left = json!(["The list that all share", "Work"]);
    elsewhere.comes_to(&format!("JSON.stringify({names}) === '{left}'")).await;

    // A todo that is gone takes no list with it; new keys take the place of the old, and what is gone
    // is forgotten.
    browser.goto(&format!("{}/items/999/edit", home.url())).await;
    browser.comes_to("document.querySelector('.failure')").await;
    browser.comes_to("localStorage.getItem('lists').includes('Home')").await;
    browser.goto(&format!("{}/settings", home.url())).await;
    let mut read = String::new();
    for of in ["#write-url", "#read-url"] {
        read += &read_code(&browser, &format!("{of} + .qr")).await;
    }
    assert_eq!(read, format!("{}{}", home.url(), home.list["read_url"].as_str().unwrap()));
    browser.click("form[action$='/rekey'] button").await;
    browser.comes_to(&format!("!localStorage.getItem('lists').includes('{}')", home.key())).await;
    work.ask(Method::DELETE, "", None).await.is(204);
    browser.goto(work.list["read_url"].as_str().unwrap()).await;
    browser.comes_to("!localStorage.getItem('lists').includes('Work')").await;
    browser.comes_to("localStorage.getItem('lists').includes('Home')").await;
}

/// What a camera reads.
async fn read_code(browser: &Browser, at: &str) -> String {
    browser.click(&format!("{at} summary")).await;
    let drawn = browser.find(&format!("{at} svg")).await;
    until("the code is in sight", async || drawn.is_displayed().await.unwrap().then_some(())).await;
    let script = format!(
        "const svg = document.querySelector('{at} svg');
         const shape = svg.querySelector('path');
         const point = svg.createSVGPoint();
         const size = svg.viewBox.baseVal.width - 8;
         return Array.from({{ length: size }}, (_, y) => Array.from({{ length: size }}, (_, x) => {{
             Object.assign(point, {{ x: x + .5, y: y + .5 }});
             return shape.isPointInFill(point);
         }}));"
    );
    let dark: Vec<Vec<bool>> = serde_json::from_value(browser.run(&script).await).unwrap();
    let grid = rqrr::SimpleGrid::from_func(dark.len(), |x, y| dark[y][x]);
    rqrr::Grid::new(grid).decode().unwrap().1
}

#[tokio::test]
async fn with_a_script_a_list_is_one_of_its_own() {
    let app = App::with_todos(&["of all"]).await;
    let list = Own::new(&app, "Home").await;
    let page = Page::open(&app).await;
    page.goto(list.url()).await;
    page.add("mine").await;
    page.add("more").await;
    page.shows(["mine", "more"]).await;
    app.has_saved(&["of all"]).await;
    page.toggle("mine").await;
    page.destroy("more").await;
    page.shows(["mine"]).await;
    page.click(".notice .undo").await;
    page.shows(["mine", "more"]).await;
    until("all is saved", async || {
        let todos = list.ask(Method::GET, "/todos", None).await.json();
        (todos[0]["completed"] == true && todos[1]["title"] == "more").then_some(())
    })
    .await;
    assert!(page.console_errors().await.is_empty());
}

#[tokio::test]
async fn the_pages_of_lists_keep_to_the_rules_of_accessibility() {
    let app = App::start().await;
    let list = Own::new(&app, "Home").await;
    list.add("mine").await;
    let browser = Browser::open().await;
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        for url in [
            app.url("/lists"),
            list.url().to_owned(),
            format!("{}/settings", list.url()),
            list.list["read_url"].as_str().unwrap().to_owned(),
        ] {
            browser.goto(&url).await;
            assert_eq!(axe::violations(&browser).await, Vec::<String>::new(), "{url} {scheme}");
        }
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
