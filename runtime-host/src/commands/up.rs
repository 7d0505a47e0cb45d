//! `runtime-host up`.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::net::TcpSocket;

use crate::admin::{self, Admin, AdminThread};
use crate::allowed_hosts::AllowedHosts;
use crate::args::Up;
use crate::commands::db;
use crate::embedded::{self, Embedded, Running};
use crate::engine::{self, EpochThread};
use crate::error::misconfigured;
use crate::generation::{self, Loader};
use crate::guest::Shared;
use crate::manifest::Manifest;
use crate::metrics::Metrics;
use crate::outbound_http::HttpClient;
use crate::postgres::Pools;
use crate::server::{self, Server};
use crate::signals::Signals;
use crate::variables::{self, DATABASE_URL, Sources};
use crate::{builder, data_dir, migrate, progress, watch};

/// Settles everything that can fail, then serves until a signal comes.
pub async fn run(args: &Up) -> Result<()> {
    let manifest = Manifest::load(&args.project.from)?;
    let data_dir = data_dir::prepare(&manifest, args.data.data_dir.as_deref())?;
    let sources = Sources::read(&manifest)?;
    let embedded = needs_embedded(&manifest, &sources, &data_dir)?;
    check_configuration(&manifest, &sources, embedded)?;
    let socket = server::bind(args.listen, "--listen")?;
    let admin = args.admin.map(|address| server::bind(address, "--admin")).transpose()?;
    let mut signals = Signals::new()?;

    if args.build {
        let Some(built) = signals.unless(build(&manifest)).await else { return Ok(()) };
        built?;
    }
    generation::check_exists(&manifest.component.source)?;
    let database = if embedded {
        let Some(embedded) = signals.unless(Embedded::install(&data_dir)).await else {
            return Ok(());
        };
        Some(embedded?.start().await?)
    } else {
        None
    };
    let host = Host { args, manifest, sources, data_dir: &data_dir, database };
    let result = host.serve(socket, admin, &mut signals).await;
    if let Some(database) = host.database {
        database.stop().await?;
    }
    result
}

/// Whether the host has to bring a database of its own: one is declared, and
/// none is given, or the given one is the host's own.
fn needs_embedded(manifest: &Manifest, sources: &Sources, data_dir: &Path) -> Result<bool> {
    let Some(variable) = manifest.variables.get(DATABASE_URL) else { return Ok(false) };
    let given = sources.given(DATABASE_URL).or_else(|| variable.default.clone());
    match given.filter(|address| !address.is_empty()) {
        None => Ok(true),
        Some(address) if sources.in_dotenv(DATABASE_URL) == Some(address.as_str()) => {
            embedded::owns(&address, data_dir)
        }
        Some(_) => Ok(false),
    }
}

/// Finds mistakes in variables and hosts before anything is built or started.
fn check_configuration(manifest: &Manifest, sources: &Sources, embedded: bool) -> Result<()> {
    let mut given = BTreeMap::new();
    if embedded {
        // Any address of the right shape: allowed hosts may be made from it.
        given.insert(DATABASE_URL.to_owned(), "postgres://127.0.0.1".to_owned());
    }
    let values = variables::resolve(manifest, sources, &given)?;
    component_variables(manifest, &values)?;
    allowed_hosts(manifest, &values)?;
    Ok(())
}

async fn build(manifest: &Manifest) -> Result<()> {
    let component = &manifest.component;
    let build = component.build.as_ref().ok_or_else(|| {
        misconfigured!(
            "component.{}.build has no command: add one, or leave out --build",
            component.id
        )
    })?;
    builder::run(build).await
}

fn component_variables(
    manifest: &Manifest,
    values: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>> {
    let component = &manifest.component;
    let place = |name: &str| format!("component.{}.variables.{name}", component.id);
    let render = |(name, text): (&String, &String)| {
        Ok((name.clone(), variables::render(&place(name), text, values)?))
    };
    component.variables.iter().map(render).collect()
}

fn allowed_hosts(manifest: &Manifest, values: &BTreeMap<String, String>) -> Result<AllowedHosts> {
    let component = &manifest.component;
    let place = format!("component.{}.allowed_outbound_hosts", component.id);
    let entries: Vec<String> = component
        .allowed_outbound_hosts
        .iter()
        .map(|text| variables::render(&place, text, values))
        .collect::<Result<_>>()?;
    AllowedHosts::parse(entries.iter().map(String::as_str))
}

/// What serving needs.
struct Host<'a> {
    args: &'a Up,
    manifest: Manifest,
    sources: Sources,
    data_dir: &'a Path,
    database: Option<Running>,
}

