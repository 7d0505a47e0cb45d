//! Outgoing requests of components: to allowed hosts only, so many at a time, redirects left to
//! the component, time limits honoured.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper_tls::HttpsConnector;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use native_tls::TlsConnector;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::metrics::{Limit, Metrics};
use crate::spin::allowed_hosts::AllowedHosts;
use crate::spin::application::{Application, Asked, UnderWay};
use crate::spin::connector::{Connector, Prohibited, target};
use crate::spin::outbound_body::{TimedBody, answer_within};

/// Limits for requests that set none; a request to the component itself is
/// given up before the longer ones matter.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_mins(1);
const BETWEEN_BYTES_TIMEOUT: Duration = Duration::from_mins(1);
/// Idle connections kept to one host, and for how long.
const MAX_IDLE_PER_HOST: usize = 16;
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Different connect timeouts whose connections are kept.
const MAX_CLIENTS: usize = 8;

/// Knows the authorities of this machine. To read them takes as long as the rest of a start, and most
/// components never need it.
static TLS: LazyLock<native_tls::Result<TlsConnector>> = LazyLock::new(TlsConnector::new);

type Connections = Client<HttpsConnector<Connector>, WasiBody>;
type Outcome = Box<dyn Future<Output = Result<(), Error>> + Send>;

/// A component's client; its idle connections serve all instances.
pub struct HttpClient {
    allowed_hosts: Arc<AllowedHosts>,
    /// A connector's time limit is one for all of its requests: so one for each limit.
    by_connect_timeout: Mutex<HashMap<Duration, Connections>>,
    places: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

impl HttpClient {
    /// `places` are those of all clients together.
    pub fn new(allowed_hosts: AllowedHosts, places: Arc<Semaphore>, metrics: Arc<Metrics>) -> Self {
        Self {
            allowed_hosts: Arc::new(allowed_hosts),
            by_connect_timeout: Mutex::default(),
            places,
            metrics,
        }
    }

    pub fn allowed_hosts(&self) -> Arc<AllowedHosts> {
        self.allowed_hosts.clone()
    }

    fn check(&self, uri: &http::Uri) -> Result<(), Error> {
        let Some((scheme, host, port)) = target(uri) else {
            tracing::warn!(
                "an outgoing request was refused: its URL has no host and port alone; a user and a \
                 password go into a header of their own"
            );
            return Err(Error::HttpRequestUriInvalid);
        };
        self.allowed_hosts.check(scheme, host, port).map_err(|reason| {
            tracing::warn!("an outgoing request was refused: {reason}");
            Error::HttpRequestDenied
        })
    }

    async fn send(
        &self,
        request: http::Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<(http::Response<WasiBody>, Outcome), Error> {
        let connect = options.connect_timeout.unwrap_or(CONNECT_TIMEOUT);
        let first_byte = options.first_byte_timeout.unwrap_or(FIRST_BYTE_TIMEOUT);
        let between_bytes = options.between_bytes_timeout.unwrap_or(BETWEEN_BYTES_TIMEOUT);
        let place = self.place(connect).await?;
        let client = self.client(connect)?;
        let send = async |request| client.request(request).await.map_err(|error| error_of(&error));
        let response = answer_within(Some(first_byte), request, send).await?;
        let response = response.map(|body| {
            TimedBody::new(body.map_err(Error::Hyper), between_bytes, place).boxed_unsync()
        });
        Ok((response, Box::new(std::future::ready(Ok(())))))
    }

    /// Has the application itself answer. What limits its requests limits this one as well, so
    /// that none but the component's own are added.
    async fn send_within(
        &self,
        application: &dyn Application,
        request: http::Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<(http::Response<WasiBody>, Outcome), Error> {
        let _place = self.place(options.connect_timeout.unwrap_or(CONNECT_TIMEOUT)).await?;
        let send = |request| application.answer(request);
        let mut response = answer_within(options.first_byte_timeout, request, send).await?;
        if let Some(limit) = options.between_bytes_timeout {
            response = response.map(|body| TimedBody::new(body, limit, ()).boxed_unsync());
        }
        Ok((response, Box::new(std::future::ready(Ok(())))))
    }

    /// Waits for one as long as for a connection.
    async fn place(&self, limit: Duration) -> Result<Place, Error> {
        let place = tokio::time::timeout(limit, self.places.clone().acquire_owned()).await;
        let Ok(Ok(permit)) = place else {
            self.metrics.refused(Limit::max_outbound_requests);
            tracing::warn!(
                "an outgoing request found no place within {limit:?}: others hold all of \
                 --max-outbound-requests"
            );
            return Err(Error::ConnectionLimitReached);
        };
        self.metrics.outbound_requests.inc();
        Ok(Place { _permit: permit, metrics: self.metrics.clone() })
    }

    fn client(&self, timeout: Duration) -> Result<Connections, Error> {
        let tls = TLS.as_ref().map_err(|error| {
            tracing::error!("TLS for outgoing requests cannot be set up: {error}");
            Error::TlsProtocolError
        })?;
        let mut clients = self.by_connect_timeout.lock();
        if clients.len() >= MAX_CLIENTS && !clients.contains_key(&timeout) {
            // A component that asks for ever new limits keeps no connections.
            clients.retain(|kept, _| *kept == CONNECT_TIMEOUT);
        }
        let new = || {
            let connector = Connector { allowed_hosts: self.allowed_hosts.clone(), timeout };
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
                .pool_idle_timeout(IDLE_TIMEOUT)
                .build(HttpsConnector::from((connector, tls.clone().into())))
        };
        Ok(clients.entry(timeout).or_insert_with(new).clone())
    }
}

/// One of the requests that may be under way, until its answer has been read.
struct Place {
    _permit: OwnedSemaphorePermit,
    metrics: Arc<Metrics>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.metrics.outbound_requests.dec();
    }
}

/// The hook through which every outgoing request of a component goes.
pub struct OutboundHttp {
    pub client: Arc<HttpClient>,
    pub application: Arc<dyn Application>,
    /// What the component is answering.
    pub under_way: UnderWay,
}

impl WasiHttpHooks for OutboundHttp {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Outcome,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Outcome), Error>> + Send> {
        if let Err(error) = self.client.check(request.uri()) {
            return Box::new(std::future::ready(Err(error)));
        }
        let (client, options) = (self.client.clone(), options.unwrap_or_default());
        if request.uri().host().is_some_and(|host| Asked::by(host).is_some()) {
            let request = self.under_way.next(request);
            let application = self.application.clone();
            return Box::new(async move {
                client.send_within(application.as_ref(), request?, options).await
            });
        }
        Box::new(async move { client.send(request, options).await })
    }
}

/// What went wrong, as `wasi:http` words it.
fn error_of(error: &ClientError) -> Error {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = source {
        if let Some(reason) = cause.downcast_ref::<Prohibited>() {
            tracing::warn!("an outgoing request was refused: {reason}");
            return Error::DestinationIpProhibited;
        }
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
