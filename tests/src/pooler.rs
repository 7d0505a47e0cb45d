//! A real pooler, `PgBouncer`, before the database.

use crate::child::Child;
use crate::programs::fetched;
use crate::project::folder;
use crate::replica::{free_port, give_to_server, server_user};
use crate::{Database, until};
use std::fs;
use tempfile::TempDir;
use tokio::net::TcpStream;
use url::Url;

pub struct Pooler {
    url: Url,
    _program: Child,
    _folder: TempDir,
}

impl Pooler {
    /// It lends a server for a transaction at a time, and has so many of them.
    pub async fn of_transactions(database: &Database, servers: u32) -> Self {
        let folder = folder();
        let (port, mut url) = (free_port(), database.url().clone());
        let server = url.port().expect("the port of the database");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let (user, password) = (url.username(), url.password().unwrap_or_default());
        fs::write(path("users"), format!("\"{user}\" \"{password}\"\n")).expect("write the users");
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={server}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {}\n\
             pool_mode = transaction\ndefault_pool_size = {servers}\n",
            path("users")
        );
        fs::write(path("settings"), settings).expect("write the settings");
        give_to_server(folder.path());

        let mut command = fetched("pgbouncer");
        if let Some(user) = server_user() {
            command.args(["--user", &user.name]);
        }
        command.arg(path("settings"));
        let program = Child::spawn("pgbouncer", command);
        until("PgBouncer takes connections", async || {
            TcpStream::connect(("127.0.0.1", port)).await.ok()
        })
        .await;
        url.set_port(Some(port)).expect("a URL with a port");
        Self { url, _program: program, _folder: folder }
    }

    /// The database's address by way of it.
    pub fn url(&self) -> &Url {
        &self.url
    }
}
