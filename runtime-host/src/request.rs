//! One request: checked, given to the live generation, and answered whatever
//! happens there.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::uri::{Authority, Scheme, Uri};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use tokio::sync::oneshot;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::{ExpirationError, InstantiationError, TrapOrPanicError};

use crate::body::{KeepAlive, MAX_REQUEST_BODY, RequestBody, drain};
use crate::server::{MAX_REQUESTS, Server};
use crate::worker::{Failure, REQUEST_TIMEOUT, Ticket};

/// How long a request waits for one of the server's places. Those who wait are
/// bounded by the limit of connections.
const PLACE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a worker takes to end after its component trapped.
const WORKER_END: Duration = Duration::from_millis(100);

/// Answers a request. `local` stands in for a missing `Host` (HTTP/1.0).
pub async fn handle(
    server: &Server,
    local: SocketAddr,
    request: Request<Incoming>,
) -> Response<WasiBody> {
    match forward(server, local, request).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn forward(
    server: &Server,
    local: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<WasiBody>, Problem> {
    let (mut parts, body) = request.into_parts();
    if is_too_large(&parts) {
        // Who waits for `100 Continue` has sent nothing yet, and need not.
        if !parts.headers.contains_key(header::EXPECT) {
            drain(body);
        }
        return Err(Problem::body_too_large());
    }
    if has_unknown_coding(&parts) {
        return Err(Problem::unknown_coding());
    }
    parts.uri = absolute_uri(&parts, local)?;
    let line = format!("{} {}", parts.method, parts.uri.path());

    let place = server.requests.clone().acquire_owned();
    let permit = tokio::time::timeout(PLACE_TIMEOUT, place)
        .await
        .ok()
        .and_then(Result::ok)
        .map(Arc::new)
        .ok_or_else(Problem::busy)?;

    let generation = server.live.load_full().ok_or_else(Problem::busy)?;
    let too_large = Arc::new(AtomicBool::new(false));
    let body = RequestBody::new(body, too_large.clone()).boxed_unsync();
    let (failure, failed) = oneshot::channel();
    let ticket = Ticket { line: line.clone(), failure, permit: permit.clone() };
    let result = generation.handler.handle(ticket, Request::from_parts(parts, body)).await;
    if too_large.load(Ordering::Relaxed) {
        return Err(Problem::body_too_large());
    }
    match result {
        Ok(response) => Ok(response.map(|body| KeepAlive::wrap(body, (generation, permit)))),
        Err(error) => Err(explain(&line, &error, failed).await),
    }
}

/// What to tell the client, and to log, of a request without an answer.
async fn explain(
    line: &str,
    error: &wasmtime::Error,
    failed: oneshot::Receiver<Failure>,
) -> Problem {
    if error.is::<TrapOrPanicError>() {
        // The worker tells, and logs, why it ended.
        return match failed.await {
            Ok(Failure::TimedOut) => Problem::timed_out(),
            Ok(Failure::CpuExhausted) => Problem::cpu_exhausted(),
            Ok(Failure::Trapped) | Err(_) => Problem::trapped(),
        };
    }
    if error.is::<ExpirationError>() {
        tracing::error!("{line}: the component did not answer in time");
        return Problem::timed_out();
    }
    if let Some(error) = error.downcast_ref::<InstantiationError<Ticket>>() {
        if error.error.is::<wasmtime::PoolConcurrencyLimitError>() {
            return Problem::busy();
        }
        tracing::error!("{line}: the component cannot be instantiated: {:#}", error.error);
        return Problem::trapped();
    }
    // A WASI 0.2 component that traps is an error first; then its worker tells more.
    if let Ok(Ok(_)) = tokio::time::timeout(WORKER_END, failed).await {
        return Problem::trapped();
    }
    tracing::error!("{line}: the component gave an error for an answer: {error:#}");
    Problem::failed()
}

fn is_too_large(parts: &http::request::Parts) -> bool {
    parts
        .headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .is_some_and(|length: u64| length > MAX_REQUEST_BODY)
}

/// Whether the body is coded in a way that hyper does not undo.
fn has_unknown_coding(parts: &http::request::Parts) -> bool {
    let mut codings = parts.headers.get_all(header::TRANSFER_ENCODING).iter();
    codings.any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
}

/// The URI with scheme and authority, as components expect it.
fn absolute_uri(parts: &http::request::Parts, local: SocketAddr) -> Result<Uri, Problem> {
    if parts.method == Method::CONNECT {
        return Err(Problem::bad_request("CONNECT is for proxies, which this server is not."));
    }
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let authority = match (hosts.next(), hosts.next()) {
        (Some(host), None) => Authority::try_from(host.as_bytes())
            .ok()
            .filter(|authority| !authority.as_str().contains('@'))
            .ok_or_else(|| Problem::bad_request("The Host header is not a host."))?,
        (None, _) if parts.version == Version::HTTP_10 => Authority::try_from(local.to_string())
            .map_err(|_| Problem::bad_request("The request names no host."))?,
        (None, _) => return Err(Problem::bad_request("The Host header is missing.")),
        (Some(_), Some(_)) => {
            return Err(Problem::bad_request("There is more than one Host header."));
        }
    };
    let mut uri = parts.uri.clone().into_parts();
    uri.scheme = Some(Scheme::HTTP);
    uri.authority.get_or_insert(authority);
    Uri::from_parts(uri)
        .map_err(|_| Problem::bad_request("The address in the request line is broken."))
}

/// An answer of the host's own, after RFC 9457.
struct Problem {
    status: StatusCode,
    detail: String,
}

impl Problem {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }

    fn bad_request(detail: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    fn unknown_coding() -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, "The only transfer coding of a request is chunked.")
    }

    fn body_too_large() -> Self {
        let limit = MAX_REQUEST_BODY >> 20;
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, format!("A request body may have {limit} MiB."))
    }

    fn busy() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{MAX_REQUESTS} requests are being answered already. Try again in a second."),
        )
    }

    fn timed_out() -> Self {
        let limit = REQUEST_TIMEOUT.as_secs();
        Self::new(
            StatusCode::GATEWAY_TIMEOUT,
            format!("The component did not answer within {limit} s."),
        )
    }

    fn cpu_exhausted() -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, "The component used up its CPU time for a request.")
    }

    fn trapped() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The component trapped before it answered. The host's log has the reason.",
        )
    }

    fn failed() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The component gave an error instead of an answer. The host's log has the reason.",
        )
    }

    fn into_response(self) -> Response<WasiBody> {
        let text = serde_json::json!({
            "type": "about:blank",
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "detail": self.detail,
        })
        .to_string();
        let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
