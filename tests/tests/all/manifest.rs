//! A manifest, a component or an address that is wrong: the host does not
//! start, and says what to do.

use std::collections::BTreeMap;
use std::net::TcpListener;
use tests::host::Up;
use tests::wasm::{
    component_that_wants_a_teapot, component_without_a_handler, core_module, half_a_component,
};
use tests::{Ask, Database, Project};
use toml::{Table, Value};

/// Expects the host to give up on this project, with these words.
async fn refused(project: Project, words: &[&str]) -> String {
    let said = up(project).fails().await;
    for word in words {
        assert!(said.contains(word), "`{word}` is in:\n{said}");
    }
    said
}

/// On a database that is not there: it does not come to that.
fn up(project: Project) -> Up {
    Up::on("postgres://nobody@127.0.0.1:1/nothing", project)
}

/// A project whose component is these bytes.
fn serving(bytes: impl AsRef<[u8]>) -> Project {
    let mut project = Project::new();
    let path = project.write("broken.wasm", bytes);
    project.set("component.todo.source", path.to_str().unwrap());
    project
}

#[tokio::test]
async fn an_unknown_field_is_named() {
    for (path, name) in [
        ("component.todo.sandbox", "sandbox"),
        ("component.todo.build.shell", "shell"),
        ("component.todo.tool.runtime-host.migration", "migration"),
        ("application.colour", "colour"),
        ("variables.database_url.hidden", "hidden"),
        ("nonsense", "nonsense"),
    ] {
        let mut project = Project::new();
        project.set(path, "x");
        refused(project, &[name, "spin.toml", "remove it"]).await;
    }
}

#[tokio::test]
async fn a_field_of_spins_that_the_host_does_not_support_is_named() {
    for (path, value, name) in [
        (
            "component.todo.key_value_stores",
            Value::Array(vec!["default".into()]),
            "key_value_stores",
        ),
        (
            "component.todo.sqlite_databases",
            Value::Array(vec!["default".into()]),
            "sqlite_databases",
        ),
        ("component.todo.ai_models", Value::Array(vec!["llama2-chat".into()]), "ai_models"),
        ("trigger.redis", Value::Array(vec![Value::Table(Table::new())]), "redis"),
    ] {
        let mut project = Project::new();
        project.set(path, value);
        refused(project, &[name]).await;
    }
}

#[tokio::test]
async fn another_version_of_the_manifest_is_named() {
    for version in [1, 3] {
        let mut project = Project::new();
        project.set("spin_manifest_version", version);
        refused(project, &["spin_manifest_version"]).await;
    }
}

#[tokio::test]
async fn a_manifest_that_is_no_toml_is_shown_where() {
    let project = Project::new();
    project.write("spin.toml", "spin_manifest_version = 2\n[application\n");
    refused(project, &["spin.toml", "2"]).await;
}

#[tokio::test]
async fn a_missing_manifest_is_named() {
    let said = up(Project::new()).argument("--from=nowhere.toml").fails().await;
    assert!(said.contains("nowhere.toml"), "{said}");
}

#[tokio::test]
async fn a_manifest_without_what_it_needs_says_what() {
    for (missing, words) in [
        ("spin_manifest_version", "spin_manifest_version"),
        ("application", "application"),
        ("trigger", "[[trigger.http]]"),
        ("component.todo.source", "source"),
    ] {
        let mut project = Project::new();
        project.remove(missing);
        refused(project, &[words]).await;
    }
}

#[tokio::test]
async fn a_route_that_is_none_is_named() {
    let mut project = Project::new();
    let route = Table::from_iter([
        ("route".to_owned(), "/api/.../x".into()),
        ("component".to_owned(), "todo".into()),
    ]);
    project.set("trigger.http", Value::Array(vec![Value::Table(route)]));
    refused(project, &["/api/.../x", "\"/a/...\""]).await;
}

