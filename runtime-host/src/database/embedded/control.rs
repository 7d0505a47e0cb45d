//! PostgreSQL's own programs, run as the server's user.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, anyhow};
use nix::sys::signal::kill;
use nix::unistd::Pid;
use tokio::process::Command;

use super::binaries::Binaries;
use super::home::Home;

/// Seconds for the server to start; it may have to recover after a crash.
const START_SECONDS: &str = "120";
const STOP_SECONDS: &str = "60";

/// Makes an empty cluster with a password for the superuser `postgres`.
/// Interrupted, it leaves nothing that looks like one.
pub async fn initdb(home: &Home, binaries: &Binaries, password: &str) -> Result<()> {
    let new = home.dir.join("data.new");
    if new.exists() {
        std::fs::remove_dir_all(&new).context("remove a half-made database")?;
    }
    let password_file = home.dir.join("password.tmp");
    kit::file::replace_for_good(&password_file, password).context("write the password")?;
    home.give_to_user(&password_file)?;
    let made = run(home, binaries, "initdb", |command| {
        command
            .args(["--username=postgres", "--auth=scram-sha-256", "--data-checksums"])
            .args(["--encoding=UTF8", "--locale=C", "--no-instructions"])
            .arg(argument("--pwfile=", &password_file))
            .arg(argument("--pgdata=", &new));
    })
    .await;
    std::fs::remove_file(&password_file).context("remove the password's file")?;
    made.context("make the database")?;
    std::fs::rename(&new, home.data()).context("put the database in its place")
}

/// Starts the server and waits until it takes connections.
pub async fn start(home: &Home, binaries: &Binaries, port: u16) -> Result<()> {
    let options =
        format!("-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories=''");
    run(home, binaries, "pg_ctl", |command| {
        command
            .args(["start", "--wait", "--silent", "--timeout", START_SECONDS])
            .arg(argument("--pgdata=", &home.data()))
            .arg(argument("--log=", &home.log()))
            .args(["--options", &options]);
    })
    .await
}

/// Stops the server: open transactions are rolled back, all data is written.
pub async fn stop(home: &Home, binaries: &Binaries) -> Result<()> {
    run(home, binaries, "pg_ctl", |command| {
        command
            .args(["stop", "--mode=fast", "--wait", "--silent", "--timeout", STOP_SECONDS])
            .arg(argument("--pgdata=", &home.data()));
    })
    .await
}

/// The running server's process and port, as it wrote them. A file that a crash
/// left behind is removed when its number belongs to something else by now,
/// which PostgreSQL itself cannot tell in every case.
pub fn running(home: &Home) -> Result<Option<(Pid, u16)>> {
    let file = home.data().join("postmaster.pid");
    let Ok(text) = std::fs::read_to_string(&file) else { return Ok(None) };
    let mut lines = text.lines();
    let pid = lines.next().and_then(|line| line.trim().parse().ok()).map(Pid::from_raw);
    let port = lines.nth(2).and_then(|line| line.trim().parse().ok());
    let Some(pid) = pid.filter(|pid| is_postgres(*pid)) else {
        tracing::info!("PostgreSQL was killed: it recovers its data as it starts");
        std::fs::remove_file(&file).context("remove a stale postmaster.pid")?;
        return Ok(None);
    };
    Ok(Some((pid, port.unwrap_or(0))))
}

fn is_postgres(pid: Pid) -> bool {
    // A process of somebody else's exists, too, but cannot be signalled.
    if matches!(kill(pid, None), Err(nix::errno::Errno::ESRCH)) {
        return false;
    }
    // `11589 (postgres) S 1 …`; in containers a dead one (Z) may wait for long.
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat.contains("(postgres) ") && !stat.contains(") Z"),
        Err(_) => !Path::new("/proc/self").exists(),
    }
}

fn argument(option: &str, path: &Path) -> std::ffi::OsString {
    let mut argument = std::ffi::OsString::from(option);
    argument.push(path);
    argument
}

async fn run(
    home: &Home,
    binaries: &Binaries,
    program: &str,
    arguments: impl FnOnce(&mut Command),
) -> Result<()> {
    let mut command = Command::new(binaries.dir.join(program));
    arguments(&mut command);
    for (name, _) in std::env::vars_os() {
        // PGDATA, PGPORT and their like mean another server; LC_* may name what is not here.
        let name_bytes = name.as_encoded_bytes();
        if [&b"PG"[..], b"LC_", b"LANG"].iter().any(|prefix| name_bytes.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    if let Some(user) = &home.user {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    // A server that `pg_ctl` started keeps its standard output and error open,
    // so they must not be pipes that are read to their end.
    let errors = home.dir.join(format!("{program}.log"));
    let log =
        std::fs::File::create(&errors).with_context(|| format!("make {}", errors.display()))?;
    let status = command
        .current_dir(&home.dir)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .status()
        .await
        .with_context(|| format!("run {program}"))?;
    if status.success() {
        return Ok(());
    }
    let said = std::fs::read_to_string(&errors).unwrap_or_default();
    Err(anyhow!("{} failed ({status}): {}", OsStr::new(program).display(), said.trim()))
}
