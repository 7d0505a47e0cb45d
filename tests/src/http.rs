//! Requests, and answers that are read to their end.

use http::HeaderMap;
pub use reqwest::Body;
use reqwest::{Client, RequestBuilder, redirect::Policy};
use serde_json::Value;
use std::time::Duration;

/// How long it keeps a connection that nobody uses: less than the host does, as a balancer before it.
const IDLE: Duration = Duration::from_mins(1);

/// A client that follows nothing, remembers cookies and knows no proxy.
pub fn client() -> Client {
    Client::builder()
        .redirect(Policy::none())
        .cookie_store(true)
        .no_proxy()
        .pool_idle_timeout(IDLE)
        .build()
        .expect("build a client")
}

/// An answer, body and all.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

#[expect(
    clippy::return_self_not_must_use,
    reason = "an assertion gives the answer back only for the next one"
)]
impl Answer {
    /// A header's value. Panics when it is not there.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.maybe_header(name).unwrap_or_else(|| panic!("no `{name}` in {self:#?}"))
    }

    pub fn maybe_header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a header of text"))
    }

    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body of UTF-8")
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(self.text())
            .unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    /// The titles of a list by the API.
    pub fn titles(&self) -> Vec<String> {
        let list = self.json();
        let title = |todo: &Value| todo["title"].as_str().expect("a title").to_owned();
        list.as_array().expect("an array").iter().map(title).collect()
    }

    /// The address in `Link: <…>; rel="next"`.
    pub fn next(&self) -> Option<String> {
        let (target, relation) = self.maybe_header("link")?.strip_prefix('<')?.split_once('>')?;
        assert_eq!(relation, "; rel=\"next\"");
        Some(target.to_owned())
    }

    /// That the status is this one.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// That it is a problem of this status that says something to people.
    #[track_caller]
    pub fn is_problem(self, status: u16) -> Self {
        let answer = self.is(status);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let problem = answer.json();
        assert_eq!(problem["status"], status);
        let text = |name: &str| problem[name].as_str().is_some_and(|text| !text.is_empty());
        assert!(
            problem["type"].as_str().is_some_and(|kind| kind.starts_with("urn:todoozle:problem:")),
            "{problem}"
        );
        assert!(text("title") && text("detail"), "{problem}");
        answer
    }

    /// That it sends the browser to `place`.
    #[track_caller]
    pub fn redirects_to(self, place: &str) -> Self {
        let answer = self.is(303);
        assert_eq!(answer.header("location"), place);
        answer
    }
}

/// Sends a request and reads the answer to its end.
#[allow(async_fn_in_trait, reason = "only tests call it, on runtimes of one thread")]
pub trait Ask {
    async fn answer(self) -> Answer;
    /// The answer, or why there is none.
    async fn try_answer(self) -> reqwest::Result<Answer>;
}

impl Ask for RequestBuilder {
    async fn answer(self) -> Answer {
        self.try_answer().await.unwrap_or_else(|error| panic!("no answer: {error:?}"))
    }

    async fn try_answer(self) -> reqwest::Result<Answer> {
        let response = self.timeout(crate::DEADLINE).send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, headers, body: response.bytes().await?.to_vec() })
    }
}
