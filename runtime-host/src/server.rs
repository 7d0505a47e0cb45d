//! The HTTP server: connections in, limits kept, requests to the live
//! generation, and a shutdown that finishes what has begun.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use arc_swap::ArcSwapOption;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::generation::Generation;
use crate::request;

/// Connections at the same time: below the usual limit of 1,024 open files,
/// with room for the database and the component's own connections.
const MAX_CONNECTIONS: usize = 768;
/// Connections that are told that there are too many; beyond them, none is.
const MAX_REFUSALS: usize = 64;
/// Requests with the component at the same time.
pub const MAX_REQUESTS: u32 = 256;
/// Time for a request's head, which slow clients would otherwise stretch.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest head of a request; many clients' cookies fit, and nobody's novel.
const MAX_HEAD: usize = 64 << 10;
const BACKLOG: u32 = 1024;
/// How long requests may go on after the end was asked for.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// What is served. `live` is swapped for a new version.
pub struct Server {
    pub live: ArcSwapOption<Generation>,
    pub requests: Arc<Semaphore>,
}

impl Server {
    pub fn new() -> Self {
        Self {
            live: ArcSwapOption::empty(),
            requests: Arc::new(Semaphore::new(MAX_REQUESTS as usize)),
        }
    }
}

/// Takes the address, without listening yet: so a taken port is noticed before
/// anything is built, and nobody connects before there is an answer.
pub fn bind(address: SocketAddr) -> Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Otherwise the port is taken for a minute after a stop with open connections.
    socket.set_reuseaddr(true)?;
    socket.bind(address).map_err(|error| explain(address, &error))?;
    Ok(socket)
}

/// Starts to listen; connections wait in the backlog until [`serve`] runs.
pub fn listen(socket: TcpSocket, address: SocketAddr) -> Result<TcpListener> {
    socket.listen(BACKLOG).map_err(|error| explain(address, &error))
}

fn explain(address: SocketAddr, error: &std::io::Error) -> anyhow::Error {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "port {} is in use: stop what listens on {address}, or choose another with --listen",
            address.port()
        ),
        _ => anyhow::anyhow!("cannot listen on {address}: {error}; choose another with --listen"),
    }
}

/// Serves until `stop` resolves, then until every request has its answer, or
/// `stop_now` resolves.
pub async fn serve(
    server: Arc<Server>,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
    stop_now: impl Future<Output = ()>,
) -> Result<()> {
    let local = listener.local_addr().context("ask for the port")?;
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let refusals = Arc::new(Semaphore::new(MAX_REFUSALS));
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let stream = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, most likely: wait for some to be closed.
                    tracing::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let Ok(permit) = connections.clone().try_acquire_owned() else {
            if let Ok(permit) = refusals.clone().try_acquire_owned() {
                tokio::spawn(refuse(stream, permit));
            }
            continue;
        };
        spawn_connection(server.clone(), stream, local, permit, &graceful);
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(DRAIN_TIMEOUT) => {
            tracing::warn!("requests were cut off after {} s", DRAIN_TIMEOUT.as_secs());
        }
        () = stop_now => tracing::warn!("requests were cut off"),
    }
    Ok(())
}

fn spawn_connection(
    server: Arc<Server>,
    stream: TcpStream,
    local: SocketAddr,
    permit: OwnedSemaphorePermit,
    graceful: &GracefulShutdown,
) {
    // Nagle's algorithm would hold small chunks back for 40 ms.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let server = server.clone();
        async move { Ok::<_, Infallible>(request::handle(&server, local, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(permit);
    });
}

/// Says 503 to a connection too many.
async fn refuse(mut stream: TcpStream, _permit: OwnedSemaphorePermit) {
    const ANSWER: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n\
        Content-Length: 0\r\nConnection: close\r\n\r\n";
    let answer = async {
        // A request left unread would reset the connection, and the answer with it.
        let mut request = [0; 8192];
        let _ = stream.read(&mut request).await?;
        stream.write_all(ANSWER).await?;
        stream.shutdown().await
    };
    if let Ok(Err(error)) = tokio::time::timeout(Duration::from_secs(1), answer).await {
        tracing::debug!(%error, "a refused connection ended early");
    }
}
