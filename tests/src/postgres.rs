//! One PostgreSQL for all tests of this process, one database for each.

use crate::child::Child;
use crate::until::on_a_thread;
use crate::{Project, folder, host, target};
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio_postgres::{NoTls, Row, SimpleQueryMessage};
use url::Url;

/// The server that `runtime-host db` runs: what a developer gets is what is tested.
struct Server {
    url: Url,
    _program: Child,
}

const TEMPLATE: &str = "tests_template";

impl Server {
    fn get() -> &'static Self {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(Self::start)
    }

    fn start() -> Self {
        let project = Project::new();
        // Kept, so that the next run starts without setting PostgreSQL up again.
        let (folder, lock) = folder::of_this_run("postgres");
        let data = folder.join("data");
        let mut command = host::command("db");
        command.arg("--from").arg(project.path("spin.toml")).arg("--data-dir").arg(data);
        // The program inherits the lock, so it holds until the server is gone,
        // even when this process dies first.
        command.stdin(Stdio::from(lock));
        let mut program = Child::spawn("runtime-host db", command);
        program.line_blocking("PostgreSQL ready on ");
        let url = address_in(&project.read(".env"));
        drop(project); // what this server still needs is in its data folder
        let server = Self { url, _program: program };
        on_a_thread(async || server.prepare().await);
        server
    }

    /// Nothing here outlives the run, so nothing has to survive a crash; and
    /// what a killed run left behind goes.
    async fn prepare(&self) {
        let client = connect(&self.url).await;
        client.batch_execute("ALTER SYSTEM SET fsync = off").await.expect("turn fsync off");
        client.batch_execute("SELECT pg_reload_conf()").await.expect("reload the configuration");
        let left = client
            .query("SELECT datname FROM pg_database WHERE datname LIKE 'tests\\_%'", &[])
            .await;
        for row in left.expect("list databases") {
            drop_database(&client, row.get(0)).await;
        }
        client
            .batch_execute(&format!("CREATE DATABASE {TEMPLATE}"))
            .await
            .expect("create the template");
        let url = self.database(TEMPLATE);
        let migrated = host::migrate(&Project::new(), &url).await;
        migrated.succeeded();
    }

    fn database(&self, name: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(name);
        url
    }
}

/// The address in a `.env` that `runtime-host db` wrote.
pub fn address_in(env: &str) -> Url {
    let line = env.lines().find_map(|line| line.strip_prefix("SPIN_VARIABLE_DATABASE_URL="));
    let value = line.expect("`.env` holds the address").trim_matches(['"', '\'']);
    value.parse().expect("the address is a URL")
}

/// Starts the server if no test has needed it yet, and with it downloads
/// PostgreSQL where there is none.
pub fn ready() {
    Server::get();
}

/// The folder of the programs that the server runs from.
pub(crate) fn programs() -> PathBuf {
    on_a_thread(async || {
        let client = connect(&Server::get().url).await;
        let folder = client
            .query_one("SELECT setting FROM pg_config WHERE name = 'BINDIR'", &[])
            .await
            .expect("ask for the programs' folder");
        PathBuf::from(folder.get::<_, String>(0))
    })
}

/// The programs that some run has downloaded.
pub(crate) fn downloaded() -> Option<PathBuf> {
    let entries = |folder: PathBuf| {
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
    };
    let data = entries(target().join("tmp")).map(|folder| folder.join("data/postgres"));
    let programs = data.flat_map(entries).map(|folder| folder.join("bin"));
    programs.into_iter().find(|folder| folder.join("postgres").exists())
}

/// A migrated, empty database, dropped with the value.
pub struct Database {
    name: String,
    url: Url,
}

impl Database {
    pub async fn new() -> Self {
        Self::clone_of(TEMPLATE).await
    }

    /// A database without our tables.
    pub async fn unmigrated() -> Self {
        Self::clone_of("template1").await
    }

    async fn clone_of(template: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = Server::get();
        let name = format!("tests_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let client = connect(&server.url).await;
        client
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
            .await
            .expect("clone the template");
        Self { url: server.database(&name), name }
    }

    pub fn url(&self) -> &Url {
        &self.url
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs statements.
    pub async fn execute(&self, sql: &str) {
        connect(&self.url)
            .await
            .batch_execute(sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    pub async fn query(&self, sql: &str) -> Vec<Row> {
        connect(&self.url)
            .await
            .query(sql, &[])
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    /// Runs statements on one connection and gives what the last one says, line by line.
    pub async fn last(&self, statements: &[&str]) -> String {
        let client = connect(&self.url).await;
        let mut lines = vec![];
        for sql in statements {
            let messages = client.simple_query(sql).await;
            let messages = messages.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
            let rows = messages.iter().filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => row.get(0),
                _ => None,
            });
            lines = rows.map(str::to_owned).collect();
        }
        lines.join("\n")
    }

    /// Every title, in the order of the list.
    pub async fn titles(&self) -> Vec<String> {
        let rows = self.query("SELECT task FROM todoitem ORDER BY position, id").await;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Fills the table with `title 1` … `title <count>`; every third is completed.
    pub async fn fill(&self, count: u32) {
        self.execute(&format!(
            "INSERT INTO todoitem (task, position, completed)
             SELECT 'title ' || n, n, n % 3 = 0 FROM generate_series(1, {count}) AS n"
        ))
        .await;
    }

    /// The server processes that serve others than us.
    pub async fn connections(&self) -> Vec<i32> {
        let sql = "SELECT pid FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY pid";
        self.query(sql).await.iter().map(|row| row.get(0)).collect()
    }

    /// Takes an advisory lock, which is held until the value is dropped.
    pub async fn lock(&self, key: i64) -> impl Drop + use<> {
        struct Lock(Option<tokio_postgres::Client>);
        impl Drop for Lock {
            fn drop(&mut self) {
                self.0.take(); // the end of its connection frees the lock
            }
        }
        let client = connect(&self.url).await;
        client.execute("SELECT pg_advisory_lock($1)", &[&key]).await.expect("lock");
        Lock(Some(client))
    }

    /// Whether somebody waits for an advisory lock.
    pub async fn has_waiting_lock(&self) -> bool {
        let waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        !self.query(waiting).await.is_empty()
    }

    /// Whether the server lets anybody in without asking for a password.
    pub async fn takes_any_password(&self) -> bool {
        let mut url = self.url.clone();
        url.set_password(Some("certainly wrong")).expect("a URL with a password");
        tokio_postgres::connect(url.as_str(), NoTls).await.is_ok()
    }

    /// Ends every connection to it but our own, as a restart of the server does.
    pub async fn disconnect_everybody(&self) {
        self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        on_a_thread(async || {
            let client = connect(&Server::get().url).await;
            drop_database(&client, &self.name).await;
        });
    }
}

async fn drop_database(client: &tokio_postgres::Client, name: &str) {
    let dropped =
        client.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
    dropped.unwrap_or_else(|error| panic!("drop {name}: {error:?}"));
}

async fn connect(url: &Url) -> tokio_postgres::Client {
    let (client, connection) =
        tokio_postgres::connect(url.as_str(), NoTls).await.expect("connect to PostgreSQL");
    tokio::spawn(connection);
    client
}
