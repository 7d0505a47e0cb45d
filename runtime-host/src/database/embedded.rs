//! An embedded PostgreSQL for a project that was given no database. Its data
//! stays between runs. Several hosts on one data folder share one server: the
//! first starts it, the last to leave stops it.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

mod binaries;
mod control;
mod download;
mod home;

use binaries::Binaries;
use home::{Access, Home, PASSWORD_DIGITS, new_password};

use crate::terminal::progress;

/// The database that components get.
const DATABASE: &str = "app";
/// Tries to start: the port may be taken meanwhile, and after a crash the old
/// server's processes may hold its memory for a moment.
const START_TRIES: u32 = 10;
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// How long a server that runs may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);
/// How often it is checked that the server still runs.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// An installed embedded PostgreSQL.
pub struct Embedded {
    home: Home,
    binaries: Binaries,
}

/// A running one, in use by this host.
pub struct Running {
    embedded: Embedded,
    /// Held shared by every host that uses the server.
    users: File,
    access: Access,
}

/// Whether an address that was found in `.env` is the host's to start: that of
/// the data folder's database, or one that `runtime-host db` wrote for a folder
/// that is no more.
pub fn owns(address: &str, data_dir: &Path) -> Result<bool> {
    let known = Home::of(data_dir)?.access()?.map(|access| url(&access, DATABASE));
    if known.as_deref() == Some(address) {
        return Ok(true);
    }
    Ok(written_port(address).is_some_and(is_free))
}

/// The port of an address as [`url`] makes it.
fn written_port(address: &str) -> Option<u16> {
    let rest = address.strip_prefix("postgres://postgres:")?;
    let (password, rest) = rest.split_once("@127.0.0.1:")?;
    let (port, rest) = rest.split_once('/')?;
    let access = Access { port: port.parse().ok()?, password: password.to_owned() };
    let random =
        password.len() == PASSWORD_DIGITS && password.bytes().all(|byte| byte.is_ascii_hexdigit());
    (random && !rest.is_empty() && url(&access, DATABASE) == address).then_some(access.port)
}

fn url(access: &Access, database: &str) -> String {
    let Access { port, password } = access;
    format!("postgres://postgres:{password}@127.0.0.1:{port}/{database}?sslmode=disable")
}

impl Embedded {
    /// Finds PostgreSQL's programs, or downloads them.
    pub async fn install(data_dir: &Path) -> Result<Self> {
        let home = Home::of(data_dir)?;
        home.create()?;
        let binaries = binaries::find(&home).await?;
        Ok(Self { home, binaries })
    }

    /// Starts the server, or joins the one that already runs on the same data.
    pub async fn start(self) -> Result<Running> {
        let step = progress::step(format!("Starting PostgreSQL {}", self.binaries.major));
        let starting = self.lock("start.lock")?;
        starting.lock().context("wait for another host to start the database")?;
        let access = self.start_server().await?;
        let users = self.lock("users.lock")?;
        users.lock_shared().context("join the users of the database")?;
        drop(starting);
        let running = Running { embedded: self, users, access };
        if let Err(error) = ensure_database(&running.access).await {
            running.stop().await?;
            return Err(error);
        }
        step.done(&running.describe());
        Ok(running)
    }

    fn lock(&self, name: &str) -> Result<File> {
        let path = self.home.dir.join(name);
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        file.with_context(|| format!("open {}", path.display()))
    }

    async fn start_server(&self) -> Result<Access> {
        let mut access = self.access().await?;
        if self.joins(&access).await? {
            return Ok(access);
        }
        if !is_free(access.port) {
            access.port = free_port()?;
            self.home.keep_access(&access)?;
        }
        self.start_on(&access).await?;
        Ok(access)
    }

    /// Whether a server runs on the data already, and takes connections.
    async fn joins(&self, access: &Access) -> Result<bool> {
        let deadline = Instant::now() + ANSWER_TIMEOUT;
        while let Some((pid, port)) = control::running(&self.home)? {
            let answer = spin_postgres::connect(&url(access, "postgres"), None).await;
            match answer {
                Ok(_) if port == access.port => return Ok(true),
                // It may be starting, stopping, or dying after a kill.
                Err(_) if Instant::now() < deadline => tokio::time::sleep(RETRY_PAUSE).await,
                _ => bail!(
                    "a PostgreSQL (process {pid}) holds {}, but does not answer as it should: \
                     stop it, and try again",
                    self.home.data().display()
                ),
            }
        }
        Ok(false)
    }

