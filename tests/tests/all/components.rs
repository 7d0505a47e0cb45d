//! Other people's components: older versions of Spin's interfaces, and what a
//! component may do wrong.

use tests::host::Up;
use tests::wasm::component_that_imports_all_of_spin;
use tests::{Database, Project, until};

#[tokio::test]
async fn versions_2_and_3_of_spins_postgres_are_served() {
    let database = Database::new().await;
    let host = Up::misbehaving(database.url().as_str(), &[]).start().await;
    let statements = "CREATE TABLE t (i integer, s text)
        i32:1 str:one | INSERT INTO t VALUES ($1, $2)
        i32:2 null | INSERT INTO t VALUES ($1, $2)
        i32:1 | SELECT i, s FROM t WHERE i >= $1 ORDER BY i
        UPDATE t SET s = 'x'
        DROP TABLE t";
    for version in [2, 3] {
        let answer = host.run_sql(version, statements).await.is(200);
        let lines: Vec<&str> = answer.text().lines().collect();
        let expected = [
            "0",
            "1",
            "1",
            "DbDataType::Int32 DbDataType::Str",
            "DbValue::Int32(1) DbValue::Str(\"one\")",
            "DbValue::Int32(2) DbValue::DbNull",
            "2",
            "0",
        ];
        assert_eq!(lines, expected, "version {version}");
    }
}

#[tokio::test]
async fn a_value_is_what_its_version_has_a_name_for() {
    let database = Database::new().await;
    let host = Up::misbehaving(database.url().as_str(), &[]).start().await;
    let select = "SELECT true, 1::smallint, 2::bigint, 1.5::real, 2.5::float8, 'a'::bytea,
        '2026-11-22'::date, '12:30:00'::time, '2026-11-22 12:30:00'::timestamp, 1.5::numeric"
        .replace('\n', " ");
    let always = "DbValue::Boolean(true) DbValue::Int16(1) DbValue::Int64(2) \
        DbValue::Floating32(1.5) DbValue::Floating64(2.5) DbValue::Binary([97])";
    let dates = "DbValue::Date((2026, 11, 22)) DbValue::Time((12, 30, 0, 0)) \
        DbValue::Datetime((2026, 11, 22, 12, 30, 0, 0))";
    let unsupported = "DbValue::Unsupported";
    for (version, end) in [
        (2, format!("{unsupported} {unsupported} {unsupported} {unsupported}")),
        (3, format!("{dates} {unsupported}")),
    ] {
        let answer = host.run_sql(version, &select).await.is(200);
        let values = answer.text().lines().nth(1).unwrap().to_owned();
        assert_eq!(values, format!("{always} {end}"), "version {version}");
    }
}

#[tokio::test]
async fn an_error_is_told_in_the_words_of_its_version() {
    let database = Database::new().await;
    let host = Up::misbehaving(database.url().as_str(), &[]).start().await;
    for version in [2, 3] {
        let answer = host.run_sql(version, "SELECT nonsense").await.is(500);
        assert!(answer.text().starts_with("Error::QueryFailed("), "{}", answer.text());
        assert!(answer.text().contains("nonsense"), "{}", answer.text());
    }
}

#[tokio::test]
async fn all_versions_share_one_pool() {
    let database = Database::new().await;
    let host =
        Up::misbehaving(database.url().as_str(), &["--database-connections=1"]).start().await;
    host.run_sql(4, "SELECT 'a'").await.is(200);
    for version in [2, 3] {
        host.run_sql(version, "SELECT 1").await.is(200);
    }
    // The host's own look at the migrations may just be ending.
    until("there is one connection", async || {
        (database.connections().await.len() == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_component_that_misbehaves_is_told_and_others_are_answered() {
    let database = Database::new().await;
    let arguments = ["--cpu-timeout=300ms", "--guest-memory=16MiB"];
    let host = Up::misbehaving(database.url().as_str(), &arguments).start().await;
    for (path, status, reason) in
        [("/trap", 500, "trap"), ("/loop", 504, "cpu"), ("/memory", 500, "trap")]
    {
        let before = host
            .metric(&format!("runtime_host_component_failures_total{{reason=\"{reason}\"}}"))
            .await;
        let (bad, good) = futures::future::join(host.get(path), host.get("/fine")).await;
        assert_eq!(bad.status, status, "{path}");
        assert_eq!(good.is(200).text(), "/fine");
        let after = host
            .metric(&format!("runtime_host_component_failures_total{{reason=\"{reason}\"}}"))
            .await;
        assert_eq!(after, before + 1, "{path}");
    }
}

#[tokio::test]
async fn a_5xx_is_a_failure_of_its_version_but_for_503() {
    let database = Database::new().await;
    let host = Up::misbehaving(database.url().as_str(), &[]).start().await;
    for status in [200, 404, 500, 502, 503] {
        host.get(&format!("/status/{status}")).await.is(status);
    }
    let status = host.admin("/status").await.json();
    assert_eq!(status["live"]["requests"], 5, "{status}");
    assert_eq!(status["live"]["failures"], 2, "{status}");
}

#[tokio::test]
async fn what_a_component_prints_is_in_the_log_line_by_line() {
    let database = Database::new().await;
    let mut host = Up::misbehaving(database.url().as_str(), &["--log-format=json"]).start().await;
    host.get("/say").await.is(200);
    host.get("/trap").await.is(500);
    for (message, stream) in
        [("a line to standard output", "stdout"), ("a line to standard error", "stderr")]
    {
        until(message, async || {
            let said = host.program().stderr();
            let lines = said.lines().map(|line| {
                serde_json::from_str::<serde_json::Value>(line).expect("a line of JSON")
            });
            let mut found = lines.filter(|line| line["message"] == message);
            found.next().filter(|line| line["target"] == "guest" && line["stream"] == stream)
        })
        .await;
    }
    host.says("a line without its end").await;
    host.says("on demand").await; // the panic's own words
    assert_eq!(host.program().stdout().lines().count(), 1);
}

#[tokio::test]
async fn the_variables_are_there_by_the_standards_name_too() {
    let database = Database::new().await;
    let host = Up::misbehaving(database.url().as_str(), &[]).start().await;
    let url = format!("Some({:?})", database.url().as_str());
    assert_eq!(host.get("/config/database_url").await.is(200).text(), url);
    assert_eq!(host.get("/config/nobody").await.is(200).text(), "None");
}

#[tokio::test]
async fn what_an_sdk_imports_for_everybody_ends_only_whoever_calls_it() {
    let mut project = Project::new();
    project.write("a.wasm", component_that_imports_all_of_spin());
    project.set("component.todo.source", "a.wasm");
    let host = Up::on("postgres://nobody@127.0.0.1:1/nothing", project).start().await;
    host.get("/").await.is(500);
    host.says("it called spin:key-value/key-value@3.0.0#open, which this host does not").await;
}
