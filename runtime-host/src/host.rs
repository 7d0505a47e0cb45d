//! What every way of serving needs: the components' surroundings, worked out
//! from the manifest and its variables.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tokio::net::TcpSocket;
use tokio::sync::Semaphore;

use crate::admin::{self, Admin, AdminThread};
use crate::database::migrate::Database;
use crate::guest::compile::Compiler;
use crate::guest::engine::{self, EpochThread};
use crate::guest::loaded::Loader;
use crate::guest::memory::AllMemory;
use crate::guest::store::Shared;
use crate::http::cors::Origins;
use crate::http::door;
use crate::http::secret_path::SecretPaths;
use crate::http::server::Server;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::project::manifest::{Component, Manifest};
use crate::project::variables::{self, Sources};
use crate::spin::allowed_hosts::AllowedHosts;
use crate::spin::outbound_http::HttpClient;
use crate::terminal::signals::Signals;
use kit::say;
use spin_postgres::Pools;

/// A server without a component yet, and a loader of components for it.
pub struct Host {
    pub server: Arc<Server>,
    pub loader: Arc<Loader>,
    pools: Arc<Pools>,
    /// The clock that interrupts guests.
    _epochs: EpochThread,
}

/// What is set by options rather than by the manifest.
pub struct Settings<'a> {
    pub limits: &'a Limits,
    pub access_log: bool,
    pub data_dir: &'a Path,
    pub compile_timeout: Duration,
}

impl Host {
    /// `given` are values that come before those of `sources`.
    pub fn new(
        manifest: &Manifest,
        sources: &Sources,
        given: &BTreeMap<String, String>,
        settings: &Settings<'_>,
    ) -> Result<Self> {
        let (limits, metrics) = (settings.limits.clone(), Arc::new(Metrics::new()));
        limits.raise_open_files();
        let pools = Arc::new(Pools::new(spin_postgres::Settings {
            connections: limits.database_connections as usize,
            silence: limits.database_timeout,
        }));
        let values = variables::resolve(manifest, sources, given)?;
        let memory = AllMemory::new(limits.all_guests_memory, metrics.guests_memory.clone());
        let places = Arc::new(Semaphore::new(limits.max_outbound_requests as usize));
        let mut all_shared = Vec::new();
        for component in &manifest.components {
            let allowed = allowed_hosts(component, &values)?;
            let http = HttpClient::new(allowed, places.clone(), metrics.clone());
            let variables = component_variables(component, &values)?;
            all_shared.push(Arc::new(Shared {
                id: component.id.clone(),
                config: variables.clone().into_iter().collect(),
                variables,
                environment: component.environment.clone(),
                pools: pools.clone(),
                http: Arc::new(http),
                limits: limits.clone(),
                memory: memory.clone(),
                metrics: metrics.clone(),
            }));
        }
        let cache = settings.data_dir.join("cache");
        let engine = engine::new(&limits, &cache)?;
        let epochs = EpochThread::spawn(engine.clone())?;
        let compiler = Compiler::new(cache, settings.compile_timeout);
        let loader = Arc::new(Loader::new(
            engine,
            compiler,
            all_shared,
            manifest.routes.clone(),
            settings.data_dir,
        )?);
        let (routes, origins) = (manifest.routes.clone(), origins(manifest, &values)?);
        let secret =
            manifest.components.iter().filter_map(|component| component.secret_path.clone());
        let secret = SecretPaths::new(secret);
        let server =
            Arc::new(Server::new(limits, routes, origins, secret, metrics, settings.access_log));
        Ok(Self { server, loader, pools, _epochs: epochs })
    }

    /// Opens the admin port.
    pub fn admin(
        &self,
        socket: TcpSocket,
        database: Option<Database>,
        status: impl Fn() -> Value + Send + Sync + 'static,
    ) -> Result<AdminThread> {
        let address = socket.local_addr().context("ask for the admin port")?;
        let listener = door::listen(socket, address, "--admin")?;
        let database = database.map(admin::Database::new);
        let (server, pools) = (self.server.clone(), self.pools.clone());
        let admin = Admin { server, pools, database, status: Arc::new(status) };
        AdminThread::spawn(admin, listener)
    }

    /// Serves on `address`, and does what goes on beside the requests, until a
    /// signal comes. The next one cuts off what is still being answered.
    pub async fn serve(
        &self,
        socket: TcpSocket,
        address: SocketAddr,
        signals: &mut Signals,
        beside: impl Future<Output = Infallible>,
    ) -> Result<()> {
        let listener = door::listen(socket, address, "--listen")?;
        let local = listener.local_addr().context("ask for the port")?;
        say::line(format!("Serving http://{local}"))?;
        let signals = tokio::sync::Mutex::new(signals);
        let received = || async { signals.lock().await.received().await };
        tokio::select! {
            result = door::serve(self.server.clone(), listener, received(), received()) => result,
            never = beside => match never {},
        }
    }
}

/// Finds mistakes in variables and hosts before anything is built or started.
pub fn check_configuration(
    manifest: &Manifest,
    sources: &Sources,
    given: &BTreeMap<String, String>,
) -> Result<()> {
    let values = variables::resolve(manifest, sources, given)?;
    origins(manifest, &values)?;
    for component in &manifest.components {
        component_variables(component, &values)?;
        allowed_hosts(component, &values)?;
    }
    Ok(())
}

/// Whose scripts may read the host's own answers: of whichever component's sites.
fn origins(manifest: &Manifest, values: &BTreeMap<String, String>) -> Result<Origins> {
    let mut texts = Vec::new();
    for component in &manifest.components {
        let place = format!("component.{}.tool.runtime-host.cors_origins", component.id);
        texts.push(variables::render(&place, &component.cors_origins, values)?);
    }
    Ok(Origins::parse(texts.iter().map(String::as_str)))
}

fn component_variables(
    component: &Component,
    values: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>> {
    let place = |name: &str| format!("component.{}.variables.{name}", component.id);
    let render = |(name, text): (&String, &String)| {
        Ok((name.clone(), variables::render(&place(name), text, values)?))
    };
    component.variables.iter().map(render).collect()
}

fn allowed_hosts(component: &Component, values: &BTreeMap<String, String>) -> Result<AllowedHosts> {
    let place = format!("component.{}.allowed_outbound_hosts", component.id);
    let mut entries = Vec::new();
    for text in &component.allowed_outbound_hosts {
        let entry = variables::render(&place, text, values)?;
        // As in Spin, a template whose variable was left empty allows nothing.
        if !(text.contains("{{") && is_empty(&entry)) {
            entries.push((text.as_str(), entry));
        }
    }
    let allowed =
        AllowedHosts::parse(entries.iter().map(|(shown, entry)| (*shown, entry.as_str())))?;
    // Whoever wrote a database's address into a variable has named it.
    let variables = component_variables(component, values)?;
    let addresses = variables.values().filter(|value| value.contains("://"));
    let servers = addresses.flat_map(|address| spin_postgres::servers_of(address));
    Ok(allowed.naming(servers))
}

/// Whether an entry of allowed hosts names no host.
fn is_empty(entry: &str) -> bool {
    entry.split_once("://").map_or(entry, |(_, host)| host).trim().is_empty()
}
