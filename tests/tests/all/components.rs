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
async fn a_statement_that_is_wrong_in_itself_is_no_lost_connection() {
    let database = Database::new().await;
    let host =
        Up::misbehaving(database.url().as_str(), &["--database-connections=1"]).start().await;
    host.run_sql(4, "SELECT 'x'").await.is(200);
    // The host's own look at the migrations may just be ending.
    until("there is one connection", async || {
        (database.connections().await.len() == 1).then_some(())
    })
    .await;
    let before = database.connections().await;
    for (sql, says) in [
        ("SELECT '\0'", "null"),
        ("SELECT 1; SELECT 2", "multiple commands"),
        ("SELECT $1", "the statement has 1 parameters, but 0"),
        ("SELECT 1/0", "division by zero"),
        ("DO $$ BEGIN RAISE EXCEPTION 'loud' USING ERRCODE = '40001'; END $$", "loud"),
        ("COMMIT PREPARED 'x'", "does not exist"),
    ] {
        for version in [3, 4] {
            let answer = host.run_sql(version, sql).await.is(500);
            let text = answer.text();
            assert!(text.contains(says) && !text.contains("ConnectionFailed"), "{sql}: {text}");
        }
    }
    // What the server says beside its answer is no part of it.
    let notices =
        "DO $$ BEGIN FOR n IN 1..1000 LOOP RAISE WARNING 'hunter2 %', n; END LOOP; END $$";
    host.run_sql(4, notices).await.is(200);
    host.run_sql(4, "SELECT 'x'").await.is(200);
    assert_eq!(database.connections().await, before);
}

#[tokio::test]
async fn values_of_postgresqls_types_are_told_by_their_names_or_not_at_all() {
    let database = Database::new().await;
    database.execute("CREATE TYPE mood AS ENUM ('sad'); CREATE DOMAIN word AS text").await;
    let host = Up::misbehaving(database.url().as_str(), &[]).start().await;
    for (value, told) in [
        ("'x'::word", "x"),
        ("NULL::text", "DbNull"),
        ("'{}'::int4[]", "ArrayInt32([])"),
        ("'{1,NULL}'::int4[]", "ArrayInt32([Some(1), None])"),
        ("'[0:1]={1,2}'::int8[]", "ArrayInt64([Some(1), Some(2)])"),
        ("'{NaN,1.50}'::numeric[]", "ArrayDecimal([Some(\"NaN\"), Some(\"1.50\")])"),
        ("'{a,NULL,\"\"}'::varchar[]", "ArrayStr([Some(\"a\"), None, Some(\"\")])"),
        ("'-Infinity'::numeric", "Decimal(\"-Infinity\")"),
        ("1e-20::numeric", "Decimal(\"0.00000000000000000001\")"),
        ("'24:00'::time", "Time((24, 0, 0, 0))"),
        ("'0044-03-15 BC'::date", "Date((-43, 3, 15))"),
        ("'2026-03-29 03:30:00+02'::timestamptz", "Datetime((2026, 3, 29, 1, 30, 0, 0))"),
        ("'{\"a\":1.0}'::jsonb", "Jsonb("),
        ("'{\"a\":1.0}'::json", "Unsupported("),
        ("'sad'::mood", "Unsupported("),
        ("'12:30+02'::timetz", "Unsupported("),
        ("'10.0.0.1'::inet", "Unsupported("),
        ("B'101'", "Unsupported("),
        ("'[2026-01-01,2026-02-01)'::daterange", "Unsupported("),
        ("ROW(1, 'a')", "Unsupported("),
        ("'x'::name", "Unsupported("),
        ("'x'::bpchar", "x"),
        ("repeat('x', 3000000)", "xxx"),
    ] {
        let answer = host.run_sql(4, &format!("SELECT {value}")).await.is(200);
        let text = answer.text();
        let text =
            text.strip_prefix("Some(DbValue::").or(text.strip_prefix("Some(")).unwrap_or(text);
        assert!(text.starts_with(told), "{value}: {}", &text[..text.len().min(200)]);
    }
    for (value, says) in [
        ("'infinity'::date", "infinite"),
        ("'-infinity'::timestamptz", "infinite"),
        ("'{{1},{2}}'::int4[]", "several dimensions"),
        ("'294276-01-01'::timestamp", "out of range"),
    ] {
        for version in [3, 4] {
            let sql = format!("SELECT {value} AS c");
            let answer = host.run_sql(version, &sql).await.is(500);
            let text = answer.text();
            assert!(
                text.contains("ValueConversionFailed") && text.contains(says),
                "{value}: {text}"
            );
        }
        host.run_sql(4, "SELECT 'x'").await.is(200);
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
