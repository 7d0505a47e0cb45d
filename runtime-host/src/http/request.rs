//! One request: checked, given to the live component, and answered whatever
//! happens there.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{HeaderValue, Request, Response, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime_wasi_http::WasiBody;

use crate::guest::answer::answer;
use crate::guest::failure::Failure;
use crate::http::body::{Progress, RequestBody, Upload, Watched, drain};
use crate::http::exchange::Exchange;
use crate::http::patience::UnderWay;
use crate::http::problem::Problem;
use crate::http::server::Server;
use crate::http::target::absolute_uri;
use crate::metrics::Limit;
use crate::spin::headers;

/// How long a request waits for one of the server's places. Those who wait are
/// bounded by the limit of connections.
const PLACE_TIMEOUT: Duration = Duration::from_secs(1);

/// Where a request came in.
#[derive(Clone, Copy)]
pub struct Ends {
    pub client: SocketAddr,
    /// Stands in for a missing `Host` (HTTP/1.0).
    pub local: SocketAddr,
}

/// Answers a request.
pub async fn handle(
    server: &Arc<Server>,
    ends: Ends,
    request: Request<Incoming>,
    under_way: UnderWay,
) -> Response<WasiBody> {
    let mut exchange = Exchange::begin(server, ends.client, &request, under_way);
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = match forward(server, ends, request, &mut exchange).await {
        Ok(response) => response,
        Err(problem) => told(server, origin.as_ref(), problem),
    };
    if server.stopping.load(Ordering::Relaxed) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    exchange.answered(response.status());
    response.map(|body| Watched::wrap(body, exchange))
}

/// Answers a request on a connection too many.
pub fn turn_away(server: &Server, request: &Request<Incoming>) -> Response<WasiBody> {
    let problem = Problem::too_many_connections(&server.limits);
    told(server, request.headers().get(header::ORIGIN), problem)
}

/// A problem that the scripts of some other sites may read.
fn told(server: &Server, origin: Option<&HeaderValue>, problem: Problem) -> Response<WasiBody> {
    let mut response = problem.into_response();
    server.origins.allow(origin, response.headers_mut());
    response
}

async fn forward(
    server: &Server,
    ends: Ends,
    request: Request<Incoming>,
    exchange: &mut Exchange,
) -> Result<Response<WasiBody>, Problem> {
    let limits = &server.limits;
    let (mut parts, body) = request.into_parts();
    if head_bytes(&parts) > limits.max_head {
        server.metrics.refused(Limit::max_head);
        return Err(Problem::head_too_large(limits));
    }
    if is_too_large(&parts, limits.max_body) {
        // Who waits for `100 Continue` has sent nothing yet, and need not.
        if !parts.headers.contains_key(header::EXPECT) {
            drain(body, limits.max_body);
        }
        server.metrics.refused(Limit::max_body);
        return Err(Problem::body_too_large(limits));
    }
    check_coding(&parts)?;
    parts.uri = absolute_uri(&parts, ends.local)?;
    let found = server.routes.find(parts.uri.path()).ok_or_else(Problem::no_route)?;
    let (client, component) = (ends.client, found.component);
    headers::set(&mut parts.headers, &parts.uri, &found, client, &limits.trusted_proxies);
    let upload = Upload::default();
    let expects = parts.headers.contains_key(header::EXPECT);
    let mut body = RequestBody::new(body, limits, upload.clone(), expects);
    if !body.comes_at_once().await {
        body.keep(place(server, &server.uploads, Limit::max_uploads).await?);
    }
    let place = place(server, &server.requests, Limit::max_requests).await?;
    let loaded = server.live.load_full().ok_or_else(Problem::no_component)?;
    exchange.goes_to(loaded.clone(), place);

    let request = Request::from_parts(parts, body.boxed_unsync());
    let result = answer(&loaded.components[component], exchange.line(), request).await;
    match (upload.progress(), result) {
        (Progress::TooLarge, _) => {
            server.metrics.refused(Limit::max_body);
            Err(Problem::body_too_large(limits))
        }
        // The client's fault, also when the component still waited for its body at the end.
        (Progress::TooSlow, _) | (Progress::Waiting, Err(Failure::TimedOut)) => {
            Err(too_slow(server))
        }
        // Neither is the component's fault.
        (_, Err(Failure::NoRoom)) => Err(busy(server, Limit::max_requests)),
        (_, Err(failure @ Failure::NoMemory)) => {
            server.metrics.refused(Limit::all_guests_memory);
            Err(Problem::failure(failure, limits))
        }
        (_, Ok(response)) => {
            let status = response.status();
            // 503 is how a component says that its database is away.
            let failed =
                status.is_server_error() && status != http::StatusCode::SERVICE_UNAVAILABLE;
            loaded.health.record(failed);
            Ok(response)
        }
        (_, Err(failure)) => {
            loaded.health.record(true);
            server.metrics.failed(failure);
            Err(Problem::failure(failure, limits))
        }
    }
}

/// One of the server's places, for which a request waits for a moment.
async fn place(
    server: &Server,
    places: &Arc<Semaphore>,
    limit: Limit,
) -> Result<OwnedSemaphorePermit, Problem> {
    match tokio::time::timeout(PLACE_TIMEOUT, places.clone().acquire_owned()).await {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(busy(server, limit)),
    }
}

fn busy(server: &Server, limit: Limit) -> Problem {
    server.metrics.refused(limit);
    match limit {
        Limit::max_uploads => Problem::too_many_uploads(&server.limits),
        _ => Problem::busy(&server.limits),
    }
}

fn too_slow(server: &Server) -> Problem {
    server.metrics.refused(Limit::body_timeout);
    Problem::body_too_slow()
}

/// Bytes of the head as a client writes it. hyper compares its buffer with the limit between two
/// reads alone, and lets one pass that came with the last of them.
fn head_bytes(parts: &http::request::Parts) -> u64 {
    let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
    let line = parts.method.as_str().len() + target + "  HTTP/1.1\r\n\r\n".len();
    let fields = parts
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    (line + fields.sum::<usize>()) as u64
}

fn is_too_large(parts: &http::request::Parts, limit: u64) -> bool {
    parts
        .headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .is_some_and(|length: u64| length > limit)
}

/// Whether hyper undoes what the body is coded in. It looks at the last coding alone, of however
/// many there are on however many lines.
fn check_coding(parts: &http::request::Parts) -> Result<(), Problem> {
    let lines =
        || parts.headers.get_all(header::TRANSFER_ENCODING).iter().map(HeaderValue::as_bytes);
    let is_chunked = |coding: &[u8]| coding.trim_ascii().eq_ignore_ascii_case(b"chunked");
    let codings = || lines().flat_map(|line| line.split(|byte| *byte == b','));
    match codings().count() {
        0 => Ok(()),
        1 if codings().all(is_chunked) => Ok(()),
        // No reader could be sure where such a body ends (RFC 9112, 6.1).
        _ if codings().all(is_chunked) => {
            Err(Problem::bad_request("The body is chunked more than once."))
        }
        _ => Err(Problem::unknown_coding()),
    }
}
