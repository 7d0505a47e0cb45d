//! Who answers a read when there is a replica: nobody reads a state older than
//! their own acknowledged write.

mod positions;
mod under_load;
mod without_primary;

use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tests::host::Up;
use tests::http::client;
use tests::tls::Authority;
use tests::{Answer, Ask, Host, Page, Pair, Project, until};

/// The app on a primary and a replica.
struct Replicated {
    // Dropped in this order: the host lets go of the servers first.
    host: Host,
    pair: Pair,
}

impl Replicated {
    async fn start() -> Self {
        Self::on(Pair::start().await).await
    }

    async fn on(pair: Pair) -> Self {
        let up = Up::on(&pair.primary_url(), Project::new());
        let host = up.variable("database_replica_url", &pair.replica_url()).start().await;
        Self { host, pair }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.host.origin())
    }

    /// A read by a client that has just come.
    async fn read(&self, path: &str) -> Answer {
        client().get(self.url(path)).answer().await
    }

    fn post(&self, client: &Client, title: &str) -> RequestBuilder {
        client.post(self.url("/todos")).json(&json!({ "title": title }))
    }

    /// Adds a todo; `client` keeps the cookie that tells of it.
    async fn add(&self, client: &Client, title: &str) -> Answer {
        self.post(client, title).answer().await.is(201)
    }

    /// Reads the list with what `client` remembers.
    async fn list(&self, client: &Client) -> Answer {
        client.get(self.url("/todos")).answer().await.is(200)
    }

    /// Reads the list with these positions and nothing else.
    async fn list_at(&self, positions: &[&str]) -> Answer {
        let mut read = client().get(self.url("/todos"));
        for position in positions {
            read = read.header("todoozle-position", *position);
        }
        read.answer().await.is(200)
    }
}

fn titles(list: &Answer) -> Vec<String> {
    let list = list.json();
    let title = |todo: &Value| todo["title"].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(title).collect()
}

fn source(answer: &Answer) -> &str {
    answer.header("todoozle-source")
}

fn position(answer: &Answer) -> &str {
    answer.header("todoozle-position")
}

#[tokio::test]
async fn a_write_that_is_replayed_is_read_from_the_replica() {
    let app = Replicated::start().await;
    let client = client();
    let todo = app.add(&client, "buy milk").await.json();
    app.pair.in_step().await;
    let list = app.list(&client).await;
    assert_eq!(source(&list), "replica");
    assert_eq!(titles(&list), ["buy milk"]);
    let one = client.get(app.url(&format!("/todos/{}", todo["id"]))).answer().await.is(200);
    assert_eq!((source(&one), one.json()), ("replica", todo));
    let page = client.get(app.url("/")).answer().await.is(200);
    assert_eq!(source(&page), "replica");
    assert!(page.text().contains("buy milk"));
    let none = client.get(app.url("/todos/999")).answer().await.is_problem(404);
    assert_eq!(source(&none), "replica");
}

#[tokio::test]
async fn an_own_write_is_seen_at_once_while_the_replica_is_behind() {
    let app = Replicated::start().await;
    app.pair.hold_replay().await;
    let client = client();
    let mut position_of_last = String::new();
    for title in ["a", "b", "c"] {
        position(&app.add(&client, title).await).clone_into(&mut position_of_last);
        let list = app.list(&client).await;
        assert_eq!(source(&list), "primary");
        assert_eq!(titles(&list).last().unwrap(), title);
        let page = client.get(app.url("/")).answer().await.is(200);
        assert!(page.text().contains(&format!("<bdi>{title}</bdi>")), "{}", page.text());
    }
    assert_eq!(app.pair.other.titles().await, [""; 0], "the replica is behind all the time");
    app.pair.go_on_replaying().await;
    // By the header: the cookie lives for ten seconds.
    until("the replica answers", async || {
        (source(&app.list_at(&[&position_of_last]).await) == "replica").then_some(())
    })
    .await;
    assert_eq!(titles(&app.list(&client).await), ["a", "b", "c"]);
}

#[tokio::test]
async fn every_kind_of_write_is_seen_at_once() {
    let app = Replicated::start().await;
    let client = client();
    let todo = app.add(&client, "buy milk").await.json();
    app.pair.hold_replay().await;
    let place = app.url(&format!("/todos/{}", todo["id"]));
    let list = async || app.list(&client).await.json();
    let form = async |path: &str, fields: &[(&str, &str)]| {
        let answer = client.post(app.url(path)).form(fields).answer().await.is(303);
        assert!(position(&answer).parse::<u64>().is_ok());
    };

    client.patch(&place).json(&json!({ "title": "oat milk" })).answer().await.is(200);
    assert_eq!(list().await[0]["title"], "oat milk");
    let id = todo["id"].to_string();
    form(&format!("/items/{id}/toggle"), &[("completed", "true"), ("version", "2")]).await;
    assert_eq!(list().await[0]["completed"], true);
    form("/toggle-all", &[("completed", "false")]).await;
    assert_eq!(list().await[0]["completed"], false);
    form("/toggle-all", &[("completed", "true")]).await;
    form("/clear-completed", &[]).await;
    assert_eq!(list().await, json!([]));
    form("/new_item", &[("title", "tea")]).await;
    assert_eq!(list().await[0]["title"], "tea");
    position(&client.delete(app.url("/todos")).answer().await.is(204));
    assert_eq!(list().await, json!([]));
    assert_eq!(app.pair.other.titles().await, ["buy milk"], "the replica is behind all the time");
}

