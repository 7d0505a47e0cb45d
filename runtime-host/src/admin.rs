//! The admin port: is it alive, is it ready, what does it do. On a thread of
//! its own, so that it answers while every other one is busy.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::http::server::Server;
use spin_postgres::Pools;

mod ready;

pub use ready::Database;

/// Connections at the same time: probes, a scraper, a person. One more takes the place of the
/// oldest, so that nobody keeps the kubelet out.
const MAX_CONNECTIONS: usize = 64;
/// Time for a request's head, and for a kept connection to be used again.
const HEADER_TIMEOUT: Duration = Duration::from_secs(70);
/// How long the runtime that serves may make no progress. Guests give their thread back every
/// 10 ms, so nothing of ours takes as long.
const STUCK: Duration = Duration::from_secs(20);
/// Nothing but a line and some headers is asked here.
const MAX_HEAD: usize = 8 << 10;
/// What there is, for whoever asks for something else.
const PAGES: &str = "GET /healthz, /readyz[?exclude=database], /status or /metrics\n";

type Answer = Response<Full<Bytes>>;

/// What the admin port tells of.
pub struct Admin {
    pub server: Arc<Server>,
    pub pools: Arc<Pools>,
    /// Only for components that have one.
    pub database: Option<Database>,
    pub status: Arc<dyn Fn() -> Value + Send + Sync>,
}

/// The thread that answers, until it is dropped.
pub struct AdminThread {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl AdminThread {
    /// Answers on `listener` from now on.
    pub fn spawn(admin: Admin, listener: TcpListener) -> Result<Self> {
        let address = listener.local_addr().context("ask for the admin port")?;
        let listener = listener.into_std().context("hand over the admin port")?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("start the admin port")?;
        let (stop, stopped) = oneshot::channel();
        let serve = move || {
            runtime.block_on(async {
                tokio::select! {
                    result = serve(Arc::new(admin), listener) => {
                        if let Err(error) = result {
                            tracing::error!("the admin port ended: {error:#}");
                        }
                    }
                    _ = stopped => {}
                }
            });
        };
        let thread = std::thread::Builder::new()
            .name("admin".into())
            .spawn(serve)
            .context("start the admin port's thread")?;
        tracing::info!("admin on http://{address}");
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for AdminThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // If it panicked, it has said so.
            let _ = thread.join();
        }
    }
}

async fn serve(admin: Arc<Admin>, listener: std::net::TcpListener) -> Result<()> {
    let listener = TcpListener::from_std(listener).context("take over the admin port")?;
    let mut connections = VecDeque::new();
    loop {
        let Ok((stream, client)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        connections.retain(|connection: &AbortHandle| !connection.is_finished());
        if connections.len() >= MAX_CONNECTIONS
            && let Some(oldest) = connections.pop_front()
        {
            oldest.abort();
        }
        let connection = tokio::spawn(serve_connection(admin.clone(), stream, client));
        connections.push_back(connection.abort_handle());
    }
}

async fn serve_connection(admin: Arc<Admin>, stream: TcpStream, client: SocketAddr) {
    let service = service_fn(move |request| {
        let admin = admin.clone();
        async move { Ok::<_, Infallible>(answer(&admin, &request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, %client, "a connection to the admin port ended early");
    }
}

async fn answer(admin: &Admin, request: &Request<Incoming>) -> Answer {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, PAGES.into());
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    match request.uri().path() {
        "/healthz" => health(admin.server.pulse.age()),
        "/readyz" => match ready::Excluded::parse(request.uri().query()) {
            Ok(excluded) => {
                let (ready, value) = ready::look(admin, excluded).await;
                let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
                json(status, &value)
            }
            Err(reason) => text(StatusCode::BAD_REQUEST, reason),
        },
        "/status" => json(StatusCode::OK, &(admin.status)()),
        "/metrics" => metrics(admin),
        _ => text(StatusCode::NOT_FOUND, PAGES.into()),
    }
}

/// Alive is what makes progress: this thread would say ok whatever became of the others.
fn health(since_progress: Duration) -> Answer {
    if since_progress < STUCK {
        return text(StatusCode::OK, "ok\n".into());
    }
    let stuck = format!("the runtime has made no progress for {} s\n", since_progress.as_secs());
    text(StatusCode::SERVICE_UNAVAILABLE, stuck)
}

fn metrics(admin: &Admin) -> Answer {
    let live = admin.server.live.load();
    let digest = live.as_ref().map(|loaded| loaded.digest.to_string());
    match admin.server.metrics.text(digest.as_deref(), &admin.pools.states()) {
        Ok(metrics) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            respond(StatusCode::OK, kind, metrics)
        }
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

fn text(status: StatusCode, body: String) -> Answer {
    respond(status, "text/plain; charset=utf-8", body)
}

fn json(status: StatusCode, value: &Value) -> Answer {
    respond(status, "application/json", format!("{value:#}\n"))
}

fn respond(status: StatusCode, kind: &'static str, body: String) -> Answer {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_without_progress_is_not_alive() {
        assert_eq!(health(Duration::from_secs(1)).status(), StatusCode::OK);
        assert_eq!(health(STUCK).status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
