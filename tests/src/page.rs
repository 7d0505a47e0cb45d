//! The list as a person sees and uses it, in a browser of its own.

use crate::{App, Browser, Host, until};
use std::ops::Deref;
use thirtyfour::TypingData;
use thirtyfour::prelude::*;

/// Reads everything that tests ask of the list at one instant.
const LOOK: &str = "
    if (document.readyState === 'loading') return null;
    const seen = element => !!element && element.checkVisibility({ visibilityProperty: true });
    const one = selector => document.querySelector(selector);
    const texts = selector => [...document.querySelectorAll(selector)].filter(seen)
        .map(element => element.textContent.trim()).filter(text => text);
    return {
        items: [...document.querySelectorAll('.todo-list > li')].filter(seen).map(li => ({
            title: li.querySelector('bdi').textContent,
            completed: li.classList.contains('completed'),
            checked: li.querySelector('.toggle').getAttribute('aria-checked') === 'true',
            editing: li.classList.contains('editing'),
        })),
        list: seen(one('.new-todo')),
        main: seen(one('.main')),
        footer: seen(one('.footer')),
        count: one('.todo-count')?.textContent.trim().replace(/\\s+/g, ' ') ?? '',
        number: one('.todo-count strong')?.textContent ?? '',
        filter: one('.filters .selected')?.textContent.trim() ?? '',
        all_checked: one('.toggle-all')?.getAttribute('aria-checked') === 'true',
        clear: seen(one('.clear-completed')),
        typed: one('.new-todo')?.value ?? '',
        focus: document.activeElement?.className ?? '',
        notices: texts('.notice'),
        errors: texts('.error'),
    };";

/// What the list shows at one instant.
#[derive(Debug)]
pub struct Shown(serde_json::Value);

impl Shown {
    pub fn titles(&self) -> Vec<&str> {
        self.items().map(|item| item["title"].as_str().expect("a title")).collect()
    }

    /// The titles of the completed ones; that class and checkbox agree is checked.
    pub fn completed(&self) -> Vec<&str> {
        let completed = self.items().filter(|item| {
            assert_eq!(item["completed"], item["checked"], "class and checkbox agree: {self:?}");
            item["completed"] == true
        });
        completed.map(|item| item["title"].as_str().expect("a title")).collect()
    }

    pub fn editing(&self) -> Vec<&str> {
        let editing = self.items().filter(|item| item["editing"] == true);
        editing.map(|item| item["title"].as_str().expect("a title")).collect()
    }

    fn items(&self) -> impl Iterator<Item = &serde_json::Value> {
        self.0["items"].as_array().expect("items").iter()
    }

    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().expect("a text")
    }

    /// Whether this is a list's page: any other shows no todo either.
    fn is_list(&self) -> bool {
        self.0["list"] == true
    }

    pub fn main(&self) -> bool {
        self.0["main"] == true
    }

    pub fn footer(&self) -> bool {
        self.0["footer"] == true
    }

    pub fn clear_completed(&self) -> bool {
        self.0["clear"] == true
    }

    pub fn all_checked(&self) -> bool {
        self.0["all_checked"] == true
    }

    /// The counter: `2 items left`.
    pub fn count(&self) -> &str {
        self.text("count")
    }

    /// The part of the counter that is `<strong>`.
    pub fn number(&self) -> &str {
        self.text("number")
    }

    pub fn filter(&self) -> &str {
        self.text("filter")
    }

    /// The text in the input for a new todo.
    pub fn typed(&self) -> &str {
        self.text("typed")
    }

    /// The class of the element that has the focus.
    pub fn focus(&self) -> &str {
        self.text("focus")
    }

    /// Every message that is shown, above the list or at an input.
    pub fn messages(&self) -> String {
        format!("{} {}", self.0["notices"], self.0["errors"])
    }

    pub fn says_nothing(&self) -> bool {
        self.0["notices"].as_array().is_some_and(Vec::is_empty)
            && self.0["errors"].as_array().is_some_and(Vec::is_empty)
    }
}

/// A browser that shows the list. It is a [`Browser`] as well.
pub struct Page {
    browser: Browser,
    origin: String,
}

impl Page {
    pub async fn open(app: &App) -> Self {
        Self::in_browser(Browser::open().await, app).await
    }

    pub async fn without_javascript(app: &App) -> Self {
        Self::in_browser(Browser::without_javascript().await, app).await
    }

    /// Two that share nothing but the server.
    pub async fn two(app: &App) -> (Self, Self) {
        let (first, second) = Browser::two().await;
        (Self::in_browser(first, app).await, Self::in_browser(second, app).await)
    }

    /// Opens the list of a host.
    pub async fn on(host: &Host) -> Self {
        let page = Self { browser: Browser::open().await, origin: host.origin().to_owned() };
        page.go("/").await;
        page
    }

    pub async fn in_browser(browser: Browser, app: &App) -> Self {
        let page = Self { browser, origin: app.host.origin().to_owned() };
        page.go("/").await;
        page
    }

    /// Opens another path of the app, and waits until keys go where the page wants them.
    pub async fn go(&self, path: &str) {
        self.goto(&format!("{}{path}", self.origin)).await;
        self.has_focus().await;
    }

    /// Opens the edit page of the only todo, or of the first one.
    pub async fn edit(&self) {
        self.click(".edit-link").await;
        self.find(".edit-form").await;
        self.has_focus().await;
    }

    pub async fn reload(&self) {
        self.driver().refresh().await.expect("reload");
    }

    pub async fn back(&self) {
        self.driver().back().await.expect("go back");
    }

    pub async fn forward(&self) {
        self.driver().forward().await.expect("go forward");
    }

