//! Where connections come in: limits kept, requests handed on, and a shutdown that finishes what
//! has begun.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::FutureExt as _;
use http::StatusCode;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::exchange;
use crate::http::patience::{HeadTimeout, Paced, Patience};
use crate::http::request::{self, Ends};
use crate::http::server::Server;
use crate::metrics::Limit;

/// Connections that are told that there are too many; beyond them, none is.
const MAX_REFUSALS: usize = 64;
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);
const BACKLOG: u32 = 1024;
/// At the end: how long clients that are about to use their connection again
/// get, so that they read `Connection: close` and not a reset.
const LINGER: Duration = Duration::from_millis(250);

/// Takes the address that the option `flag` gave, without listening yet: so a
/// taken port is noticed before anything is built, and nobody connects before
/// there is an answer.
pub fn bind(address: SocketAddr, flag: &str) -> Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Otherwise the port is taken for a minute after a stop with open connections.
    socket.set_reuseaddr(true)?;
    socket.bind(address).map_err(|error| explain(address, flag, &error))?;
    Ok(socket)
}

/// Starts to listen; connections wait in the backlog until [`serve`] runs.
pub fn listen(socket: TcpSocket, address: SocketAddr, flag: &str) -> Result<TcpListener> {
    socket.listen(BACKLOG).map_err(|error| explain(address, flag, &error))
}

fn explain(address: SocketAddr, flag: &str, error: &io::Error) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "port {} is in use: stop what listens on {address}, or choose another with {flag}",
            address.port()
        ),
        _ => anyhow::anyhow!("cannot listen on {address}: {error}; choose another with {flag}"),
    }
}

/// Serves until `stop` resolves. Then it goes on for the shutdown delay, with
/// `Connection: close` in every answer, takes no more connections, and leaves
/// when every request has its answer, the drain timeout is over, or `stop_now`
/// resolves.
pub async fn serve(
    server: Arc<Server>,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
    stop_now: impl Future<Output = ()>,
) -> Result<()> {
    let door = Door::new(server.clone(), listener)?;
    door.let_in_until(stop).await;
    server.stopping.store(true, Ordering::Relaxed);
    let end = async {
        let delay = server.limits.shutdown_delay.unwrap_or_default();
        if !delay.is_zero() {
            door.let_in_until(tokio::time::sleep(delay)).await;
        }
        door.close().await;
    };
    tokio::select! {
        () = end => {}
        () = stop_now => tracing::warn!("requests were cut off"),
    }
    Ok(())
}

/// Where connections come in.
struct Door {
    server: Arc<Server>,
    listener: TcpListener,
    local: SocketAddr,
    connections: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    graceful: GracefulShutdown,
}

impl Door {
    fn new(server: Arc<Server>, listener: TcpListener) -> Result<Self> {
        let connections = server.limits.max_connections as usize;
        Ok(Self {
            local: listener.local_addr().context("ask for the port")?,
            server,
            listener,
            connections: Arc::new(Semaphore::new(connections)),
            refusals: Arc::new(Semaphore::new(MAX_REFUSALS)),
            graceful: GracefulShutdown::new(),
        })
    }

