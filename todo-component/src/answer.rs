//! What every answer, every page and every problem has in common.

use crate::error::{NO_SUCH_LIST, Problem, RETRY_AFTER};
use crate::site::Verdict;
use crate::view::{self, Unsaved};
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use maud::Markup;
use serde::Serialize;

pub type Answer = Response<Full<Bytes>>;

pub const JSON: &str = "application/json";
/// What a PATCH takes: RFC 7396 says the same of objects without nulls.
pub const PATCHES: [&str; 2] = [JSON, "application/merge-patch+json"];
/// A page is kept, and asked for again each time; its 304 says the same.
pub const REVALIDATE: &str = "private, no-cache";
/// Nothing but our own files, and no inline script or style.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// An answer without headers of its own.
pub fn answer(status: StatusCode, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    answer
}

/// A page with the headers that every page carries.
pub fn html(status: StatusCode, markup: Markup) -> Answer {
    let mut page = answer(status, markup.into_string().into());
    let headers = page.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(REVALIDATE));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    page
}

/// A value as JSON.
pub fn answer_json(status: StatusCode, value: &impl Serialize) -> Result<Answer, Problem> {
    let body = serde_json::to_vec(value).map_err(|error| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string())
    })?;
    let mut answer = answer(status, body.into());
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(REVALIDATE));
    Ok(answer)
}

/// An error as `application/problem+json`.
pub fn problem_json(problem: &Problem) -> Answer {
    let mut answer = answer(problem.status, problem.to_json().into());
    let json = HeaderValue::from_static("application/problem+json");
    answer.headers_mut().insert(header::CONTENT_TYPE, json);
    passing(&mut answer);
    answer
}

/// An error as a page; `unsaved` is what somebody typed and must not lose.
pub fn problem_page(problem: &Problem, unsaved: Option<&Unsaved>) -> Answer {
    let status = problem.status.as_u16();
    let markup = view::failure(status, problem.title(), &problem.detail, unsaved);
    let mut answer = html(problem.status, markup);
    if problem.code == NO_SUCH_LIST {
        answer.extensions_mut().insert(NoList);
    }
    passing(&mut answer);
    answer
}

/// Marks the page that says that there is no such list: its links lead elsewhere.
#[derive(Debug, Clone, Copy)]
pub struct NoList;

/// A problem is of this moment: nobody keeps it.
fn passing(answer: &mut Answer) {
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // RFC 5789 and RFC 9110 have the answer say what would have been taken.
    if answer.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        let headers = answer.headers_mut();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert("accept-patch", accept_patch());
    }
    if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
    }
}

/// The value of `Accept-Patch`.
pub fn accept_patch() -> HeaderValue {
    HeaderValue::try_from(PATCHES.join(", ")).unwrap_or(HeaderValue::from_static(JSON))
}

/// Headers that every answer carries, and CORS where another site may read.
pub fn secure(answer: &mut Answer, verdict: &Verdict) {
    let allow = answer.headers().get(header::ALLOW).cloned();
    let length = answer.body().size_hint().lower();
    let bodiless = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&answer.status());
    let headers = answer.headers_mut();
    if !bodiless {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // An address that got out is in no search engine.
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex"));
    headers.append(header::VARY, HeaderValue::from_static("Origin, Sec-Fetch-Site"));
    let Verdict::Shared(origin) = verdict else { return };
    let Ok(origin) = HeaderValue::from_str(origin) else { return };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(
            "ETag, Link, Location, Retry-After, Todoozle-Position, Todoozle-Source",
        ),
    );
    if let Some(methods) = allow {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static(
                "Content-Type, Idempotency-Key, If-Match, If-None-Match, Todoozle-Position",
            ),
        );
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    }
}