#[tokio::test]
async fn a_route_to_a_component_that_is_not_there_is_named() {
    let mut project = Project::new();
    let route = Table::from_iter([
        ("route".to_owned(), "/...".into()),
        ("component".to_owned(), "nobody".into()),
    ]);
    project.set("trigger.http", Value::Array(vec![Value::Table(route)]));
    refused(project, &["nobody"]).await;
}

#[tokio::test]
async fn a_missing_component_is_named_with_what_to_do() {
    let mut project = Project::new();
    project.set("component.todo.source", "nowhere.wasm");
    refused(project, &["nowhere.wasm", "--build"]).await;
}

#[tokio::test]
async fn an_import_that_the_host_lacks_is_named() {
    refused(serving(component_that_wants_a_teapot()), &["acme:kitchen/teapot@1.0.0"]).await;
}

#[tokio::test]
async fn a_component_without_a_handler_is_told_what_to_export() {
    refused(serving(component_without_a_handler()), &["wasi:http/handler"]).await;
}

#[tokio::test]
async fn a_core_module_is_no_component() {
    refused(serving(core_module()), &["broken.wasm", "not a component", "wasm32-wasip2"]).await;
}

#[tokio::test]
async fn half_a_component_is_none() {
    refused(serving(half_a_component()), &["broken.wasm", "truncated", "build it again"]).await;
}

#[tokio::test]
async fn a_file_of_anything_else_is_no_component() {
    for (bytes, words) in [
        (b"".as_slice(), "empty"),
        (b"\0", "not WebAssembly"),
        (b"\x7fELF", "not WebAssembly"),
        (b"just some text", "not WebAssembly"),
        (b"\0asm", "build it again"),
        (b"\0asm\x0d\0\x01\0\xff\xff\xff", "build it again"),
    ] {
        refused(serving(bytes), &["broken.wasm", words]).await;
    }
}

#[tokio::test]
async fn a_folder_is_no_component() {
    let mut project = Project::new();
    project.set("component.todo.source", "/");
    refused(project, &["component"]).await;
}

#[tokio::test]
async fn an_undeclared_variable_is_named() {
    let mut project = Project::new();
    project.set("component.todo.variables.public_url", "https://{{ nonsense }}");
    refused(project, &["nonsense", "[variables]"]).await;
}

#[tokio::test]
async fn a_variable_in_half_a_pair_of_braces_is_shown() {
    let mut project = Project::new();
    project.set("component.todo.variables.public_url", "{{ database_url");
    refused(project, &["public_url"]).await;
}

#[tokio::test]
async fn a_required_variable_without_a_value_is_named_with_where_to_give_one() {
    let mut project = Project::new();
    project.set("variables.api_key.required", true);
    refused(project, &["api_key", "SPIN_VARIABLE_API_KEY"]).await;
}

