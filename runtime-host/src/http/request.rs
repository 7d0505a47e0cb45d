//! One request: checked, given to the live component, and answered whatever
//! happens there.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::uri::{Authority, Scheme, Uri};
use http::{HeaderValue, Method, Request, Response, Version, header};
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
        Err(problem) => {
            let mut response = problem.into_response();
            server.origins.allow(origin.as_ref(), response.headers_mut());
            response
        }
    };
    if server.stopping.load(Ordering::Relaxed) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    exchange.answered(response.status());
    response.map(|body| Watched::wrap(body, exchange))
}

async fn forward(
    server: &Server,
    ends: Ends,
    request: Request<Incoming>,
    exchange: &mut Exchange,
) -> Result<Response<WasiBody>, Problem> {
    let limits = &server.limits;
    let (mut parts, body) = request.into_parts();
    if is_too_large(&parts, limits.max_body) {
        // Who waits for `100 Continue` has sent nothing yet, and need not.
        if !parts.headers.contains_key(header::EXPECT) {
            drain(body, limits.max_body);
        }
        server.metrics.refused(Limit::max_body);
        return Err(Problem::body_too_large(limits));
    }
    if has_unknown_coding(&parts) {
        return Err(Problem::unknown_coding());
    }
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
        (_, Err(Failure::NoRoom)) => Err(busy(server, Limit::max_requests)),
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
    if let Ok(permit) = places.clone().try_acquire_owned() {
        return Ok(permit);
    }
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

fn is_too_large(parts: &http::request::Parts, limit: u64) -> bool {
    parts
        .headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .is_some_and(|length: u64| length > limit)
}

/// Whether the body is coded in a way that hyper does not undo.
fn has_unknown_coding(parts: &http::request::Parts) -> bool {
    let mut codings = parts.headers.get_all(header::TRANSFER_ENCODING).iter();
    codings.any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
}

/// Whether two authorities are one host and port; either may leave out the usual port. One with a
/// user in it is never the same, as `Host` has none.
fn is_same(one: &Authority, other: &Authority) -> bool {
    let port = |authority: &Authority| authority.port_u16().unwrap_or(80);
    !one.as_str().contains('@')
        && one.host().eq_ignore_ascii_case(other.host())
        && port(one) == port(other)
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
    if uri.scheme.as_ref().is_some_and(|scheme| ![Scheme::HTTP, Scheme::HTTPS].contains(scheme)) {
        return Err(Problem::bad_request("The request line's address is neither http nor https."));
    }
    if uri.authority.as_ref().is_some_and(|own| !is_same(own, &authority)) {
        return Err(Problem::bad_request("The request line names another host than Host does."));
    }
    uri.scheme = Some(Scheme::HTTP);
    uri.authority = Some(authority);
    Uri::from_parts(uri)
        .map_err(|_| Problem::bad_request("The address in the request line is broken."))
}
