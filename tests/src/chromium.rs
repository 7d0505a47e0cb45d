//! Chromium, driven by `ChromeDriver`. To start one takes longer than most tests do, so one serves
//! test after test; what a test has done to it goes with the context in which it was done.

use crate::child::Child;
use crate::devtools::{DevTools, Failure};
use crate::until::on_a_thread;
use crate::{DEADLINE, folder, http, until};
use serde_json::{Value, json};
use std::fs;
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};
use thirtyfour::WindowHandle;
use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities;
use thirtyfour::prelude::*;
use url::Url;

/// A window of a Chromium in a context of its own, as a private window is one: cookies, storage,
/// caches, service workers, permissions and history end with the value, and with the window all
/// that is emulated in it.
pub(crate) struct Chromium {
    session: String,
    context: String,
    /// There until the value is dropped.
    program: Option<Running>,
}

/// Those that no test uses now.
static IDLE: Mutex<Vec<Running>> = Mutex::new(vec![]);

impl Chromium {
    /// Opens a window, in a Chromium that is there if one has the settings. Otherwise one is
    /// started, and at most `spare` idle ones stay.
    pub(crate) async fn open(javascript: bool, spare: usize) -> (WebDriver, Self) {
        if let Some(program) = idle(javascript, spare) {
            match Self::in_a(program).await {
                Ok(opened) => return opened,
                Err(error) => eprintln!("Chromium is started again: {error}"),
            }
        }
        let program = Running::start(javascript).await;
        Self::in_a(program).await.unwrap_or_else(|error| panic!("open Chromium: {error}"))
    }

    async fn in_a(program: Running) -> Result<(WebDriver, Self), Failure> {
        let context = program.context()?;
        program.window(&context, true)?;
        let mut capabilities = DesiredCapabilities::chrome();
        let address = program.url.authority();
        capabilities.set_debugger_address(address)?;
        capabilities.set_browser_log_level(thirtyfour::LoggingPrefsLogLevel::All)?;
        let url = &Driver::get().url;
        let driver = WebDriver::new(url, capabilities).await?;
        let session = format!("{url}/session/{}", driver.session_id());
        Ok((driver, Self { session, context, program: Some(program) }))
    }

    /// Another tab of the same user: `ChromeDriver` would open somebody else's.
    pub(crate) fn new_tab(&self) -> WindowHandle {
        let program = self.program.as_ref().expect("it is there until the end");
        program.window(&self.context, false).expect("open a tab").into()
    }
}

impl Drop for Chromium {
    /// `WebDriver` would end the session too, but over a connection that the runtime of
    /// this test drives, which waits here and would do so for minutes.
    fn drop(&mut self) {
        let ended = on_a_thread(async || {
            let end = http::client().delete(&self.session).timeout(DEADLINE);
            end.send().await?.error_for_status()
        });
        let Some(program) = self.program.take() else { return };
        if thread::panicking() {
            return; // who knows what the test has left there: it ends here
        }
        match ended.map_err(Failure::from).and_then(|_| program.forget(&self.context)) {
            Ok(()) => IDLE.lock().expect("nobody panics with it").push(program),
            Err(error) => eprintln!("Chromium is not used again: {error}"),
        }
    }
}

/// One with these settings. If there is none, others make room.
fn idle(javascript: bool, spare: usize) -> Option<Running> {
    let mut idle = IDLE.lock().expect("nobody panics with it");
    let Some(place) = idle.iter().position(|program| program.javascript == javascript) else {
        let stay = spare.min(idle.len());
        let ended = idle.split_off(stay);
        drop(idle); // nobody waits for their end
        drop(ended);
        return None;
    };
    Some(idle.swap_remove(place))
}

/// A Chromium, with no window while it is idle.
struct Running {
    // Dropped in this order.
    devtools: DevTools,
    _program: Child,
    url: Url,
    javascript: bool,
}

impl Running {
    async fn start(javascript: bool) -> Self {
        let (folder, lock) = folder::of_this_run("chromium");
        let profile = folder.join("profile");
        if profile.exists() {
            fs::remove_dir_all(&profile).expect("remove the profile of an earlier run");
        }
        fs::create_dir_all(profile.join("Default")).expect("make a profile folder");
        if !javascript {
            let off =
                json!({ "profile": { "managed_default_content_settings": { "javascript": 2 } } });
            fs::write(profile.join("Default/Preferences"), off.to_string())
                .expect("write the preferences");
        }
        let mut command = Command::new("chromium");
        command.args([
            "--headless",
            "--no-sandbox", // Chromium refuses to be root with it
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--disable-component-update",
            "--no-startup-window",
            "--remote-debugging-port=0",
            "--log-level=3", // not what it misses of a desktop
            // A machine without a mouse tells pages so; this is how it is with one.
            "--blink-settings=primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4",
            // As `ChromeDriver` starts it.
            "--allow-pre-commit-input",
            "--disable-background-networking",
            "--disable-background-timer-throttling",
            "--disable-backgrounding-occluded-windows",
            "--disable-client-side-phishing-detection",
            "--disable-default-apps",
            // The last two are pages below the address bar: to load them costs more than a test does.
            "--disable-features=IgnoreDuplicateNavs,Prewarm,WebUIOmniboxPopup,WebUIOmniboxAimPopup",
            "--disable-hang-monitor",
            "--disable-popup-blocking",
            "--disable-prompt-on-repost",
            "--disable-sync",
            "--enable-automation",
            "--no-first-run",
            "--no-service-autorun",
            "--password-store=basic",
            "--test-type=webdriver",
            "--use-mock-keychain",
        ]);
        command.arg(format!("--user-data-dir={}", profile.display()));
        command.stdin(Stdio::from(lock)); // held until it has ended
        let mut program = Child::spawn("chromium", command);
        let url: Url = until("Chromium listens", async || {
            assert!(!program.has_ended(), "Chromium ended\n{}", program.log());
            let said = program.stderr();
            said.lines().find_map(|line| line.strip_prefix("DevTools listening on "))?.parse().ok()
        })
        .await;
        let devtools =
            DevTools::connect(&url).unwrap_or_else(|error| panic!("connect to Chromium: {error}"));
        Self { devtools, _program: program, url, javascript }
    }

    fn context(&self) -> Result<String, Failure> {
        let made = self.devtools.call("Target.createBrowserContext", &json!({}))?;
        text(&made["browserContextId"])
    }

    /// Opens a window, or a tab of the one that is there.
    fn window(&self, context: &str, new: bool) -> Result<String, Failure> {
        let mut window = json!({ "url": "about:blank", "browserContextId": context });
        if new {
            window["newWindow"] = true.into();
            window["width"] = 1200.into();
            window["height"] = 900.into();
        }
        text(&self.devtools.call("Target.createTarget", &window)?["targetId"])
    }

    /// Closes a context, and waits until all that was in it is gone: a service worker takes a while.
    fn forget(&self, context: &str) -> Result<(), Failure> {
        let context = json!({ "browserContextId": context });
        self.devtools.call("Target.disposeBrowserContext", &context)?;
        let end = Instant::now() + DEADLINE;
        loop {
            let left = self.devtools.call("Target.getTargets", &json!({}))?;
            if left["targetInfos"] == json!([]) {
                return Ok(());
            }
            if Instant::now() > end {
                return Err(format!("something is left: {left}").into());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn text(value: &Value) -> Result<String, Failure> {
    Ok(value.as_str().ok_or("Chromium names none")?.to_owned())
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
