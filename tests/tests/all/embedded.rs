//! The PostgreSQL that the host starts when it is given none.

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tests::child::Child;
use tests::host::{Up, command};
use tests::postgres::address_in;
use tests::{Ask, Host, Project, until};

/// A project that was given no database.
fn project() -> Project {
    tests::postgres::ready(); // so that PostgreSQL is downloaded once at most
    Project::new()
}

async fn add(host: &Host, title: &str) {
    let url = format!("{}/todos", host.origin());
    tests::http::client().post(url).json(&json!({ "title": title })).answer().await.is(201);
}

async fn titles(host: &Host) -> Vec<String> {
    let list =
        tests::http::client().get(format!("{}/todos", host.origin())).answer().await.is(200).json();
    list.as_array().unwrap().iter().map(|todo| todo["title"].as_str().unwrap().to_owned()).collect()
}

/// The file that a running server keeps in its data folder.
fn pid_file(folder: &Path) -> Option<PathBuf> {
    std::fs::read_dir(folder).ok()?.flatten().find_map(|entry| {
        let path = entry.path();
        if path.ends_with("postmaster.pid") {
            return Some(path);
        }
        path.is_dir().then(|| pid_file(&path)).flatten()
    })
}

/// The process id of the server that runs on this project's data.
fn server(project: &Project) -> Pid {
    let file = pid_file(&project.path(".todoozle")).expect("a server runs");
    let text = std::fs::read_to_string(file).unwrap();
    Pid::from_raw(text.lines().next().unwrap().trim().parse().unwrap())
}

fn runs(server: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{server}/stat")).unwrap_or_default();
    let has_ended = stat.contains(") Z "); // it only waits for somebody to notice
    !has_ended && kill(server, None) != Err(Errno::ESRCH)
}

async fn has_ended(server: Pid) {
    until("PostgreSQL has ended", async || (!runs(server)).then_some(())).await;
}

/// `runtime-host db`, as soon as it is ready.
async fn db(project: &Project) -> Child {
    let mut command = command("db");
    command.current_dir(project.folder());
    let mut program = Child::spawn("runtime-host db", command);
    program.line("PostgreSQL ready on ").await;
    program
}

#[tokio::test]
async fn data_is_kept_between_runs_and_no_process_is_left() {
    let mut project = project();
    for run in 1..=3 {
        let host = Up::new(project).start().await;
        add(&host, &format!("run {run}")).await;
        assert_eq!(titles(&host).await.len(), run);
        let server = server(host.project());
        assert!(runs(server));
        let (status, stopped) = host.stop().await;
        assert!(status.success(), "{status}");
        has_ended(server).await;
        assert_eq!(pid_file(&stopped.path(".todoozle")), None, "and ended in order");
        project = stopped;
    }
}

#[tokio::test]
async fn it_is_announced_with_where_the_data_is() {
    let host = Up::new(project()).start().await;
    host.says(".todoozle").await;
}

#[tokio::test]
async fn an_interrupt_from_the_terminal_stops_it_as_well() {
    let mut host = Up::new(project()).start().await;
    let server = server(host.project());
    host.program().signal(Signal::SIGINT);
    assert!(host.program().ends().await.success());
    has_ended(server).await;
}

#[tokio::test]
async fn after_a_crash_of_the_host_the_data_is_there() {
    let mut host = Up::new(project()).start().await;
    add(&host, "before the crash").await;
    let before = server(host.project());
    host.program().signal(Signal::SIGKILL);
    host.program().ends().await;
    let project = host.into_project();
    let again = Up::new(project).start().await;
    assert_eq!(titles(&again).await, ["before the crash"]);
    let (status, _) = again.stop().await;
    assert!(status.success());
    has_ended(before).await;
}

#[tokio::test]
async fn after_a_crash_of_everything_the_data_is_there() {
    let mut host = Up::new(project()).start().await;
    add(&host, "before the crash").await;
    let server = server(host.project());
    host.program().signal(Signal::SIGKILL);
    let _ = kill(server, Signal::SIGKILL);
    host.program().ends().await;
    has_ended(server).await;
    let again = Up::new(host.into_project()).start().await;
    assert_eq!(titles(&again).await, ["before the crash"]);
}