    async fn let_in_until(&self, end: impl Future<Output = ()>) {
        let mut end = std::pin::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => return,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, client)) => self.let_in(stream, client),
                    // This client has left; the next one may be waiting.
                    Err(error) if is_of_the_client(&error) => {}
                    Err(error) => {
                        // Out of file descriptors, most likely: wait for some to be closed.
                        tracing::warn!("cannot accept a connection: {error}");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
            }
        }
    }

    fn let_in(&self, stream: TcpStream, client: SocketAddr) {
        if let Ok(permit) = self.connections.clone().try_acquire_owned() {
            self.spawn_connection(stream, client, permit);
            return;
        }
        self.server.metrics.refused(Limit::max_connections);
        if let Ok(permit) = self.refusals.clone().try_acquire_owned() {
            tokio::spawn(refuse(self.server.clone(), stream, permit));
        }
    }

    fn spawn_connection(
        &self,
        stream: TcpStream,
        client: SocketAddr,
        permit: OwnedSemaphorePermit,
    ) {
        // Nagle's algorithm would hold small chunks back for 40 ms.
        let _ = stream.set_nodelay(true);
        let limits = &self.server.limits;
        let stream = Paced::new(
            stream,
            Patience {
                head: limits.header_timeout,
                pause: limits.body_timeout,
                response: limits.response_timeout,
            },
        );
        let pace = stream.pace();
        let ends = Ends { client, local: self.local };
        let service = service_fn({
            let (server, pace) = (self.server.clone(), pace.clone());
            move |request| {
                let (server, under_way) = (server.clone(), pace.begin_request());
                async move {
                    Ok::<_, Infallible>(request::handle(&server, ends, request, under_way).await)
                }
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.idle_timeout)
            .max_buf_size(usize::try_from(limits.max_head).unwrap_or(usize::MAX))
            .serve_connection(TokioIo::new(stream), service);
        let connection = self.graceful.watch(connection);
        let server = self.server.clone();
        tokio::spawn(async move {
            let metrics = &server.metrics;
            metrics.connections.inc();
            if let Err(error) = connection.await {
                let limit = limit_of(&error);
                if let Some(limit) = limit
                    && (limit != Limit::header_timeout || pace.is_unanswered())
                {
                    metrics.refused(limit);
                }
                if let Some(status) = answer_of_hyper(&error) {
                    exchange::unreadable(&server, client, status);
                }
                tracing::debug!(%error, "a connection ended early");
            }
            metrics.connections.dec();
            drop(permit);
        });
    }

    /// Takes in who is at the door already, closes it, and waits for the rest to leave.
    async fn close(self) {
        while let Some(Ok((stream, client))) = self.listener.accept().now_or_never() {
            self.let_in(stream, client);
        }
        drop(self.listener);
        let all = self.connections.acquire_many(self.server.limits.max_connections);
        if tokio::time::timeout(LINGER, all).await.is_ok() {
            return;
        }
        let drain = self.server.limits.drain_timeout;
        if tokio::time::timeout(drain, self.graceful.shutdown()).await.is_err() {
            tracing::warn!("requests were cut off after {drain:?} (--drain-timeout)");
        }
    }
}

/// Whether `accept` failed for what became of one connection.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, TimedOut};
    [ConnectionAborted, ConnectionRefused, ConnectionReset, TimedOut].contains(&error.kind())
}

/// What hyper by itself has answered to a head that it cannot read.
fn answer_of_hyper(error: &hyper::Error) -> Option<StatusCode> {
    match error.to_string().as_str() {
        _ if !error.is_parse() => None,
        "URI too long" => Some(StatusCode::URI_TOO_LONG),
        _ if error.is_parse_too_large() => Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
        _ => Some(StatusCode::BAD_REQUEST),
    }
}

/// The limit that ended a connection.
fn limit_of(error: &hyper::Error) -> Option<Limit> {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref());
    if let Some(source) =
        source.filter(|error: &&io::Error| error.kind() == io::ErrorKind::TimedOut)
    {
        let in_head =
            source.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<HeadTimeout>);
        Some(if in_head { Limit::header_timeout } else { Limit::body_timeout })
    } else if error.is_parse_too_large() {
        Some(Limit::max_head)
    } else if error.is_timeout() {
        Some(Limit::header_timeout)
    } else {
        None
    }
}

/// Says 503 to a connection too many, whatever it asks for.
async fn refuse(server: Arc<Server>, stream: TcpStream, _permit: OwnedSemaphorePermit) {
    let service = service_fn(|request| {
        let answer = request::turn_away(&server, &request);
        async { Ok::<_, Infallible>(answer) }
    });
    let connection =
        http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service);
    if let Ok(Err(error)) = tokio::time::timeout(REFUSAL_TIMEOUT, connection).await {
        tracing::debug!(%error, "a refused connection ended early");
    }
}
