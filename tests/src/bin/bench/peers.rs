//! The servers that are compared, and what each calls a route.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tests::child::Child;
use tests::host::Up;
use tests::{Ask as _, Database, Project, program, target};
use url::Url;

use crate::load::Ask;

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// The SDK's first component.
    Hello,
    /// An asset that the guest holds.
    Constant,
    TenRows,
    OneRow,
    Write,
    /// The page of a list of that many todos.
    Page(u32),
}

impl Route {
    pub const EACH: [Self; 7] = [
        Self::Hello,
        Self::Constant,
        Self::TenRows,
        Self::OneRow,
        Self::Write,
        Self::Page(20),
        Self::Page(50),
    ];

    pub fn name(self) -> String {
        match self {
            Self::Hello => "hello".into(),
            Self::Constant => "constant".into(),
            Self::TenRows => "ten rows".into(),
            Self::OneRow => "one row".into(),
            Self::Write => "write".into(),
            Self::Page(rows) => format!("page of {rows}"),
        }
    }

    /// Rows in the table when it is asked for.
    pub fn rows(self) -> u32 {
        match self {
            Self::Page(rows) => rows,
            _ => 1000,
        }
    }
}

/// A server that runs.
pub struct Peer {
    pub name: String,
    program: Program,
    hello: Option<Program>,
    icon: String,
    page: fn(u32) -> String,
}

struct Program {
    process: Child,
    url: Url,
}

impl Peer {
    pub async fn native(database: &Database) -> Self {
        let mut command = Command::new(program("native"));
        command.env("DATABASE_URL", database.url().as_str());
        let program = Program::start("native", command).await;
        let page = |rows| format!("/?limit={rows}");
        Self { name: "native".into(), program, hello: None, icon: "/asset".into(), page }
    }

    /// This host, with the todo component and with the SDK's first one.
    pub async fn host(name: &str, host: &Path, database: &Database) -> Self {
        let start = async |project: Project| {
            let up = Up::on(database.url().as_str(), project);
            Program::start("runtime-host", up.command_of(host)).await
        };
        let (program, hello) = (start(Project::new()).await, start(hello_project()).await);
        let icon = icon(&program.url).await;
        Self { name: name.into(), program, hello: Some(hello), icon, page: |_| "/".into() }
    }

    /// `wasmtime serve`, which has no database to offer. `None` where it is not in the `PATH`.
    pub async fn wasmtime() -> Option<Self> {
        Command::new("wasmtime").arg("--version").output().ok()?;
        let mut command = Command::new("wasmtime");
        command.args(["serve", "-Scli", "-Wcomponent-model-async=y", "-Sp3", "--addr=127.0.0.1:0"]);
        command.arg(hello());
        let process = Child::spawn("wasmtime serve", command);
        let url = process.line_on_stderr("Serving HTTP on ").await.parse().expect("an address");
        let program = Program { process, url };
        let (name, icon) = ("wasmtime serve".into(), String::new());
        Some(Self { name, program, hello: None, icon, page: |_| String::new() })
    }

    /// Whether it has the route at all.
    pub fn has(&self, route: Route) -> bool {
        route == Route::Hello || !self.icon.is_empty()
    }

    pub fn ask(&self, route: Route) -> Ask {
        let path = match route {
            Route::Hello if self.hello.is_none() && self.icon.is_empty() => "/".into(),
            Route::Hello => "/hello".into(),
            Route::Constant => self.icon.clone(),
            Route::TenRows => "/todos?limit=10".into(),
            Route::OneRow => "/todos/7".into(),
            Route::Write => "/todos".into(),
            Route::Page(rows) => (self.page)(rows),
        };
        let url = self.at(route).url.join(&path).expect("an address");
        Ask { url, body: (route == Route::Write).then_some(r#"{"title":"written by the bench"}"#) }
    }

    /// User and system time of the process that answers the route.
    pub fn cpu(&self, route: Route) -> Duration {
        let stat = self.at(route).read("stat");
        let (_, fields) = stat.rsplit_once(") ").expect("a process's state");
        let ticks: u64 =
            fields.split(' ').skip(11).take(2).map(|n| n.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
    }

    /// Memory in MB. A page that the process has mapped several times counts once, as it does for a
    /// container's limit: each instance maps the component's data again.
    pub fn memory(&self, route: Route) -> f64 {
        let maps = self.at(route).read("smaps_rollup");
        let kilobytes = maps.lines().find_map(|line| line.strip_prefix("Pss:")).expect("Pss");
        kilobytes.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1e3
    }

    fn at(&self, route: Route) -> &Program {
        match &self.hello {
            Some(hello) if route == Route::Hello => hello,
            _ => &self.program,
        }
    }
}

impl Program {
    async fn start(name: &'static str, command: Command) -> Self {
        let mut process = Child::spawn(name, command);
        let url = process.line("Serving ").await.parse().expect("an address");
        Self { process, url }
    }

    fn read(&self, file: &str) -> String {
        let path = format!("/proc/{}/{file}", self.process.pid());
        std::fs::read_to_string(path).expect("the process runs")
    }
}

/// From the start of the process to its first answer, with everything cached.
pub async fn first_answer(host: Option<&Path>, database: &Database) -> Duration {
    let begin = Instant::now();
    let peer = if let Some(host) = host {
        let up = Up::on(database.url().as_str(), Project::new());
        Program::start("runtime-host", up.command_of(host)).await
    } else {
        let mut command = Command::new(program("native"));
        command.env("DATABASE_URL", database.url().as_str());
        Program::start("native", command).await
    };
    let url = peer.url.join("/todos?limit=10").expect("an address");
    tests::http::client().get(url).answer().await.is(200);
    begin.elapsed()
}

fn hello() -> std::path::PathBuf {
    target().join("wasm32-wasip2/component/hello.wasm")
}

fn hello_project() -> Project {
    let mut project = Project::new();
    project.set("component.todo.source", hello().to_str().expect("a UTF-8 path"));
    project
}

/// Where this version of the component has its icon.
async fn icon(url: &Url) -> String {
    let page = tests::http::client().get(url.clone()).answer().await.is(200);
    let (_, rest) = page.text().split_once("/assets/icon").expect("the page has an icon");
    let end = rest.find('"').expect("an attribute ends");
    format!("/assets/icon{}", &rest[..end])
}
