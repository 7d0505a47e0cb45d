//! Chromium, driven by `ChromeDriver`.

use crate::child::Child;
use crate::until::on_a_thread;
use crate::{App, DEADLINE, http, until};
use serde_json::{Value, json};
use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;
use thirtyfour::TypingData;
use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities;
use thirtyfour::prelude::*;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Browsers at once. Each takes a core while it starts.
static SEATS: Semaphore = Semaphore::const_new(2);

/// A browser with a profile of its own, closed with the value.
pub struct Browser {
    // Dropped in this order: the browser leaves its profile, then its seat.
    driver: Session,
    _profile: TempDir,
    _seat: SemaphorePermit<'static>,
}

/// The driver of all browsers of this process.
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

impl Browser {
    pub async fn open() -> Self {
        let seat = SEATS.acquire().await.expect("the seats stay");
        Self::launch(seat, json!({})).await
    }

    /// A browser whose user has turned JavaScript off.
    pub async fn without_javascript() -> Self {
        let seat = SEATS.acquire().await.expect("the seats stay");
        let browser =
            Self::launch(seat, json!({ "profile.managed_default_content_settings.javascript": 2 }))
                .await;
        browser.goto("data:text/html,<title>off</title><script>document.title='on'</script>").await;
        assert_eq!(browser.driver().title().await.expect("a title"), "off", "JavaScript is on");
        browser
    }

    /// Two browsers that share nothing.
    pub async fn two() -> (Self, Self) {
        // Both seats at once: two tests that each held one would wait for ever.
        let mut seats = SEATS.acquire_many(2).await.expect("the seats stay");
        let second = seats.split(1).expect("two seats");
        (Self::launch(seats, json!({})).await, Self::launch(second, json!({})).await)
    }

    async fn launch(seat: SemaphorePermit<'static>, preferences: Value) -> Self {
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
        capabilities.add_experimental_option("prefs", preferences).expect("preferences");
        capabilities
            .set_browser_log_level(thirtyfour::LoggingPrefsLogLevel::All)
            .expect("a log level");
        let driver =
            WebDriver::new(&Driver::get().url, capabilities).await.expect("start Chromium");
        Self { driver: Session(Some(driver)), _profile: profile, _seat: seat }
    }

    pub fn driver(&self) -> &WebDriver {
        self.driver.0.as_ref().expect("there until it is dropped")
    }

    pub async fn goto(&self, url: &str) {
        self.driver().goto(url).await.unwrap_or_else(|error| panic!("open {url}: {error}"));
    }

    /// Opens a page of the app.
    pub async fn visit(&self, app: &App, path: &str) {
        self.goto(&app.url(path)).await;
    }

    /// The path and query of the page that is shown.
    pub async fn place(&self) -> String {
        let url = self.driver().current_url().await.expect("an address");
        url[url::Position::BeforePath..url::Position::AfterQuery].to_owned()
    }

    /// Waits until the address is this path and query.
    pub async fn arrives_at(&self, place: &str) {
        let mut now = String::new();
        let what = format!("the browser arrives at {place}");
        until(&what, async || {
            now = self.place().await;
            (now == place).then_some(())
        })
        .await;
    }

    /// Runs a script in the page and returns its value.
    pub async fn run(&self, script: &str) -> Value {
        let result = self.driver().execute(script, vec![]).await;
        result.unwrap_or_else(|error| panic!("run {script:.200}: {error}")).json().clone()
    }

    /// Waits until a script's value is `true`.
    pub async fn comes_to(&self, condition: &str) {
        let script = format!("return !!({condition})");
        let what = format!("the page comes to `{condition}`");
        until(&what, async || (self.run(&script).await == true).then_some(())).await;
    }

    /// Waits for the first element that matches and returns it.
    pub async fn find(&self, selector: &str) -> WebElement {
        let what = format!("the page has `{selector}`");
        until(&what, async || self.driver().find(By::Css(selector)).await.ok()).await
    }

    pub async fn has(&self, selector: &str) -> bool {
        !self.driver().find_all(By::Css(selector)).await.expect("look for elements").is_empty()
    }

    pub async fn click(&self, selector: &str) {
        self.find(selector)
            .await
            .click()
            .await
            .unwrap_or_else(|error| panic!("click {selector}: {error}"));
    }

    /// Types into the element that has the focus.
    pub async fn press(&self, keys: impl Into<TypingData>) {
        // Not by an action chain: ChromeDriver repeats that when a key loads a page.
        let focused = self.driver().active_element().await.expect("some element has the focus");
        focused.send_keys(keys).await.unwrap_or_else(|error| panic!("press keys: {error}"));
    }

    /// A command of the `DevTools` protocol.
    pub async fn devtools(&self, method: &str, parameters: Value) -> Value {
        let sent = self.driver().cdp().send_raw(method, parameters).await;
        sent.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Has pages believe that the user prefers this color scheme.
    pub async fn prefer(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// What the page or the browser wrote to the console as an error.
    pub async fn console_errors(&self) -> Vec<String> {
        let log = self.driver().browser_log().await.expect("read the console");
        log.into_iter().filter(|entry| entry.level == "SEVERE").map(|entry| entry.message).collect()
    }
}

/// A session that ends with the value.
struct Session(Option<WebDriver>);

impl Drop for Session {
    /// `WebDriver` would end it too, but over a connection that the runtime of
    /// this test drives, which waits here and would do so for minutes.
    fn drop(&mut self) {
        let driver = self.0.take().expect("dropped once");
        let url = format!("{}/session/{}", Driver::get().url, driver.session_id());
        on_a_thread(async || {
            if let Err(error) = http::client().delete(url).timeout(DEADLINE).send().await {
                eprintln!("Chromium did not end: {error}");
            }
        });
        let _ = driver.leak();
    }
}
