//! Outgoing requests of components: to allowed hosts only, redirects left to
//! the component, time limits honoured.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::uri::Scheme;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper_tls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::Instant;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::alarm::Alarm;
use crate::spin::allowed_hosts::AllowedHosts;

/// Limits for requests that set none; a request to the component itself is
/// given up before the longer ones matter.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_mins(1);
const BETWEEN_BYTES_TIMEOUT: Duration = Duration::from_mins(1);
/// Idle connections kept to one host.
const MAX_IDLE_PER_HOST: usize = 16;

type Connector = HttpsConnector<HttpConnector>;
type Outcome = Box<dyn Future<Output = Result<(), Error>> + Send>;

/// The process's client; its idle connections serve all instances.
#[derive(Clone)]
pub struct HttpClient {
    client: Client<Connector, WasiBody>,
    tls: native_tls::TlsConnector,
}

impl HttpClient {
    pub fn new() -> anyhow::Result<Self> {
        let tls = native_tls::TlsConnector::new()?;
        Ok(Self { client: client(&tls, CONNECT_TIMEOUT), tls })
    }

    async fn send(
        &self,
        request: http::Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<(http::Response<WasiBody>, Outcome), Error> {
        // The connector's limit is one for all requests, so an own one takes an own client.
        let client = match options.connect_timeout {
            Some(timeout) => client(&self.tls, timeout),
            None => self.client.clone(),
        };
        let first_byte = options.first_byte_timeout.unwrap_or(FIRST_BYTE_TIMEOUT);
        let between_bytes = options.between_bytes_timeout.unwrap_or(BETWEEN_BYTES_TIMEOUT);
        let response = tokio::time::timeout(first_byte, client.request(request))
            .await
            .map_err(|_| Error::ConnectionReadTimeout)?
            .map_err(|error| error_of(&error))?;
        let response = response.map(|body| {
            let (wait_until, alarm) = (None, Alarm::default());
            TimedBody { body, limit: between_bytes, wait_until, alarm }.boxed_unsync()
        });
        Ok((response, Box::new(std::future::ready(Ok(())))))
    }
}

fn client(
    tls: &native_tls::TlsConnector,
    connect_timeout: Duration,
) -> Client<Connector, WasiBody> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(connect_timeout));
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
        .build(HttpsConnector::from((http, tls.clone().into())))
}

/// The hook through which every outgoing request of a component goes.
pub struct OutboundHttp {
    client: HttpClient,
    allowed_hosts: Arc<AllowedHosts>,
}

impl OutboundHttp {
    pub fn new(client: HttpClient, allowed_hosts: Arc<AllowedHosts>) -> Self {
        Self { client, allowed_hosts }
    }

    fn check(&self, uri: &http::Uri) -> Result<(), Error> {
        let scheme = uri.scheme().ok_or(Error::HttpRequestUriInvalid)?;
        let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
        let default = if *scheme == Scheme::HTTP { 80 } else { 443 };
        let port = authority.port_u16().unwrap_or(default);
        self.allowed_hosts.check(scheme.as_str(), authority.host(), port).map_err(|reason| {
            tracing::warn!("an outgoing request was refused: {reason}");
            Error::HttpRequestDenied
        })
    }
}

impl WasiHttpHooks for OutboundHttp {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Outcome,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Outcome), Error>> + Send> {
        if let Err(error) = self.check(request.uri()) {
            return Box::new(std::future::ready(Err(error)));
        }
        let client = self.client.clone();
        Box::new(async move { client.send(request, options.unwrap_or_default()).await })
    }
}

/// What went wrong, as `wasi:http` words it.
fn error_of(error: &ClientError) -> Error {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<native_tls::Error>() {
            tracing::debug!(%error, "outgoing TLS");
            return Error::TlsCertificateError;
        }
        if let Some(error) = cause.downcast_ref::<std::io::Error>() {
            return match error.kind() {
                std::io::ErrorKind::TimedOut => Error::ConnectionTimeout,
                _ if is_lookup(error) => Error::DnsError { rcode: None, info_code: None },
                kind => Error::Connect(kind.into()),
            };
        }
        source = cause.source();
    }
    if error.is_connect() { Error::ConnectionRefused } else { Error::HttpProtocolError }
}

/// `getaddrinfo`'s failures are plain I/O errors with a text of its own.
fn is_lookup(error: &std::io::Error) -> bool {
    error.raw_os_error().is_none() && error.to_string().contains("lookup")
}

/// A body that fails when nothing of it has come for too long.
struct TimedBody {
    body: hyper::body::Incoming,
    limit: Duration,
    /// Only while the component waits.
    wait_until: Option<Instant>,
    alarm: Alarm,
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.wait_until = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::Hyper)));
        }
        let limit = self.limit;
        let deadline = *self.wait_until.get_or_insert_with(|| Instant::now() + limit);
        self.alarm.poll_at(deadline, cx).map(|()| Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