impl Host<'_> {
    async fn serve(
        &self,
        socket: TcpSocket,
        admin: Option<TcpSocket>,
        signals: &mut Signals,
    ) -> Result<()> {
        let component = &self.manifest.component;
        if let Some(database) = &self.database {
            db::prepare(&self.manifest, database).await?;
        }
        // Changes from here on count, also those during the first compilation.
        let changes = self.args.watch.then(|| watch::Changes::watch(component)).transpose()?;
        let engine = engine::new(&self.args.limits, &self.data_dir.join("cache"))?;
        let _epochs = EpochThread::spawn(engine.clone())?;
        let shared = Arc::new(self.shared()?);
        let loader = Arc::new(Loader::new(engine, shared.clone())?);
        let server = Arc::new(Server::new(
            self.args.limits.clone(),
            shared.metrics.clone(),
            self.args.access_log,
        ));
        let _admin = admin.map(|socket| self.admin(socket, &server, &shared)).transpose()?;
        let step = progress::step("Compiling the component");
        let Some(generation) = signals.unless(loader.load(&component.source)).await else {
            return Ok(());
        };
        let generation = generation?;
        step.done(&format!("Compiled {} ({})", component.id, generation.digest));
        server.live.store(Some(Arc::new(generation)));

        let listener = server::listen(socket, self.args.listen, "--listen")?;
        let address = listener.local_addr().context("ask for the port")?;
        println!("Serving http://{address}");
        // One signal stops the server, and the next one cuts off what it still does.
        let signals = tokio::sync::Mutex::new(signals);
        let received = || async { signals.lock().await.received().await };
        tokio::select! {
            result = server::serve(server.clone(), listener, received(), received()) => result,
            never = self.maintain(changes, &loader, &server) => match never {},
        }
    }

    /// Opens the admin port.
    fn admin(
        &self,
        socket: TcpSocket,
        server: &Arc<Server>,
        shared: &Shared,
    ) -> Result<AdminThread> {
        let address = socket.local_addr().context("ask for the admin port")?;
        let listener = server::listen(socket, address, "--admin")?;
        let database = match &self.database {
            Some(database) => Some(admin::Database::new(database.url(), None)),
            None => self
                .sources
                .given(DATABASE_URL)
                .filter(|_| self.manifest.variables.contains_key(DATABASE_URL))
                .map(|address| admin::Database::new(address, self.sources.database_ca())),
        };
        let status = {
            let server = server.clone();
            Arc::new(move || status(&server))
        };
        let admin = Admin { server: server.clone(), pools: shared.pools.clone(), database, status };
        AdminThread::spawn(admin, listener)
    }

    /// What goes on beside the requests.
    async fn maintain(
        &self,
        changes: Option<watch::Changes>,
        loader: &Arc<Loader>,
        server: &Server,
    ) -> Infallible {
        let renew = async {
            if let Some(changes) = changes {
                watch::run(changes, &self.manifest.component, loader, server).await;
            }
        };
        let look_after_database = async {
            match &self.database {
                Some(database) => database.supervise().await,
                None => self.warn_of_migrations().await,
            }
        };
        tokio::join!(renew, look_after_database);
        std::future::pending().await
    }

    fn shared(&self) -> Result<Shared> {
        let mut given = BTreeMap::new();
        if let Some(database) = &self.database {
            given.insert(DATABASE_URL.to_owned(), database.url());
        }
        let values = variables::resolve(&self.manifest, &self.sources, &given)?;
        Ok(Shared {
            variables: component_variables(&self.manifest, &values)?,
            environment: self.manifest.component.environment.clone(),
            allowed_hosts: Arc::new(allowed_hosts(&self.manifest, &values)?),
            pools: Arc::new(Pools::new(&self.args.limits)),
            http: HttpClient::new()?,
            limits: self.args.limits.clone(),
            metrics: Arc::new(Metrics::new()),
        })
    }

    /// A given database is its owner's to migrate; the host only says so.
    async fn warn_of_migrations(&self) {
        let (Some(folder), Some(address)) =
            (&self.manifest.component.migrations, self.sources.given(DATABASE_URL))
        else {
            return;
        };
        match migrate::pending(&address, self.sources.database_ca().as_deref(), folder).await {
            Ok(0) => {}
            Ok(count) => tracing::warn!(
                "the database lacks {count} migration(s): run `runtime-host migrate`"
            ),
            Err(error) => tracing::warn!("the database could not be checked: {error:#}"),
        }
    }
}

/// For `/status`: what is live, and how it does.
fn status(server: &Server) -> serde_json::Value {
    let live = server.live.load();
    serde_json::json!({
        "live": live.as_ref().map(|live| serde_json::json!({
            "digest": live.digest,
            "since": live.since.to_string(),
            "requests": live.health.requests(),
            "failures": live.health.failures(),
        })),
        "stopping": server.stopping.load(std::sync::atomic::Ordering::Relaxed),
    })
}
