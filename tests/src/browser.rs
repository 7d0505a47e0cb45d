//! A browser: Chromium, or Firefox or `WebKit`, which do some things in another order.

use crate::chromium::Chromium;
use crate::firefox::Firefox;
use crate::webkit::WebKit;
use crate::{App, until};
use serde_json::{Value, json};
use std::time::UNIX_EPOCH;
use thirtyfour::error::WebDriverErrorInner;
use thirtyfour::prelude::*;
use thirtyfour::{TypingData, WindowHandle};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Browsers at once. Each takes a core while it starts.
static SEATS: Semaphore = Semaphore::const_new(2);

/// A browser in which nobody has done anything yet, closed with the value.
pub struct Browser {
    driver: WebDriver,
    // Dropped in this order: the program ends, then somebody else may have its seat.
    program: Program,
    _seat: SemaphorePermit<'static>,
}

/// Held until the browser is to end.
enum Program {
    Chromium(Box<Chromium>),
    Firefox(#[expect(dead_code, reason = "dropping it is all that is done with it")] Firefox),
    WebKit(#[expect(dead_code, reason = "as above")] WebKit),
}

impl Browser {
    pub async fn open() -> Self {
        Self::chromium(one_seat().await, true).await
    }

    /// A browser whose user has turned JavaScript off.
    pub async fn without_javascript() -> Self {
        Self::chromium(one_seat().await, false).await.runs_no_script().await
    }

    pub async fn firefox() -> Self {
        Self::with_firefox(one_seat().await, true).await
    }

    /// A Firefox whose user has turned JavaScript off.
    pub async fn firefox_without_javascript() -> Self {
        Self::with_firefox(one_seat().await, false).await.runs_no_script().await
    }

    pub async fn webkit() -> Self {
        Self::with_webkit(one_seat().await, true).await
    }

    /// A browser of `WebKit` whose user has turned JavaScript off.
    pub async fn webkit_without_javascript() -> Self {
        Self::with_webkit(one_seat().await, false).await.runs_no_script().await
    }

    /// Two browsers that share nothing.
    pub async fn two() -> (Self, Self) {
        // Both seats at once: two tests that each held one would wait for ever.
        let mut seats = SEATS.acquire_many(2).await.expect("the seats stay");
        let second = seats.split(1).expect("two seats");
        (Self::chromium(seats, true).await, Self::chromium(second, true).await)
    }

    async fn chromium(seat: SemaphorePermit<'static>, javascript: bool) -> Self {
        let (driver, program) = Chromium::open(javascript, SEATS.available_permits()).await;
        Self::new(driver, Program::Chromium(Box::new(program)), seat)
    }

    async fn with_firefox(seat: SemaphorePermit<'static>, javascript: bool) -> Self {
        let (driver, program) = Firefox::start(javascript).await;
        Self::new(driver, Program::Firefox(program), seat)
    }

    async fn with_webkit(seat: SemaphorePermit<'static>, javascript: bool) -> Self {
        let (driver, program) = WebKit::start(javascript).await;
        Self::new(driver, Program::WebKit(program), seat)
    }

    fn new(driver: WebDriver, program: Program, seat: SemaphorePermit<'static>) -> Self {
        // The program's end is the session's.
        driver.clone().leak().expect("it has not ended yet");
        Self { driver, program, _seat: seat }
    }

    async fn runs_no_script(self) -> Self {
        self.goto("data:text/html,<title>off</title><script>document.title='on'</script>").await;
        assert_eq!(self.driver().title().await.expect("a title"), "off", "JavaScript is on");
        self
    }

    pub fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// Opens another tab of the same user, in Chromium.
    pub fn new_tab(&self) -> WindowHandle {
        match &self.program {
            Program::Chromium(program) => program.new_tab(),
            Program::Firefox(_) | Program::WebKit(_) => panic!("a tab of Chromium alone"),
        }
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
        let script = format!("return document.readyState !== 'loading' && !!({condition})");
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

    /// Clicks the first element that matches, or what has taken its place before the click.
    pub async fn click(&self, selector: &str) {
        until(&format!("`{selector}` is clicked"), async || {
            match self.find(selector).await.click().await {
                Ok(()) => Some(()),
                Err(error) if matches!(*error, WebDriverErrorInner::StaleElementReference(_)) => {
                    None
                }
                Err(error) => panic!("click {selector}: {error}"),
            }
        })
        .await;
    }

    /// The middle of the first element that matches.
    pub async fn middle(&self, selector: &str) -> (f64, f64) {
        let script = format!(
            "const r = document.querySelector({}).getBoundingClientRect();
             return [r.x + r.width / 2, r.y + r.height / 2];",
            json!(selector)
        );
        let found = self.run(&script).await;
        (found[0].as_f64().expect("a number"), found[1].as_f64().expect("a number"))
    }

    /// A double click in Chromium, a tenth of a second from click to click however busy the machine is.
    pub async fn double_click_at(&self, (x, y): (f64, f64)) {
        let start = UNIX_EPOCH.elapsed().expect("a clock that is right").as_secs_f64();
        for count in [1, 2] {
            for kind in ["mousePressed", "mouseReleased"] {
                let event = json!({
                    "type": kind, "x": x, "y": y, "button": "left", "clickCount": count,
                    "timestamp": start + 0.1 * f64::from(count - 1)
                });
                self.devtools("Input.dispatchMouseEvent", event).await;
            }
        }
    }

    /// Waits until the element that wants the focus of a new page has it: that is after its load.
    pub async fn has_focus(&self) {
        self.comes_to(
            "!document.querySelector('[autofocus]') || document.activeElement !== document.body",
        )
        .await;
    }

    /// Types into the element that has the focus.
    pub async fn press(&self, keys: impl Into<TypingData>) {
        // Not by an action chain: ChromeDriver repeats that when a key loads a page.
        let focused = self.driver().active_element().await.expect("some element has the focus");
        focused.send_keys(keys).await.unwrap_or_else(|error| panic!("press keys: {error}"));
    }

    /// A command of the `DevTools` protocol, which Chromium alone speaks.
    pub async fn devtools(&self, method: &str, parameters: Value) -> Value {
        let sent = self.driver().cdp().send_raw(method, parameters).await;
        sent.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Has pages believe that the user prefers this color scheme.
    pub async fn prefer(&self, scheme: &str) {
        self.emulate("prefers-color-scheme", scheme).await;
    }

    /// Has pages believe in this value of a feature that style sheets ask for.
    pub async fn emulate(&self, feature: &str, value: &str) {
        let features = json!([{ "name": feature, "value": value }]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
        self.comes_to(&format!("matchMedia('({feature}: {value})').matches")).await;
    }

    /// What the page or the browser wrote to the console as an error.
    pub async fn console_errors(&self) -> Vec<String> {
        let log = self.driver().browser_log().await.expect("read the console");
        log.into_iter().filter(|entry| entry.level == "SEVERE").map(|entry| entry.message).collect()
    }
}

async fn one_seat() -> SemaphorePermit<'static> {
    SEATS.acquire().await.expect("the seats stay")
}
