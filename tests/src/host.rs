//! `runtime-host`, the real program.

use crate::child::{Child, Outcome, run};
use crate::{Answer, Ask, Project, http, postgres, program, target};
use std::path::Path;
use std::process::{Command, ExitStatus};
use url::Url;

/// `runtime-host VERB` with an environment that holds no variable of ours.
pub fn command(verb: &str) -> Command {
    command_of(&program("runtime-host"), verb)
}

fn command_of(host: &Path, verb: &str) -> Command {
    let mut command = Command::new(host);
    command.arg(verb).env_remove("RUST_LOG").env_remove("RUST_BACKTRACE");
    if let Some(programs) = postgres::downloaded() {
        // So that not every test downloads its own.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path =
            std::env::join_paths(std::iter::once(programs).chain(std::env::split_paths(&path)));
        command.env("PATH", path.expect("a PATH"));
    }
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SPIN_VARIABLE_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs `runtime-host migrate`.
pub async fn migrate(project: &Project, url: &Url) -> Outcome {
    let mut command = command("migrate");
    command.current_dir(project.folder()).env("SPIN_VARIABLE_DATABASE_URL", url.as_str());
    run("runtime-host migrate", command).await
}

/// What to start: `runtime-host up` on a project.
pub struct Up {
    project: Project,
    variables: Vec<(String, String)>,
    arguments: Vec<String>,
    listen: String,
}

impl Up {
    /// With no database given: the host starts one.
    pub fn new(project: Project) -> Self {
        Self { project, variables: vec![], arguments: vec![], listen: "127.0.0.1:0".to_owned() }
    }

    /// On this database.
    pub fn on(url: &str, project: Project) -> Self {
        // The same folder for all: it only holds compiled code then.
        let data = target().join("tmp/host");
        Self::new(project)
            .variable("database_url", url)
            .argument(&format!("--data-dir={}", data.display()))
    }

    /// The component that misbehaves as it is told, on this database, with an admin port.
    pub fn misbehaving(url: &str, arguments: &[&str]) -> Self {
        let up = Self::on(url, Project::misbehaving()).with_admin();
        arguments.iter().fold(up, |up, argument| up.argument(argument))
    }

    /// Gives the manifest's variable a value, by the environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((format!("SPIN_VARIABLE_{}", name.to_uppercase()), value.to_owned()));
        self
    }

    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// With an admin port, for [`Host::admin`].
    #[must_use]
    pub fn with_admin(self) -> Self {
        self.argument("--admin=127.0.0.1:0")
    }

    #[must_use]
    pub fn listen(mut self, address: &str) -> Self {
        address.clone_into(&mut self.listen);
        self
    }

    pub fn project(&self) -> &Project {
        &self.project
    }

    fn command(&self) -> Command {
        self.command_of(&program("runtime-host"))
    }

    /// The same for another build of the program.
    pub fn command_of(&self, host: &Path) -> Command {
        let mut command = command_of(host, "up");
        command
            .current_dir(self.project.folder())
            .args(["--listen", &self.listen])
            .args(&self.arguments);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts it and waits until it serves.
    pub async fn start(self) -> Host {
        let mut program = Child::spawn("runtime-host up", self.command());
        let address = program.line("Serving ").await;
        let url =
            address.parse().unwrap_or_else(|error| panic!("`{address}` is no address: {error}"));
        Host { program, url, project: self.project }
    }

    /// Starts it and expects it to give up: returns what it said.
    pub async fn fails(&self) -> String {
        let outcome = run("runtime-host up", self.command()).await;
        let said = outcome.failed().to_owned();
        assert!(!outcome.stdout.contains("Serving"), "it served before it failed: {said}");
        said
    }
}

/// A host that serves.
pub struct Host {
    program: Child,
    url: Url,
    project: Project,
}

impl Host {
    /// Where it serves, without a slash at the end.
    pub fn origin(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    /// Host and port, as in a `Host` header.
    pub fn authority(&self) -> &str {
        self.url.authority()
    }

    pub fn project(&self) -> &Project {
        &self.project
    }

    /// What it answers to a GET.
    pub async fn get(&self, path: &str) -> Answer {
        http::client().get(format!("{}{path}", self.origin())).answer().await
    }

    /// What the admin port answers; the host says in its log where that is.
    pub async fn admin(&self, path: &str) -> Answer {
        http::client().get(format!("{}{path}", self.admin_origin().await)).answer().await
    }

    /// Where its admin port is.
    pub async fn admin_origin(&self) -> String {
        self.says("admin on ").await;
        let said = self.program.stderr();
        let (_, rest) = said.split_once("admin on ").expect("the host has an admin port");
        let end = rest.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(rest.len());
        rest[..end].to_owned()
    }

    /// Has the misbehaving component run statements, a line each, by a version of `spin:postgres`.
    pub async fn run_sql(&self, version: u8, statements: &str) -> Answer {
        let url = format!("{}/sql/{version}", self.origin());
        http::client().post(url).body(statements.to_owned()).answer().await
    }

    /// The value of a metric, by its name and labels; 0 before it is first counted.
    pub async fn metric(&self, name: &str) -> u64 {
        let metrics = self.admin("/metrics").await.is(200);
        let found = metrics.text().lines().find_map(|line| line.strip_prefix(name));
        found.map_or(0, |value| value.trim().parse().expect("a whole number"))
    }

    pub fn program(&mut self) -> &mut Child {
        &mut self.program
    }

    /// Waits until its log holds `text`.
    pub async fn says(&self, text: &str) {
        self.program.says(text).await;
    }

    pub fn log(&self) -> String {
        self.program.log()
    }

    /// Its project; it is stopped.
    pub fn into_project(self) -> Project {
        self.project
    }

    /// Stops it as a terminal or a service manager does.
    pub async fn stop(mut self) -> (ExitStatus, Project) {
        let status = self.program.stop().await;
        (status, self.project)
    }
}