    pub async fn look(&self) -> Shown {
        until("there is a page", async || {
            // There is nothing between two pages in Firefox, and half a page is none.
            let seen = self.run(LOOK).await;
            (!seen.is_null()).then_some(Shown(seen))
        })
        .await
    }

    /// Waits until the list is as `condition` wants it.
    pub async fn comes_to_show(&self, what: &str, condition: impl Fn(&Shown) -> bool) {
        let last = std::cell::RefCell::new(String::new());
        let seen = async || {
            let shown = self.look().await;
            *last.borrow_mut() = format!("{shown:?}");
            condition(&shown).then_some(())
        };
        let waiting = until(what, seen);
        let guard = ShowLast(&last);
        waiting.await;
        drop(guard);
    }

    /// Waits until the list shows these titles in this order.
    pub async fn shows<const N: usize>(&self, titles: [&str; N]) {
        self.comes_to_show(&format!("the list shows {titles:?}"), |shown| {
            shown.is_list() && shown.titles() == titles
        })
        .await;
    }

    /// Waits until these and no other todos are completed.
    pub async fn shows_completed<const N: usize>(&self, titles: [&str; N]) {
        self.comes_to_show(&format!("{titles:?} are completed"), |shown| {
            shown.is_list() && shown.completed() == titles
        })
        .await;
    }

    /// Waits until the counter reads so.
    pub async fn counts(&self, text: &str) {
        self.comes_to_show(&format!("the counter reads `{text}`"), |shown| shown.count() == text)
            .await;
    }

    /// Waits until some message has `text` in it.
    pub async fn says(&self, text: &str) {
        self.comes_to_show(&format!("a message says `{text}`"), |shown| {
            shown.messages().contains(text)
        })
        .await;
    }

    /// Types a new todo and presses Enter.
    pub async fn add(&self, title: &str) {
        let input = self.find(".new-todo").await;
        input.clear().await.expect("clear the input");
        input.send_keys(title).await.expect("type the title");
        input.send_keys(Key::Enter).await.expect("press Enter");
    }

    /// The element of a todo that matches.
    pub async fn part(&self, title: &str, selector: &str) -> WebElement {
        let script = "
            const items = [...document.querySelectorAll('.todo-list > li')];
            const item = items.find(li => !li.hidden && li.querySelector('bdi').textContent === arguments[0]);
            return item?.querySelector(arguments[1]);";
        let what = format!("the todo `{title}` has `{selector}`");
        until(&what, async || {
            let arguments = vec![title.into(), selector.into()];
            self.driver().execute(script, arguments).await.expect("look for it").element().ok()
        })
        .await
    }

    pub async fn toggle(&self, title: &str) {
        self.part(title, ".toggle").await.click().await.expect("click the checkbox");
    }

    /// Deletes as with a mouse: hovers, then clicks what appears.
    pub async fn destroy(&self, title: &str) {
        self.hover(title).await;
        self.part(title, ".destroy").await.click().await.expect("click the button");
    }

    pub async fn hover(&self, title: &str) {
        let label = self.part(title, "label").await;
        let mouse = self.driver().action_chain().move_to_element_center(&label);
        mouse.perform().await.expect("move the mouse");
    }

    /// Drags a todo by its grip to below another one.
    pub async fn drag_below(&self, title: &str, other: &str) {
        self.hover(title).await;
        let (grip, target) = (self.part(title, ".grip").await, self.part(other, ".toggle").await);
        let drag = self.driver().action_chain().move_to_element_center(&grip).click_and_hold();
        let drag = drag.move_to_element_center(&target).move_by_offset(0, 8).release();
        drag.perform().await.expect("drag with the mouse");
    }

    /// Starts editing by a double click, where no message lies over it.
    pub async fn double_click(&self, title: &str) {
        let label = self.part(title, "label").await;
        let scroll = "arguments[0].scrollIntoView({ block: 'center' })";
        let arguments = vec![label.to_json().expect("name the label")];
        self.driver().execute(scroll, arguments).await.expect("scroll");
        let watch = "window.doubled = false;
            addEventListener('dblclick', () => { window.doubled = true; }, { once: true, capture: true });";
        self.run(watch).await;
        // On a busy machine the second click may come too late to be one with the first.
        until("two clicks are a double click", async || {
            let clicks = self.driver().action_chain().double_click_element(&label);
            clicks.perform().await.expect("double-click");
            (self.run("return window.doubled").await == true).then_some(())
        })
        .await;
    }

    /// Replaces the text of the input that has the focus.
    pub async fn retype(&self, text: &str) {
        self.press(Key::Control + "a").await;
        let written = if text.is_empty() { TypingData::from(Key::Delete) } else { text.into() };
        self.press(written).await;
    }

    pub async fn toggle_all(&self) {
        self.click(".toggle-all").await;
    }

    pub async fn clear_completed(&self) {
        self.click(".clear-completed").await;
    }

    /// Chooses a filter by its name.
    pub async fn choose(&self, filter: &str) {
        let link = until(&format!("there is a link `{filter}`"), async || {
            self.driver().find(By::LinkText(filter)).await.ok()
        })
        .await;
        link.click().await.expect("click the filter");
    }

    /// Remembers this document, for [`Page::is_still_here`].
    pub async fn stay(&self) {
        self.run("window.stayed = true").await;
    }

    /// That no page has been loaded since [`Page::stay`].
    pub async fn is_still_here(&self) {
        assert_eq!(self.run("return window.stayed === true").await, true, "a page was loaded");
    }
}

impl Deref for Page {
    type Target = Browser;

    fn deref(&self) -> &Browser {
        &self.browser
    }
}

/// Prints what was shown last when a wait for something else fails.
struct ShowLast<'a>(&'a std::cell::RefCell<String>);

impl Drop for ShowLast<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the page showed last: {}", self.0.borrow());
        }
    }
}