#[tokio::test]
async fn a_read_without_a_position_goes_to_the_primary() {
    let app = Replicated::start().await;
    app.add(&client(), "by another client").await;
    app.pair.in_step().await;
    assert_eq!(source(&app.read("/todos").await.is(200)), "primary");
    assert_eq!(source(&app.read("/").await.is(200)), "primary");
}

#[tokio::test]
async fn many_clients_at_once_see_each_their_own_writes() {
    let app = Replicated::start().await;
    // The replica is behind most of the time, and catches up again and again.
    app.pair.other.set("recovery_min_apply_delay", "20ms").await;
    let clients = (0..8).map(|_| {
        let app = &app;
        async move {
            let client = client();
            for number in 0..10 {
                let todo = app.add(&client, &format!("todo {number}")).await.json();
                let own = app.url(&format!("/todos/{}", todo["id"]));
                until("the replica has replayed the write", async || {
                    let read = client.get(&own).answer().await.is(200);
                    assert_eq!(read.json(), todo);
                    (source(&read) == "replica").then_some(())
                })
                .await;
            }
        }
    });
    futures::future::join_all(clients).await;
}

#[tokio::test]
async fn every_server_has_to_have_a_certificate_of_the_given_ca() {
    let pair = Pair::start().await;
    let (authority, stranger) = (Authority::new(), Authority::new());
    for server in [&pair.main, &pair.other] {
        server.secure(&authority, "127.0.0.1").await;
    }
    let start = async |authority: &Authority| {
        let required = |url: String| format!("{url}&sslmode=require");
        Up::on(&required(pair.primary_url()), Project::new())
            .variable("database_replica_url", &required(pair.replica_url()))
            .variable("database_ca", authority.pem())
            .start()
            .await
    };
    let strict = start(&stranger).await;
    let list = client().get(format!("{}/todos", strict.origin()));
    list.answer().await.is_problem(503);

    let app = Replicated { host: start(&authority).await, pair };
    let client = client();
    let written = app.add(&client, "buy milk").await;
    app.pair.in_step().await;
    assert_eq!(source(&app.list(&client).await), "replica");
    let encrypted = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                     WHERE application_name = 'runtime-host'";
    for server in [&app.pair.main, &app.pair.other] {
        assert!(server.ask::<bool>(encrypted).await);
    }
    app.pair.main.crash().await;
    // By the header: the cookie lives for ten seconds.
    assert_eq!(source(&app.list_at(&[position(&written)]).await), "replica");
    assert_eq!(source(&app.read("/todos").await.is(200)), "standby");
}

#[tokio::test]
async fn a_read_and_a_write_are_one_statement_each() {
    let pair = Pair::start().await;
    for server in [&pair.main, &pair.other] {
        server.keep_statements().await;
    }
    let app = Replicated::on(pair).await;
    let client = client();
    let todo = app.add(&client, "buy milk").await.json();
    let place = app.url(&format!("/todos/{}", todo["id"]));
    client.patch(&place).json(&json!({ "completed": true })).answer().await.is(200);
    client.post(app.url("/toggle-all")).form(&[("completed", "false")]).answer().await.is(303);
    for _ in 0..3 {
        app.read("/").await.is(200);
    }
    let statements = || (app.pair.main.statements(), app.pair.other.statements());
    until("the log is read", async || (statements().0 >= 6).then_some(())).await;
    assert_eq!(statements(), (6, 0));
    app.pair.in_step().await;
    for _ in 0..3 {
        assert_eq!(source(&app.list(&client).await), "replica");
    }
    until("the log is read", async || (statements().1 >= 3).then_some(())).await;
    assert_eq!(statements(), (6, 3));
}

#[tokio::test]
async fn the_script_shows_what_it_saved_while_the_replica_is_behind() {
    let app = Replicated::start().await;
    app.pair.hold_replay().await;
    let page = Page::on(&app.host).await;
    page.add("buy milk").await;
    page.add("buy tea").await;
    until("both are saved", async || (app.pair.main.titles().await.len() == 2).then_some(())).await;
    page.reload().await;
    page.shows(["buy milk", "buy tea"]).await;
    app.pair.go_on_replaying().await;
    app.pair.in_step().await;
    page.reload().await;
    page.shows(["buy milk", "buy tea"]).await;
}

#[tokio::test]
async fn a_replica_that_is_away_or_silent_is_done_without() {
    let app = Replicated::start().await;
    app.pair.main.set("synchronous_standby_names", "").await;
    let client = client();
    app.add(&client, "first").await;
    app.pair.in_step().await;
    assert_eq!(source(&app.list(&client).await), "replica");
    app.pair.other.freeze();
    let list = app.list(&client).await;
    assert_eq!((source(&list), titles(&list).len()), ("primary", 1));
    app.pair.other.thaw();
    app.pair.other.crash().await;
    app.add(&client, "second").await;
    let list = app.list(&client).await;
    assert_eq!((source(&list), titles(&list).len()), ("primary", 2));
}
