//! How answers end: whole, broken off, or not as a component says; and where it cannot be said.

use std::process::Command;

use tests::child::{Child, run};
use tests::host::{Up, command};
use tests::{Ask, Host, Project, http, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A host whose component does as it is told, and may ask its own application and `allowed`.
async fn host(allowed: &str, arguments: &[&str]) -> Host {
    let mut project = Project::misbehaving();
    let hosts = ["http://self", allowed].map(str::to_owned).to_vec();
    project.set("component.todo.allowed_outbound_hosts", hosts);
    let up = Up::on("postgres://nobody@127.0.0.1:1/nothing", project).listen("localhost:0");
    arguments.iter().fold(up.with_admin(), |up, argument| up.argument(argument)).start().await
}

/// All that comes over a connection until it ends.
async fn read(host: &Host, method: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(host.authority()).await.unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    let _ = stream.read_to_end(&mut read).await;
    String::from_utf8(read).unwrap()
}

async fn asks(host: &Host, url: &str, seconds: &str) -> String {
    let request = http::client().post(format!("{}/ask", host.origin())).body(url.to_owned());
    let request = request.header("first-byte-timeout", seconds);
    request.answer().await.is(200).text().to_owned()
}

#[tokio::test]
async fn an_answer_that_breaks_off_does_not_look_whole() {
    let host = host("http://127.0.0.1:*", &["--response-timeout=300ms"]).await;
    for path in ["/broken", "/stuck"] {
        let got = read(&host, "GET", path).await;
        assert!(got.starts_with("HTTP/1.1 200 "), "{path}: {got}");
        assert_eq!(got.matches("piece").count(), 3, "{path}: {got}");
        assert!(!got.ends_with("0\r\n\r\n"), "{path}: {got}");
        let told = asks(&host, &format!("http://self.alt{path}"), "60").await;
        assert!(!told.starts_with("200"), "{path}: {told}");
    }
    assert!(read(&host, "GET", "/fine").await.ends_with("0\r\n\r\n"));
    let reasons = ["trap", "timeout"];
    for reason in reasons {
        let name = format!("runtime_host_component_failures_total{{reason=\"{reason}\"}}");
        let what = format!("two are counted as {reason}");
        until(&what, async || (host.metric(&name).await == 2).then_some(())).await;
    }
}

#[tokio::test]
async fn a_status_that_is_no_answer_is_none_and_205_has_no_body() {
    let host = host("http://127.0.0.1:*", &[]).await;
    for status in [100, 101, 103] {
        let got = read(&host, "GET", &format!("/status/{status}")).await;
        assert!(got.starts_with("HTTP/1.1 500 ") && got.contains("problem+json"), "{got}");
    }
    for (method, path) in [("GET", "/status/205"), ("HEAD", "/status/205"), ("GET", "/status/204")]
    {
        let got = read(&host, method, path).await;
        assert!(got.ends_with("\r\n\r\n") && !got.contains("chunked"), "{got}");
    }
    assert!(read(&host, "GET", "/status/205").await.to_lowercase().contains("content-length: 0"));
    assert_eq!(asks(&host, "http://self.alt/status/205", "60").await, "205 Reset Content\n");
}

#[tokio::test]
async fn a_component_has_its_own_patience_and_a_name_no_case() {
    let host = host("http://127.0.0.1:*", &[]).await;
    for url in ["http://self.alt/sleep", "http://SELF/sleep"] {
        let told = asks(&host, url, "1").await;
        assert!(told.contains("ConnectionReadTimeout"), "{url}: {told}");
    }
    assert_eq!(asks(&host, "http://Self.ALT/x", "60").await, "200 OK\n/x");
    for url in
        ["http://user:hunter2@127.0.0.1:1/", "http://user@self.alt/", "http://127.0.0.1:99999/"]
    {
        let told = asks(&host, url, "60").await;
        assert!(told.contains("HttpRequestUriInvalid"), "{url}: {told}");
    }
    host.says("a header of their own").await;
    assert!(!host.log().contains("hunter2"));
}

/// The same command, of which one shell script has done with its output.
fn with_output(script: &str, command: &Command) -> Command {
    let mut shell = Command::new("bash");
    shell
        .args(["-o", "pipefail", "-c", script])
        .arg(command.get_program())
        .args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

#[tokio::test]
async fn output_that_nobody_takes_ends_no_host_without_order() {
    tests::postgres::ready();
    let project = Project::new();
    let mut up = command("up");
    up.current_dir(project.folder()).args(["--listen", "127.0.0.1:0"]);
    // With a database of its own, which must not be left behind.
    let outcome = run("runtime-host up", with_output("\"$0\" \"$@\" >/dev/full", &up)).await;
    assert!(outcome.failed().contains("write to standard output"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("PostgreSQL stopped"), "{}", outcome.stderr);

    up.env("SPIN_VARIABLE_DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing");
    let silent = with_output("exec \"$0\" \"$@\" 2>/dev/full", &up);
    let mut child = Child::spawn("runtime-host up", silent);
    child.line("Serving ").await;
    assert!(child.stop().await.success());

    let mut completions = command("completions");
    completions.arg("bash");
    let full = with_output("\"$0\" \"$@\" >/dev/full", &completions);
    run("runtime-host completions", full).await.failed();
    let left = with_output("\"$0\" \"$@\" | true", &completions);
    run("runtime-host completions", left).await.succeeded();
}