#[tokio::test]
async fn it_is_for_its_owner_only() {
    let host = Up::new(project()).start().await;
    let data = pid_file(&host.project().path(".todoozle")).unwrap();
    let mode = std::fs::metadata(data.parent().unwrap()).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "others may not enter the data folder: {mode:o}");
}

#[tokio::test]
async fn a_second_host_on_the_same_data_does_no_harm() {
    let host = Up::new(project()).start().await;
    add(&host, "from the first").await;
    let mut second = command("up");
    second.current_dir(host.project().folder()).args(["--listen", "127.0.0.1:0"]);
    let mut second = Child::spawn("the second runtime-host up", second);
    // It may share the server or refuse, but not take it away.
    until("the second serves, or has ended and says why", async || {
        let refuses = second.has_ended() && second.stderr().contains(".todoozle");
        (refuses || second.stdout().contains("Serving")).then_some(())
    })
    .await;
    drop(second);
    assert_eq!(titles(&host).await, ["from the first"]);
}

#[tokio::test]
async fn db_writes_its_address_for_others_and_keeps_their_lines() {
    let project = project();
    project.write(".env", "# mine\nSPIN_VARIABLE_PUBLIC_URL=https://todo.example\nOTHER='a b'\n");
    let mut program = db(&project).await;
    let env = project.read(".env");
    for kept in ["# mine", "SPIN_VARIABLE_PUBLIC_URL=https://todo.example", "OTHER='a b'"] {
        assert!(env.contains(kept), "`{kept}` is in {env}");
    }
    let mode = std::fs::metadata(project.path(".env")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it holds a password");
    let password = address_in(&env).password().unwrap_or_default().to_owned();
    assert!(!password.is_empty() && !program.log().contains(&password));

    // The table is there, for whoever has the address.
    let (client, connection) =
        tokio_postgres::connect(address_in(&env).as_str(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.query("SELECT * FROM todoitem", &[]).await.unwrap();
    drop(client);

    let server = server(&project);
    assert!(program.stop().await.success());
    has_ended(server).await;
}

#[tokio::test]
async fn up_uses_the_server_that_db_runs_and_leaves_it_running() {
    let project = project();
    let mut program = db(&project).await;
    let server = server(&project);
    let host = Up::new(project).start().await;
    add(&host, "by up").await;
    let (status, project) = host.stop().await;
    assert!(status.success());
    assert!(runs(server), "it belongs to `db`");
    assert!(program.stop().await.success());

    // Its address is still in `.env`, but nobody runs it: now `up` does.
    let host = Up::new(project).start().await;
    assert_eq!(titles(&host).await, ["by up"]);
    let (status, _) = host.stop().await;
    assert!(status.success());
}

#[tokio::test]
async fn db_started_twice_writes_one_address() {
    let project = project();
    for _ in 0..2 {
        let mut program = db(&project).await;
        assert!(program.stop().await.success());
    }
    assert_eq!(project.read(".env").matches("SPIN_VARIABLE_DATABASE_URL").count(), 1);
}

#[tokio::test]
async fn the_data_folder_may_be_elsewhere() {
    let folder = tests::project::folder();
    let data = folder.path().join("some where else");
    let host = Up::new(project()).argument(&format!("--data-dir={}", data.display())).start().await;
    add(&host, "elsewhere").await;
    assert!(pid_file(&data).is_some());
    assert!(!host.project().path(".todoozle").exists());
    let (status, _) = host.stop().await;
    assert!(status.success());
}

#[tokio::test]
async fn data_beside_a_private_folder_has_a_place_where_its_user_gets_to() {
    let project = project();
    std::fs::set_permissions(project.folder(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let host = Up::new(project).start().await;
    add(&host, "in private").await;
    assert_eq!(titles(&host).await, ["in private"]);
    host.says("its data is in ").await;
    let log = host.log();
    let (status, stopped) = host.stop().await;
    assert!(status.success());
    let said = log.lines().find_map(|line| line.split_once("its data is in "));
    let data = Path::new(said.expect("the host says where the data is").1);
    if !data.starts_with(stopped.folder().canonicalize().unwrap()) {
        std::fs::remove_dir_all(data).unwrap(); // root's project, and so not in it
    }
}

#[tokio::test]
async fn a_manifest_without_a_database_starts_none() {
    let mut project = project();
    project.remove("variables.database_url");
    project.remove("component.todo.variables.database_url");
    let host = Up::new(project).start().await;
    assert!(!host.project().path(".todoozle/postgres").exists());
}