#[tokio::test]
async fn a_value_that_is_no_text_is_named_without_being_shown() {
    use std::os::unix::ffi::OsStrExt as _;

    let project = Project::new();
    let mut command = tests::host::command("up");
    let value = std::ffi::OsStr::from_bytes(b"hunter2\xff");
    command.current_dir(project.folder()).env("SPIN_VARIABLE_PUBLIC_URL", value);
    let outcome = tests::child::run("runtime-host up", command).await;
    let said = outcome.failed();
    assert!(said.contains("SPIN_VARIABLE_PUBLIC_URL") && !said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn an_allowed_host_that_is_none_is_named() {
    for host in [
        "not a host",
        "db.example",
        "postgres://",
        "postgres://*.*.example:5432",
        "postgres://db.example:port",
    ] {
        let mut project = Project::new();
        project.set("component.todo.allowed_outbound_hosts", Value::Array(vec![host.into()]));
        refused(project, &[host]).await;
    }
}

#[tokio::test]
async fn a_database_on_a_host_that_is_not_allowed_is_not_connected_to() {
    let database = Database::new().await;
    let mut project = Project::new();
    project.set(
        "component.todo.allowed_outbound_hosts",
        Value::Array(vec!["postgres://db.example:5432".into()]),
    );
    let host = Up::on(database.url().as_str(), project).start().await;
    let answer = tests::http::client().get(format!("{}/todos", host.origin())).answer().await;
    assert!([500, 503].contains(&answer.status), "{answer:?}");
    host.says("allowed_outbound_hosts").await;
    let address = format!("127.0.0.1:{}", database.url().port().unwrap());
    assert!(host.log().contains(&address), "the log names {address}");
    assert!(!host.log().contains(database.url().password().unwrap()), "and not the password");
}

#[tokio::test]
async fn a_port_in_use_is_named_with_what_to_do() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let database = Database::new().await;
    let up = Up::on(database.url().as_str(), Project::new()).listen(&address);
    let said = up.fails().await;
    assert!(said.contains(&address) && said.contains("--listen"), "{said}");
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    for address in ["nonsense", "127.0.0.1", "127.0.0.1:99999", ":"] {
        let said = up(Project::new()).listen(address).fails().await;
        assert!(said.contains("--listen"), "{said}");
    }
}

#[tokio::test]
async fn a_database_url_that_is_none_is_refused_without_being_shown() {
    for url in
        ["hunter2", "mysql://user:hunter2@127.0.0.1/x", "postgres://user:hunter2@127.0.0.1:port/x"]
    {
        let project = Project::new();
        let mut command = tests::host::command("migrate");
        command.current_dir(project.folder()).env("SPIN_VARIABLE_DATABASE_URL", url);
        let outcome = tests::child::run("runtime-host migrate", command).await;
        let said = outcome.failed();
        assert!(
            said.contains("postgres://USER:PASSWORD@HOST") && !said.contains("hunter2"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_build_that_fails_is_told_and_nothing_is_served() {
    let mut project = Project::new();
    project.set("component.todo.build.command", "echo this went wrong >&2; exit 3");
    let said = up(project).argument("--build").fails().await;
    assert!(
        said.contains("this went wrong") && said.contains("the build command failed"),
        "{said}"
    );
}

#[tokio::test]
async fn a_build_command_runs_where_its_manifest_is() {
    let database = Database::new().await;
    let mut project = Project::new();
    project.write("built/component.wasm", tests::wasm::todo_component());
    project.set("component.todo.source", "component.wasm");
    // Each has a shell of its own.
    let commands = ["cd /; exit 0", "cp component.wasm .."].map(Value::from);
    project.set("component.todo.build.command", commands.to_vec());
    project.set("component.todo.build.workdir", "built");
    let host = Up::on(database.url().as_str(), project).argument("--build").start().await;
    tests::http::client().get(host.origin()).answer().await.is(200);
}

#[tokio::test]
async fn variables_come_from_the_environment_then_the_env_file_then_the_manifest() {
    let mut found = BTreeMap::new();
    for (place, environment, file, default) in [
        ("environment", Some("https://a.example"), Some("https://b.example"), "https://c.example"),
        ("file", None, Some("https://b.example"), "https://c.example"),
        ("manifest", None, None, "https://c.example"),
    ] {
        let database = Database::new().await;
        let mut project = Project::new();
        project.set("variables.public_url.default", default);
        let public =
            file.map(|url| format!("SPIN_VARIABLE_PUBLIC_URL={url}\n")).unwrap_or_default();
        project.write(
            ".env",
            format!("# comment\n{public}SPIN_VARIABLE_DATABASE_URL='{}'\n", database.url()),
        );
        let mut up = Up::new(project);
        if let Some(url) = environment {
            up = up.variable("public_url", url);
        }
        let host = up.start().await;
        let created =
            tests::http::client().post(format!("{}/todos", host.origin())).body(r#"{"title":"x"}"#);
        let todo = created.answer().await.is(201).json();
        found.insert(place, todo["url"].as_str().unwrap()[..17].to_owned());
    }
    let expected = [
        ("environment", "https://a.example"),
        ("file", "https://b.example"),
        ("manifest", "https://c.example"),
    ];
    assert_eq!(found, expected.map(|(place, url)| (place, url.to_owned())).into());
}
