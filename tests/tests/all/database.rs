//! A database that is away, comes back, is behind, or has an odd password.

use serde_json::json;
use tests::host::Up;
use tests::{Answer, App, Ask, Database, Gate, Host, Project, until};

async fn host_behind(gate: &Gate) -> Host {
    Up::on(gate.url(), Project::new()).start().await
}

async fn post(host: &Host, title: &str) -> Answer {
    tests::http::client()
        .post(format!("{}/todos", host.origin()))
        .json(&json!({ "title": title }))
        .answer()
        .await
}

async fn is_unavailable(host: &Host) {
    for path in ["/todos", "/todos/1"] {
        let answer = host.get(path).await.is_problem(503);
        assert!(answer.header("retry-after").parse::<u32>().is_ok());
    }
    let page = host.get("/").await.is(503);
    assert!(page.header("retry-after").parse::<u32>().is_ok());
    assert!(page.header("content-type").starts_with("text/html"));
    post(host, "lost?").await.is_problem(503);
}

async fn works_again(host: &Host) {
    until("the list is there again", async || {
        (host.get("/todos").await.status == 200).then_some(())
    })
    .await;
    host.get("/").await.is(200);
}

#[tokio::test]
async fn down_at_the_start_it_is_waited_for() {
    let database = Database::new().await;
    let mut gate = Gate::closed(&database);
    let host = host_behind(&gate).await;
    is_unavailable(&host).await;
    gate.open();
    works_again(&host).await;
    post(&host, "buy milk").await.is(201);
    assert_eq!(database.titles().await, ["buy milk"]);
}

#[tokio::test]
async fn gone_for_a_while_it_is_found_again() {
    let database = Database::new().await;
    let mut gate = Gate::opened(&database);
    let host = host_behind(&gate).await;
    post(&host, "before").await.is(201);
    for _ in 0..3 {
        gate.close().await;
        is_unavailable(&host).await;
        gate.open();
        works_again(&host).await;
    }
    post(&host, "after").await.is(201);
    assert_eq!(database.titles().await, ["before", "after"]);
}

#[tokio::test]
async fn restarted_it_is_connected_to_again() {
    let app = App::start().await;
    app.add("before").await;
    app.database.disconnect_everybody().await;
    works_again(&app.host).await;
    app.add("after").await;
    assert_eq!(app.titles().await, ["before", "after"]);
}

#[tokio::test]
async fn a_page_that_cannot_save_keeps_what_was_typed() {
    let database = Database::new().await;
    let gate = Gate::closed(&database);
    let host = host_behind(&gate).await;
    let client = tests::http::client();
    for path in ["/new_item", "/items/1/edit"] {
        let form = [("title", "precious words"), ("key", "a"), ("version", "1"), ("filter", "all")];
        let page =
            client.post(format!("{}{path}", host.origin())).form(&form).answer().await.is(503);
        assert!(page.text().contains(">\nprecious words</textarea>"));
        assert!(!page.header("retry-after").is_empty());
    }
}

/// Every printable character of ASCII that is no letter, and a few beyond.
const ODD: &str = " !\"#$%&'()*+,-./0123456789:;<=>?@[\\]^_`{|}~%41%%$$ äß€字👍";

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat()
}

/// A database that a role of this password owns.
async fn database_of_a_role_with(password: &str) -> (Database, String) {
    let database = Database::new().await;
    let role = format!("{}_owner", database.name());
    let quoted = password.replace('\'', "''");
    // Not E'…': a backslash in a plain literal is itself.
    database
        .execute(&format!(
            "DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN PASSWORD '{quoted}'"
        ))
        .await;
    database.execute(&format!("ALTER TABLE todoitem OWNER TO {role}")).await;
    let url = database.url();
    let address = format!(
        "postgres://{role}:{}@127.0.0.1:{}/{}",
        encoded(password),
        url.port().unwrap(),
        database.name()
    );
    (database, address)
}

#[tokio::test]
async fn a_password_may_hold_every_special_character() {
    let (database, url) = database_of_a_role_with(ODD).await;
    let host = Up::on(&url, Project::new()).start().await;
    post(&host, "buy milk").await.is(201);
    assert_eq!(database.titles().await, ["buy milk"]);
    assert!(
        !host.log().contains(ODD) && !host.log().contains(&encoded(ODD)),
        "the log does not hold it"
    );
}

#[tokio::test]
async fn a_password_may_stand_in_the_env_file() {
    let (database, url) = database_of_a_role_with(ODD).await;
    let project = Project::new();
    project.write(".env", format!("SPIN_VARIABLE_DATABASE_URL={url}\n"));
    let host = Up::new(project).start().await;
    post(&host, "buy milk").await.is(201);
    assert_eq!(database.titles().await, ["buy milk"]);
}

#[tokio::test]
async fn a_wrong_password_is_told_without_being_shown() {
    let (database, url) = database_of_a_role_with("right").await;
    if database.takes_any_password().await {
        eprintln!("this server asks nobody for a password");
        return;
    }
    let host = Up::on(&url.replace(&encoded("right"), "hunter2"), Project::new()).start().await;
    assert_eq!(host.get("/todos").await.status, 503);
    host.says("password authentication failed").await;
    assert!(!host.log().contains("hunter2"));
}

#[tokio::test]
async fn the_address_of_the_database_is_in_no_log_and_no_argument() {
    let (_database, url) = database_of_a_role_with("hunter2").await;
    let mut host = Up::on(&url, Project::new()).start().await;
    post(&host, "buy milk").await.is(201);
    post(&host, "").await.is(422);
    let arguments =
        std::fs::read(format!("/proc/{}/cmdline", host.program().pid())).unwrap_or_default();
    let arguments = String::from_utf8_lossy(&arguments).into_owned();
    for place in [host.log(), arguments] {
        assert!(!place.contains("hunter2") && !place.contains(&encoded("hunter2")), "{place}");
    }
}

#[tokio::test]
async fn a_database_without_our_table_is_told_how_to_get_it() {
    let database = Database::unmigrated().await;
    let project = Project::new();
    let host = Up::on(database.url().as_str(), project).start().await;
    host.says("runtime-host migrate").await;
    host.get("/todos").await.is_problem(503);
    tests::host::migrate(host.project(), database.url()).await.succeeded();
    works_again(&host).await;
}

#[tokio::test]
async fn more_requests_at_once_than_connections_are_all_answered() {
    let app = App::start().await;
    app.database.fill(10).await;
    let reads = (0..200).map(|_| app.get("/todos").answer());
    for answer in futures::future::join_all(reads).await {
        answer.is(200);
    }
}
