//! `WebKit`, driven by its GTK port's `WebKitWebDriver`: what is nearest to Safari on Linux.

use crate::child::Child;
use crate::replica::free_port;
use crate::until;
use crate::until::on_a_thread;
use crate::{DEADLINE, http};
use serde_json::json;
use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;
use thirtyfour::prelude::*;
use tokio::net::TcpStream;

/// A browser of `WebKit` that ends with the value.
pub(crate) struct WebKit {
    // Dropped in this order: it leaves its profile first.
    session: String,
    _driver: Child,
    _profile: TempDir,
}

impl WebKit {
    pub(crate) async fn start(javascript: bool) -> (WebDriver, Self) {
        let profile = tempfile::Builder::new()
            .prefix("todoozle-profile-")
            .tempdir()
            .expect("make a profile folder");
        let port = free_port();
        let mut command = Command::new("WebKitWebDriver");
        command.arg(format!("--port={port}")).env("DISPLAY", display());
        command.env("HOME", profile.path()).env_remove("XDG_RUNTIME_DIR");
        let program = Child::spawn("WebKitWebDriver", command);
        until("WebKitWebDriver listens", async || {
            TcpStream::connect(("127.0.0.1", port)).await.ok()
        })
        .await;

        let options = json!({
            "args": ["--automation", "--geometry=1200x900", format!("--enable-javascript={javascript}")],
        });
        let mut capabilities = Capabilities::new();
        capabilities.set("webkitgtk:browserOptions", options).expect("an option");
        let url = format!("http://127.0.0.1:{port}");
        let driver = WebDriver::new(&url, capabilities).await.expect("start a browser of WebKit");
        let session = format!("{url}/session/{}", driver.session_id());
        (driver, Self { session, _driver: program, _profile: profile })
    }
}

impl Drop for WebKit {
    /// As Chromium's.
    fn drop(&mut self) {
        on_a_thread(async || {
            if let Err(error) = http::client().delete(&self.session).timeout(DEADLINE).send().await
            {
                eprintln!("WebKit's browser did not end: {error}");
            }
        });
    }
}

/// The X server of all of this process: this browser has no way without one.
fn display() -> &'static str {
    static DISPLAY: OnceLock<(String, Child)> = OnceLock::new();
    let (name, _) = DISPLAY.get_or_init(|| {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"]);
        let mut program = Child::spawn("Xvfb", command);
        let number = program.line_blocking("");
        (format!(":{number}"), program)
    });
    name
}
