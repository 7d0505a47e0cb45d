//! The log: for people or for programs, of the host, of the component, and of
//! every request on demand.

use serde_json::Value;
use tests::host::Up;
use tests::wasm::{digest, todo_component};
use tests::{App, Ask, Database, Gate, Host, Project, until};

/// Every line on stderr as an object, once `wanted` is among them.
async fn lines_with(host: &mut Host, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
    until("the line is in the log", async || {
        let said = host.program().stderr();
        let lines: Vec<Value> = said
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect();
        lines.iter().any(&wanted).then_some(lines)
    })
    .await
}

/// A host whose component complains, because its database is away.
async fn complaining(arguments: &[&str]) -> (Host, Database) {
    let database = Database::new().await;
    let gate = Gate::closed(&database);
    let up = Up::on(gate.url(), Project::new());
    let host = arguments.iter().fold(up, |up, argument| up.argument(argument)).start().await;
    let url = format!("{}/todos?secret=1", host.origin());
    assert_eq!(tests::http::client().get(url).answer().await.status, 503);
    (host, database)
}

#[tokio::test]
async fn as_json_every_line_is_an_object_and_the_components_words_are_among_them() {
    let (mut host, _database) = complaining(&["--log-format=json"]).await;
    let lines = lines_with(&mut host, |line| line["target"] == "guest").await;
    for line in &lines {
        for field in ["timestamp", "level", "message", "target"] {
            assert!(line[field].is_string(), "{field} in {line}");
        }
    }
    let guest = lines.iter().find(|line| line["target"] == "guest").unwrap();
    assert_eq!(guest["digest"], digest(&todo_component()));
    assert_eq!(guest["stream"], "stderr");
    assert!(!lines.iter().any(|line| line["target"] == "access"), "it is off by default");
    let stdout = host.program().stdout();
    assert_eq!(stdout.lines().count(), 1, "stdout is for the ready line: {stdout}");
}

#[tokio::test]
async fn as_text_the_components_words_are_among_them_too() {
    let (host, _database) = complaining(&[]).await;
    host.says("stream=\"stderr\"").await;
    assert!(host.log().contains("Compiled todo"));
}

#[tokio::test]
async fn a_request_is_one_line_of_the_access_log_without_its_query() {
    let app = App::with(|up| up.argument("--log-format=json").argument("--access-log")).await;
    let App { mut host, database: _database, .. } = app;
    let url = format!("{}/todos?limit=1&secret=hunter2", host.origin());
    let answer = tests::http::client().get(url).answer().await.is(200);
    let lines = lines_with(&mut host, |line| line["target"] == "access").await;
    let access: Vec<_> = lines.iter().filter(|line| line["target"] == "access").collect();
    assert_eq!(access.len(), 1);
    let line = access[0];
    assert_eq!(line["method"], "GET");
    assert_eq!(line["path"], "/todos");
    assert_eq!(line["status"], 200);
    assert_eq!(line["bytes"], answer.body.len());
    assert!(line["duration_ms"].is_number(), "{line}");
    assert_eq!(line["digest"], digest(&todo_component()));
    assert!(line["client"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");
    assert!(!host.log().contains("hunter2"));
}

#[tokio::test]
async fn the_environment_says_the_format_as_well() {
    let project = Project::new();
    for (value, code) in [("json", None), ("yaml", Some(2))] {
        let mut command = tests::host::command("up");
        command.current_dir(project.folder()).args(["--from", "nowhere.toml"]);
        command.env("TODOOZLE_LOG_FORMAT", value);
        let outcome = tests::child::run("runtime-host up", command).await;
        let said = outcome.failed();
        if code.is_some() {
            assert_eq!(outcome.status.code(), code);
            assert!(said.contains("TODOOZLE_LOG_FORMAT"), "{said}");
        } else {
            let line: Value = serde_json::from_str(said.trim()).unwrap();
            assert!(line["message"].as_str().unwrap().contains("nowhere.toml"), "{line}");
        }
    }
}
