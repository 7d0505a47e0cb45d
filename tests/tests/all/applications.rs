//! Applications of several components, with files of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tests::host::Up;
use tests::http::client;
use tests::wasm::{component_that_wants_a_teapot, core_module, whole_digest};
use tests::{Ask, Host, Project, test_component, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use toml::{Table, Value};

fn table(pairs: &[(&str, Value)]) -> Value {
    Value::Table(pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

fn texts(texts: &[&str]) -> Value {
    texts.iter().map(|text| Value::from(*text)).collect::<Vec<_>>().into()
}

/// `web` has all paths but those of `api`, and nobody may ask for `inner` but components. All are
/// the one that does as it is told.
fn project() -> Project {
    let mut project = Project::new();
    let route = |path: Value, id: &str| table(&[("route", path), ("component", id.into())]);
    let private = table(&[("private", true.into())]);
    let routes = [("/...".into(), "web"), ("/api/...".into(), "api"), (private, "inner")];
    let routes: Vec<Value> = routes.into_iter().map(|(path, id)| route(path, id)).collect();
    project.set("trigger.http", routes);
    project.set("component", Table::new());
    project.remove("variables");
    for id in ["web", "api", "inner"] {
        project.write(&format!("{id}.wasm"), std::fs::read(test_component()).unwrap());
        project.set(&format!("component.{id}.source"), format!("{id}.wasm"));
        project.set(&format!("component.{id}.variables.me"), id);
    }
    project
}

async fn start(project: Project) -> Host {
    Up::new(project).start().await
}

/// What a component at `path` is told by `url`.
async fn ask(host: &Host, path: &str, url: &str) -> String {
    let request = client().post(format!("{}{path}", host.origin())).body(url.to_owned());
    request.answer().await.is(200).text().to_owned()
}

#[tokio::test]
async fn each_component_has_its_routes_and_its_surroundings() {
    let mut project = project();
    project.set("component.web.files", texts(&["own.txt"]));
    project.write("own.txt", "web's own");
    let host = start(project).await;
    for (path, text) in [
        ("/config/me", "Some(\"web\")"),
        ("/api/config/me", "Some(\"api\")"),
        ("/apis", "/apis"),
        ("/read/own.txt", "web's own"),
    ] {
        assert_eq!(host.get(path).await.is(200).text(), text, "{path}");
    }
    host.get("/api/read/own.txt").await.is(404);
    let echo = host.get("/api/echo").await.is(200).text().to_owned();
    assert!(echo.contains("spin-component-route: /api\n"), "{echo}");
}

#[tokio::test]
async fn a_component_reads_its_own_files_and_no_others() {
    let mut project = project();
    let placed = table(&[("source", "assets".into()), ("destination", "/site".into())]);
    let mut files: Vec<Value> = vec!["texts/**/*".into(), "one.txt".into()];
    files.push(placed);
    project.set("component.web.files", files);
    project.set("component.web.exclude_files", texts(&["**/*.map"]));
    for name in ["texts/a.txt", "texts/deep/b.txt", "one.txt", "assets/x.js", "assets/x.js.map"] {
        project.write(name, format!("this is {name}"));
    }
    let host = start(project).await;
    for (path, name) in [
        ("/read/texts/a.txt", "texts/a.txt"),
        ("/read/texts/deep/b.txt", "texts/deep/b.txt"),
        ("/read/one.txt", "one.txt"),
        ("/read/site/x.js", "assets/x.js"),
    ] {
        assert_eq!(host.get(path).await.is(200).text(), format!("this is {name}"));
    }
    assert_eq!(host.get("/list/").await.is(200).text(), "one.txt site texts");
    for path in [
        "/read/site/x.js.map",
        "/read/../spin.toml",
        "/read/etc/passwd",
        "/write/one.txt",
        "/write/new.txt",
    ] {
        let answer = host.get(path).await;
        assert_ne!(answer.text(), "written", "{path}");
        assert!(!answer.text().starts_with("this is"), "{path}: {}", answer.text());
    }
}

#[tokio::test]
async fn components_ask_one_another_without_a_network() {
    let mut project = project();
    project.set("component.web.allowed_outbound_hosts", texts(&["http://*.spin.internal"]));
    project.set("component.api.allowed_outbound_hosts", texts(&["http://self"]));
    let mut host = start(project).await;

    let told = ask(&host, "/ask", "http://inner.spin.internal/echo?x=1").await;
    for line in [
        "200 OK",
        "spin-full-url: http://inner.spin.internal/echo?x=1",
        "spin-path-info: /echo",
        "spin-client-addr: 0.0.0.0:0",
    ] {
        assert!(told.lines().any(|found| found == line), "{line} in {told}");
    }
    assert_eq!(
        ask(&host, "/ask", "http://inner.spin.internal/status/418").await,
        "418 I'm a teapot\non demand"
    );
    for (url, error) in [
        ("http://nobody.spin.internal/", "DestinationNotFound"),
        ("http://self.alt/echo", "HttpRequestDenied"),
        ("/echo", "HttpRequestDenied"),
        ("http://inner.spin.internal/trap", "ConnectionTerminated"),
    ] {
        let told = ask(&host, "/ask", url).await;
        assert!(told.contains(error), "{url}: {told}");
    }
    assert!(!host.program().has_ended());
    // Outside, there is no such host.
    let outside = client().get(format!("{}/echo", host.origin()));
    let echo = outside.header("host", "inner.spin.internal").answer().await;
    assert!(echo.text().contains("spin-matched-route: /...\n"), "{}", echo.text());
}

#[tokio::test]
async fn a_component_asks_its_own_application_by_its_routes() {
    let mut project = project();
    project.set("component.web.allowed_outbound_hosts", texts(&["http://self"]));
    project.set("component.api.allowed_outbound_hosts", texts(&["http://self"]));
    let host = start(project).await;
    for url in ["/api/echo", "http://self.alt/api/echo", "http://self/api/echo"] {
        let told = ask(&host, "/ask", url).await;
        for line in [
            "200 OK".to_owned(),
            format!("spin-full-url: {}/api/echo", host.origin()),
            "spin-matched-route: /api/...".to_owned(),
        ] {
            assert!(told.lines().any(|found| found == line), "{url}: {line} in {told}");
        }
    }
    assert_eq!(ask(&host, "/api/ask", "/status/418").await, "418 I'm a teapot\non demand");
}

#[tokio::test]
async fn a_path_without_a_route_is_nowhere_for_components_as_well() {
    let mut project = project();
    project.set("component.web.allowed_outbound_hosts", texts(&["http://self"]));
    let route = table(&[("route", "/ask".into()), ("component", "web".into())]);
    project.set("trigger.http", vec![route]);
    project.remove("component.api");
    project.remove("component.inner");
    let host = start(project).await;
    host.get("/echo").await.is(404);
    let root = client().post(format!("{}/ask", host.origin())).body("/echo").answer().await;
    assert_eq!(root.is(200).text(), "404 Not Found\n");
}

#[tokio::test]
async fn whoever_asks_itself_for_ever_is_told_so() {
    let mut project = project();
    project.set("component.web.allowed_outbound_hosts", texts(&["http://*.spin.internal"]));
    let host = start(project).await;
    let told = host.get("/turn").await.is(200).text().to_owned();
    assert!(told.contains("LoopDetected"), "{told}");
    host.says("asked one another").await;
    host.get("/x").await.is(200);
}

#[tokio::test]
async fn a_file_and_a_component_are_renewed_each_by_itself() {
    let mut project = project();
    project.set("component.web.files", texts(&["own"]));
    project.write("own/a.txt", "one");
    let host = Up::new(project).argument("--watch").start().await;
    assert_eq!(host.get("/read/own/a.txt").await.is(200).text(), "one");

    host.project().replace("own/a.txt", "two");
    let renewed = async || (host.get("/read/own/a.txt").await.text() == "two").then_some(());
    until("the new file is served", renewed).await;

    host.project().replace("api.wasm", core_module());
    host.says("cannot serve the components").await;
    host.says("api: it is a core WebAssembly module").await;
    assert_eq!(host.get("/api/x").await.is(200).text(), "/x");
    host.project().replace("api.wasm", std::fs::read(test_component()).unwrap());
    host.project().replace("own/b.txt", "three");
    let renewed = async || (host.get("/read/own/b.txt").await.text() == "three").then_some(());
    until("the component is right again", renewed).await;
}

#[tokio::test]
async fn what_is_wrong_is_named_with_its_component() {
    for (name, bytes, says) in [
        ("api", component_that_wants_a_teapot(), "api: it imports"),
        ("inner", core_module(), "inner: it is a core"),
    ] {
        let project = project();
        project.write(&format!("{name}.wasm"), bytes);
        let said = Up::new(project).fails().await;
        assert!(said.contains(says), "{said}");
    }
    let mut project = project();
    project.set("component.web.files", texts(&["nothing/*"]));
    let said = Up::new(project).fails().await;
    assert!(said.contains("component.web") && said.contains("nothing/*"), "{said}");
}

#[tokio::test]
async fn a_component_is_downloaded_once_and_only_by_its_digest() {
    let bytes = std::fs::read(test_component()).unwrap();
    let (url, asked) = file_server(bytes.clone()).await;
    let source = |digest: &str| {
        table(&[("url", url.as_str().into()), ("digest", format!("sha256:{digest}").into())])
    };
    let mut other = project();
    other.set("component.web.source", source(&whole_digest(b"another")));
    let said = Up::new(other).fails().await;
    assert!(said.contains("has the digest") && said.contains(&url), "{said}");

    let mut project = project();
    project.set("component.web.source", source(&whole_digest(&bytes)));
    let host = start(project).await;
    host.get("/x").await.is(200);
    let (_, project) = host.stop().await;
    let host = start(project).await;
    host.get("/x").await.is(200);
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

/// Where these bytes are served, and how often they were asked for.
async fn file_server(bytes: Vec<u8>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a.wasm", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            let length = bytes.len();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&bytes).await.unwrap();
        }
    });
    (url, asked)
}
