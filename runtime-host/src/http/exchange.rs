//! One request and its answer, from the head of the one to the end of the
//! other: counted, and told in the access log.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;

use crate::guest::line::Line;
use crate::guest::loaded::Loaded;
use crate::http::body::Watch;
use crate::http::patience::UnderWay;
use crate::http::server::Server;

/// Bytes of a path that are logged.
const MAX_PATH: usize = 1024;

/// A request whose head could not be read: hyper has answered it.
pub fn unreadable(server: &Server, client: SocketAddr, status: StatusCode) {
    server.metrics.unreadable(status);
    if server.access_log {
        let status = status.as_u16();
        tracing::info!(target: "access", method = "-", path = "-", status, %client, "request");
    }
}

/// Lives as long as the request is under way, and keeps what it needs.
pub struct Exchange {
    server: Arc<Server>,
    client: SocketAddr,
    method: Method,
    path: Arc<str>,
    began: Instant,
    status: Option<StatusCode>,
    bytes: u64,
    loaded: Option<Arc<Loaded>>,
    place: Option<OwnedSemaphorePermit>,
    _under_way: UnderWay,
}

impl Exchange {
    pub fn begin(
        server: &Arc<Server>,
        client: SocketAddr,
        request: &Request<Incoming>,
        under_way: UnderWay,
    ) -> Self {
        server.metrics.in_flight.inc();
        Self {
            server: server.clone(),
            client,
            method: request.method().clone(),
            path: server.secret_paths.shown(request.uri().path()).into(),
            began: Instant::now(),
            status: None,
            bytes: 0,
            loaded: None,
            place: None,
            _under_way: under_way,
        }
    }

    /// What the log calls it.
    pub fn line(&self) -> Line {
        Line { method: self.method.clone(), path: self.path.clone() }
    }

    /// The component and the place among the server's requests that it has.
    pub fn goes_to(&mut self, loaded: Arc<Loaded>, place: OwnedSemaphorePermit) {
        self.loaded = Some(loaded);
        self.place = Some(place);
    }

    /// The response begins.
    pub fn answered(&mut self, status: StatusCode) {
        self.status = Some(status);
        self.server.metrics.answered(&self.method, status, self.began.elapsed());
    }

    fn log(&self) {
        let path = &self.path[..self.path.floor_char_boundary(MAX_PATH)];
        let digest = self.loaded.as_ref().map(|loaded| loaded.digest.to_string());
        // 499 as elsewhere: the client left before there was an answer.
        let status = self.status.map_or(499, |status| status.as_u16());
        let milliseconds = self.began.elapsed().as_secs_f64() * 1e3;
        tracing::info!(
            target: "access",
            method = %self.method,
            path,
            status,
            bytes = self.bytes,
            duration_ms = (milliseconds * 1e3).round() / 1e3,
            digest,
            client = %self.client,
            "request"
        );
    }
}

impl Watch for Exchange {
    fn sent(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.server.metrics.in_flight.dec();
        self.server.metrics.response_bytes.inc_by(self.bytes);
        if self.server.access_log {
            self.log();
        }
    }
}
