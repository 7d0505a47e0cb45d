//! `--watch`: a new version takes over in place, and a bad one does not.

use tests::load::Load;
use tests::wasm::{
    component_that_wants_a_teapot, core_module, digest, half_a_component, todo_component,
    version_called,
};
use tests::{App, Ask, Project, until};

/// An app whose component is built by copying `next.wasm`, and built again
/// whenever that file changes.
async fn watching() -> App {
    App::with_project(project(), |up| up.argument("--build").argument("--watch")).await
}

fn project() -> Project {
    let mut project = Project::new();
    project.write("next/component.wasm", todo_component());
    project.set("component.todo.source", "component.wasm");
    project.set(
        "component.todo.build.command",
        "cp next/component.wasm component.tmp && mv component.tmp component.wasm",
    );
    project.set("component.todo.build.watch", toml::Value::Array(vec!["next/*.wasm".into()]));
    project
}

/// Which version answers: it says so in its problems.
async fn version(app: &App) -> String {
    let problem = app.get("/todos/0").answer().await.json();
    problem["type"].as_str().unwrap().split(':').nth(2).unwrap().to_owned()
}

async fn comes_to_be(app: &App, name: &str) {
    let what = format!("the version `{name}` answers");
    until(&what, async || (version(app).await == name).then_some(())).await;
}

#[tokio::test]
async fn a_new_version_takes_over_in_the_same_process() {
    let mut app = watching().await;
    let pid = app.host.program().pid();
    assert_eq!(version(&app).await, "problem");
    for name in ["version", "changed", "problem"] {
        let component = if name == "problem" { todo_component() } else { version_called(name) };
        app.host.project().replace("next/component.wasm", &component);
        comes_to_be(&app, name).await;
        app.host.says(&digest(&component)).await;
    }
    app.host.says("swapped").await;
    assert_eq!(app.host.program().pid(), pid);
    assert!(!app.host.program().has_ended());
}

#[tokio::test]
async fn no_request_fails_while_versions_change() {
    let app = watching().await;
    let load = Load::start(&app, 8);
    load.goes_on_for(100).await;
    for name in ["version", "changed", "another", "further"] {
        app.host.project().replace("next/component.wasm", version_called(name));
        comes_to_be(&app, name).await;
        load.goes_on_for(100).await;
    }
    let failures = load.end().await;
    assert!(failures.is_empty(), "{} failed: {:?}", failures.len(), failures.first());
}

#[tokio::test]
async fn a_swap_opens_no_connection_to_the_database() {
    let app = watching().await;
    app.list().await;
    // The host's own look at the migrations may just be ending.
    until("there is one connection", async || {
        (app.database.connections().await.len() == 1).then_some(())
    })
    .await;
    let before = app.database.connections().await;
    app.host.project().replace("next/component.wasm", version_called("version"));
    comes_to_be(&app, "version").await;
    app.list().await;
    assert_eq!(app.database.connections().await, before);
}

#[tokio::test]
async fn a_bad_version_is_told_and_the_old_one_stays() {
    let app = watching().await;
    let wrong = [
        ("component", core_module()),
        ("component", half_a_component()),
        ("acme:kitchen/teapot@1.0.0", component_that_wants_a_teapot()),
        ("component", b"just some text".to_vec()),
    ];
    for (number, (words, bytes)) in wrong.into_iter().enumerate() {
        let said = app.host.log().len();
        app.host.project().replace("next/component.wasm", bytes);
        let what = format!("it says what is wrong with number {number}");
        until(&what, async || app.host.log()[said..].contains(words).then_some(())).await;
        assert_eq!(version(&app).await, "problem");
    }
    app.host.project().replace("next/component.wasm", version_called("version"));
    comes_to_be(&app, "version").await;
}

#[tokio::test]
async fn a_build_that_fails_is_told_and_the_old_version_stays() {
    let app = watching().await;
    app.host.project().write("next/other.wasm", ""); // a change, so that it builds
    std::fs::remove_file(app.host.project().path("next/component.wasm")).unwrap();
    app.host.says("cp next/component.wasm").await;
    assert_eq!(version(&app).await, "problem");
    app.host.project().replace("next/component.wasm", version_called("version"));
    comes_to_be(&app, "version").await;
}

#[tokio::test]
async fn a_change_elsewhere_builds_nothing() {
    let app = watching().await;
    let before = app.host.log();
    app.host.project().write("other/file.txt", "x");
    app.host.project().replace("next/component.wasm", version_called("version"));
    comes_to_be(&app, "version").await;
    let swaps = || app.host.log()[before.len()..].matches("swapped").count();
    until("it is told", async || (swaps() > 0).then_some(())).await;
    assert_eq!(swaps(), 1);
}

#[tokio::test]
async fn two_versions_serve_each_others_assets() {
    let app = watching().await;
    let page = app.get("/").answer().await.is(200);
    let (_, rest) = page.text().split_once("rel=\"stylesheet\" href=\"").unwrap();
    let old = rest.split_once('"').unwrap().0;
    app.host.project().replace("next/component.wasm", version_called("version"));
    comes_to_be(&app, "version").await;
    app.get(old).answer().await.is(200);
}