    async fn start_on(&self, access: &Access) -> Result<()> {
        let mut tries = 0;
        while let Err(error) = control::start(&self.home, &self.binaries, access.port).await {
            tries += 1;
            if tries == START_TRIES {
                let log = self.home.log();
                return Err(
                    error.context(format!("start PostgreSQL; its log is {}", log.display()))
                );
            }
            tracing::debug!("PostgreSQL did not start: {error:#}");
            tokio::time::sleep(RETRY_PAUSE).await;
        }
        Ok(())
    }

    /// Port and password of the data; both are made anew with new data.
    async fn access(&self) -> Result<Access> {
        let known = self.home.access()?;
        if self.home.data_version()?.is_some() {
            return known.with_context(|| {
                format!(
                    "{} is missing, and with it the password of the data beside it: restore it, or \
                     delete {} to start without its data",
                    self.home.access_file().display(),
                    self.home.dir.display()
                )
            });
        }
        let access = Access { port: free_port()?, password: new_password()? };
        self.home.keep_access(&access)?;
        control::initdb(&self.home, &self.binaries, &access.password).await?;
        Ok(access)
    }
}

impl Running {
    pub fn url(&self) -> String {
        url(&self.access, DATABASE)
    }

    pub fn port(&self) -> u16 {
        self.access.port
    }

    fn describe(&self) -> String {
        let Embedded { home, binaries } = &self.embedded;
        let user = match &home.user {
            Some(user) => format!(" as {}", user.name),
            None => String::new(),
        };
        format!(
            "PostgreSQL {} runs on 127.0.0.1:{}{user}; its data is in {}",
            binaries.major,
            self.access.port,
            home.dir.display()
        )
    }

    /// Starts the server again whenever it has gone away; runs until dropped.
    pub async fn supervise(&self) {
        loop {
            tokio::time::sleep(CHECK_INTERVAL).await;
            if let Err(error) = self.revive().await {
                tracing::error!("PostgreSQL went away and cannot be started again: {error:#}");
                tokio::time::sleep(ANSWER_TIMEOUT).await;
            }
        }
    }

    async fn revive(&self) -> Result<()> {
        let embedded = &self.embedded;
        if control::running(&embedded.home)?.is_some() {
            return Ok(());
        }
        let starting = embedded.lock("start.lock")?;
        if starting.try_lock().is_err() {
            return Ok(()); // another host is at it
        }
        tracing::warn!("PostgreSQL went away: it is started again");
        // On the same port, since components have the address.
        embedded.start_on(&self.access).await?;
        tracing::info!("PostgreSQL runs again on 127.0.0.1:{}", self.access.port);
        Ok(())
    }

    /// Leaves the server, and stops it when no other host uses it.
    pub async fn stop(self) -> Result<()> {
        let Embedded { home, binaries } = &self.embedded;
        let starting = self.embedded.lock("start.lock")?;
        starting.lock().context("wait for another host to start the database")?;
        self.users.unlock().context("leave the users of the database")?;
        if self.users.try_lock().is_err() {
            tracing::info!("PostgreSQL stays: another host uses it");
            return Ok(());
        }
        if control::running(home)?.is_some() {
            control::stop(home, binaries).await.context("stop PostgreSQL")?;
            tracing::info!("PostgreSQL stopped");
        }
        Ok(())
    }
}

async fn ensure_database(access: &Access) -> Result<()> {
    let client = spin_postgres::connect(&url(access, "postgres"), None)
        .await
        .context("connect to PostgreSQL")?;
    let exists = client
        .query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&DATABASE])
        .await
        .context("look for the database")?;
    if exists.is_none() {
        client
            .batch_execute(&format!("CREATE DATABASE {DATABASE}"))
            .await
            .context("make the database")?;
    }
    Ok(())
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("find a free port")?;
    Ok(listener.local_addr().context("find a free port")?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_host_s_own_are_known() {
        let access = Access { port: 4711, password: new_password().unwrap() };
        let own = url(&access, DATABASE);
        assert_eq!(written_port(&own), Some(4711));
        assert_eq!(written_port(&own.replace("127.0.0.1", "10.0.0.1")), None);
        assert_eq!(written_port(&own.replace("/app", "/other")), None);
        assert_eq!(
            written_port("postgres://postgres:secret@127.0.0.1:5432/app?sslmode=disable"),
            None
        );
    }
}
