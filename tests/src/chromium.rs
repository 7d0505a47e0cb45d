//! Chromium, driven by `ChromeDriver`.

use crate::child::Child;
use crate::until::on_a_thread;
use crate::{DEADLINE, http};
use serde_json::json;
use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;
use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities;
use thirtyfour::prelude::*;

/// A Chromium that ends with the value.
pub(crate) struct Chromium {
    session: String,
    _profile: TempDir,
}

/// The driver of all of this process.
struct Driver {
    url: String,
    _program: Child,
}

impl Driver {
    fn get() -> &'static Self {
        static DRIVER: OnceLock<Driver> = OnceLock::new();
        DRIVER.get_or_init(|| {
            let mut command = Command::new("chromedriver");
            command.args(["--port=0", "--log-level=SEVERE"]);
            let mut program = Child::spawn("chromedriver", command);
            let port = program.line_blocking("ChromeDriver was started successfully on port ");
            Self {
                url: format!("http://127.0.0.1:{}", port.trim_end_matches('.')),
                _program: program,
            }
        })
    }
}

impl Chromium {
    pub(crate) async fn start(javascript: bool) -> (WebDriver, Self) {
        let profile = tempfile::Builder::new()
            .prefix("todoozle-profile-")
            .tempdir()
            .expect("make a profile folder");
        let mut capabilities = DesiredCapabilities::chrome();
        let arguments = [
            "--headless",
            "--no-sandbox", // Chromium refuses to be root with it
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1200,900",
            "--remote-debugging-pipe", // the browser ends when its driver does
            // A machine without a mouse tells pages so; this is how it is with one.
            "--blink-settings=primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4",
        ];
        for argument in arguments {
            capabilities.add_arg(argument).expect("an argument");
        }
        let folder = profile.path().to_str().expect("a UTF-8 path");
        capabilities.add_arg(&format!("--user-data-dir={folder}")).expect("an argument");
        let preferences = if javascript {
            json!({})
        } else {
            json!({ "profile.managed_default_content_settings.javascript": 2 })
        };
        capabilities.add_experimental_option("prefs", preferences).expect("preferences");
        capabilities
            .set_browser_log_level(thirtyfour::LoggingPrefsLogLevel::All)
            .expect("a log level");
        let url = &Driver::get().url;
        let driver = WebDriver::new(url, capabilities).await.expect("start Chromium");
        let session = format!("{url}/session/{}", driver.session_id());
        (driver, Self { session, _profile: profile })
    }
}

impl Drop for Chromium {
    /// `WebDriver` would end it too, but over a connection that the runtime of
    /// this test drives, which waits here and would do so for minutes.
    fn drop(&mut self) {
        on_a_thread(async || {
            if let Err(error) = http::client().delete(&self.session).timeout(DEADLINE).send().await
            {
                eprintln!("Chromium did not end: {error}");
            }
        });
    }
}
