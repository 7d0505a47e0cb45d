//! A primary and its streaming replica, for one test: nobody else's
//! PostgreSQL may be stopped, frozen or held back.

use crate::child::{Child, run};
use crate::project::folder;
use crate::tls::Authority;
use crate::{Project, host, postgres, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// Two servers of one cluster. `main` begins as the primary, and acknowledges
/// no write that `other` has not on its disk.
pub struct Pair {
    pub main: Server,
    pub other: Server,
}

/// One server of it.
pub struct Server {
    folder: TempDir,
    port: u16,
    program: Mutex<Option<Child>>,
}

impl Pair {
    /// Both run, migrated and in step.
    pub async fn start() -> Self {
        let main = Server::new();
        let other = Server::new();
        main.initdb().await;
        main.configure(&format!("primary_conninfo = '{}'", other.conninfo()));
        // A copy of a cluster that never ran is a base backup.
        copy(&main.data(), &other.data());
        other.configure(&format!("primary_conninfo = '{}'", main.conninfo()));
        main.configure("synchronous_standby_names = '*'");
        fs::write(other.data().join("standby.signal"), "").expect("make it a standby");
        give_to_server(&other.data());
        main.start().await;
        other.start().await;
        let url = main.url().parse().expect("an address");
        host::migrate(&Project::new(), &url).await.succeeded();
        let pair = Self { main, other };
        pair.in_step().await;
        pair
    }

    /// The address of whichever is the primary.
    pub fn primary_url(&self) -> String {
        format!("{}?target_session_attrs=read-write", self.hosts())
    }

    /// The address of whichever is not.
    pub fn replica_url(&self) -> String {
        format!("{}?target_session_attrs=read-only&load_balance_hosts=random", self.hosts())
    }

    fn hosts(&self) -> String {
        let (main, other) = (self.main.port, self.other.port);
        format!("postgres://postgres:x@127.0.0.1:{main},127.0.0.1:{other}/postgres")
    }

    /// Waits until `other` has replayed all that `main` wrote.
    pub async fn in_step(&self) {
        let end: String = self.main.ask("SELECT pg_current_wal_insert_lsn()::text").await;
        let replayed = format!("SELECT pg_last_wal_replay_lsn() >= '{end}'");
        until("the replica has replayed everything", async || {
            self.other.ask::<bool>(&replayed).await.then_some(())
        })
        .await;
    }

    /// Has `other` receive what `main` writes, and show none of it.
    pub async fn hold_replay(&self) {
        self.in_step().await;
        self.other.execute("SELECT pg_wal_replay_pause()").await;
        until("the replica has paused", async || {
            let state: String = self.other.ask("SELECT pg_get_wal_replay_pause_state()").await;
            (state == "paused").then_some(())
        })
        .await;
    }

    pub async fn go_on_replaying(&self) {
        self.other.execute("SELECT pg_wal_replay_resume()").await;
    }
}

impl Server {
    fn new() -> Self {
        Self { folder: folder(), port: free_port(), program: Mutex::default() }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("postgres://postgres:x@127.0.0.1:{}/postgres", self.port)
    }

    fn conninfo(&self) -> String {
        format!("host=127.0.0.1 port={} user=postgres", self.port)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    async fn initdb(&self) {
        give_to_server(self.folder.path());
        let mut command = program("initdb", self.folder.path());
        command.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        command.args(["--no-sync", "--no-instructions", "--wal-segsize=1", "--pgdata"]);
        run("initdb", {
            command.arg(self.data());
            command
        })
        .await
        .succeeded();
        self.configure(
            "listen_addresses = '127.0.0.1'\n\
             unix_socket_directories = ''\n\
             fsync = off\n\
             shared_buffers = 16MB\n\
             max_wal_size = 32MB\n\
             wal_keep_size = 16MB\n\
             wal_retrieve_retry_interval = 100ms\n\
             max_standby_streaming_delay = -1",
        );
    }

    fn configure(&self, lines: &str) {
        let file = self.data().join("postgresql.conf");
        let before = fs::read_to_string(&file).expect("read the configuration");
        fs::write(file, format!("{before}\n{lines}\n")).expect("write the configuration");
    }

    /// Starts it and waits until it answers.
    pub async fn start(&self) {
        let mut command = program("postgres", self.folder.path());
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        *self.program() = Some(Child::spawn("postgres", command));
        until("PostgreSQL answers", async || {
            tokio_postgres::connect(&self.url(), NoTls).await.is_ok().then_some(())
        })
        .await;
    }

    /// Ends all its processes at once, as a crash does.
    pub async fn crash(&self) {
        let mut program = self.program().take().expect("it runs");
        program.signal(Signal::SIGQUIT);
        program.ends().await;
    }

    /// Stops its processes where they are: it accepts connections, and says nothing.
    pub fn freeze(&self) {
        self.signal_all(Signal::SIGSTOP);
    }

    pub fn thaw(&self) {
        self.signal_all(Signal::SIGCONT);
    }

    /// Makes a standby the primary.
    pub async fn promote(&self) {
        self.execute("SELECT pg_promote()").await;
    }

    /// Has it log every statement from now on, for [`Self::statements`].
    pub async fn keep_statements(&self) {
        self.set("log_statement", "all").await;
        until("it logs its statements", async || {
            (self.ask::<String>("SHOW log_statement").await == "all").then_some(())
        })
        .await;
    }

    /// How many statements about todos it has run since.
    pub fn statements(&self) -> usize {
        let log = self.program().as_ref().expect("it runs").stderr();
        let ours = |line: &&str| line.contains("LOG:  execute") && line.contains("todoitem");
        log.lines().filter(ours).count()
    }

    /// Has it take TLS connections, with a certificate of `authority` for `host`.
    pub async fn secure(&self, authority: &Authority, host: &str) {
        let (key, certificate) = authority.vouch_for(host);
        for (name, pem) in [("server.key", key), ("server.crt", certificate)] {
            let file = self.data().join(name);
            fs::write(&file, pem).expect("write a certificate");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("close it");
            give_to_server(&file);
        }
        self.set("ssl", "on").await;
        until("it takes TLS connections", async || {
            (self.ask::<String>("SHOW ssl").await == "on").then_some(())
        })
        .await;
    }

    /// Changes a setting while it runs.
    pub async fn set(&self, name: &str, value: &str) {
        self.execute(&format!("ALTER SYSTEM SET {name} = '{value}'")).await;
        self.execute("SELECT pg_reload_conf()").await;
    }

    /// Runs statements.
    pub async fn execute(&self, sql: &str) {
        let done = self.connect().await.batch_execute(sql).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// The one value that a query gives.
    pub async fn ask<T>(&self, sql: &str) -> T
    where
        T: for<'a> tokio_postgres::types::FromSql<'a>,
    {
        let row = self.connect().await.query_one(sql, &[]).await;
        row.unwrap_or_else(|error| panic!("{sql}: {error:?}")).get(0)
    }

    /// Every title, in the order of the list.
    pub async fn titles(&self) -> Vec<String> {
        self.ask("SELECT coalesce(array_agg(task::text ORDER BY position, id), '{}') FROM todoitem")
            .await
    }

    /// A connection inside a transaction.
    pub async fn begin(&self) -> Client {
        let client = self.connect().await;
        client.batch_execute("BEGIN").await.expect("begin");
        client
    }

    async fn connect(&self) -> Client {
        let (client, connection) =
            tokio_postgres::connect(&self.url(), NoTls).await.expect("connect to PostgreSQL");
        tokio::spawn(connection);
        client
    }

    fn program(&self) -> MutexGuard<'_, Option<Child>> {
        self.program.lock().expect("nobody panics with it")
    }

    fn signal_all(&self, signal: Signal) {
        let first = self.program().as_ref().expect("it runs").pid();
        // The first process last to stop and first to go on: it watches the others.
        let mut all = children(first);
        all.insert(if signal == Signal::SIGCONT { 0 } else { all.len() }, first);
        for pid in all {
            let pid = i32::try_from(pid).expect("a pid fits");
            let _ = kill(Pid::from_raw(pid), signal); // one that has ended meanwhile
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.program().is_some() {
            self.thaw();
        }
        if let Some(program) = self.program().as_ref() {
            program.signal(Signal::SIGQUIT); // connections do not hold it up
        }
    }
}

/// The processes that a process has started.
fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("list the processes").flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    // `11589 (postgres: checkpointer ) S 11570 …`
    let parent_of = |pid: &u32| -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
    };
    pids.filter(|pid| parent_of(pid) == Some(parent)).collect()
}

/// One of the programs that the other tests' server runs from.
fn program(name: &str, folder: &Path) -> Command {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    let programs = PROGRAMS.get_or_init(postgres::programs);
    let mut command = Command::new(programs.join(name));
    for (name, _) in std::env::vars_os() {
        let bytes = name.as_encoded_bytes();
        if [&b"PG"[..], b"LC_", b"LANG"].iter().any(|prefix| bytes.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    if let Some(user) = server_user() {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    command.current_dir(folder);
    command
}

/// PostgreSQL refuses to be root.
pub(crate) fn server_user() -> Option<User> {
    let nobody = || User::from_name("nobody").ok().flatten().expect("a user for PostgreSQL");
    geteuid().is_root().then(nobody)
}

pub(crate) fn give_to_server(path: &Path) {
    let Some(user) = server_user() else { return };
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("read a folder").flatten() {
            give_to_server(&entry.path());
        }
    }
    chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
        .expect("give it to PostgreSQL's user");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("make a folder");
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).expect("close the folder");
    for entry in fs::read_dir(from).expect("read a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copy a file");
        }
    }
}

/// A port that nobody uses, below those that the kernel hands out: it is free
/// still when the server comes back.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 8000).expect("a small number");
    loop {
        let port = 20_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
