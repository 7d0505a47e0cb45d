//! `runtime-host up`.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use tokio::net::TcpSocket;

use crate::cli::Up;
use crate::commands::db;
use crate::database::embedded::{self, Embedded, Running};
use crate::database::migrate;
use crate::database::migrate::Database;
use crate::error::misconfigured;
use crate::guest::compile;
use crate::guest::loaded::Loader;
use crate::host;
use crate::host::{Host, Settings};
use crate::http::door;
use crate::http::server::Server;
use crate::project::build;
use crate::project::data_dir;
use crate::project::load;
use crate::project::manifest::Manifest;
use crate::project::variables::{DATABASE_URL, Sources};
use crate::project::watch;
use crate::terminal::progress;
use crate::terminal::signals::Signals;

/// Settles everything that can fail, then serves until a signal comes.
pub async fn run(args: &Up) -> Result<()> {
    args.limits.check()?;
    let manifest = Manifest::load(&args.project.from)?;
    let data_dir = data_dir::prepare(&manifest.dir, args.data.data_dir.as_deref())?;
    let sources = Sources::read(&manifest)?;
    let embedded = needs_embedded(&manifest, &sources, &data_dir)?;
    let mut given = BTreeMap::new();
    if embedded {
        // Any address of the right shape: allowed hosts may be made from it.
        given.insert(DATABASE_URL.to_owned(), "postgres://127.0.0.1".to_owned());
    }
    host::check_configuration(&manifest, &sources, &given)?;
    let socket = door::bind(args.listen, "--listen")?;
    let admin = args.admin.map(|address| door::bind(address, "--admin")).transpose()?;
    let mut signals = Signals::new()?;

    if args.build {
        let Some(built) = signals.unless(build(&manifest)).await else { return Ok(()) };
        built?;
    }
    for component in &manifest.components {
        component.source.check_exists()?;
    }
    let database = if embedded {
        let Some(embedded) = signals.unless(Embedded::install(&data_dir)).await else {
            return Ok(());
        };
        Some(embedded?.start().await?)
    } else {
        None
    };
    let app = App { args, manifest, sources, data_dir: &data_dir, database };
    let result = app.serve(socket, admin, &mut signals).await;
    if let Some(database) = app.database {
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

async fn build(manifest: &Manifest) -> Result<()> {
    let builds = || manifest.components.iter().filter_map(|component| component.build.as_ref());
    if builds().next().is_none() {
        return Err(misconfigured!(
            "component.{}.build has no command: add one, or leave out --build",
            manifest.components[0].id
        ));
    }
    for build in builds() {
        build::run(build).await?;
    }
    Ok(())
}

/// What serving needs.
struct App<'a> {
    args: &'a Up,
    manifest: Manifest,
    sources: Sources,
    data_dir: &'a Path,
    database: Option<Running>,
}

impl App<'_> {
    async fn serve(
        &self,
        socket: TcpSocket,
        admin: Option<TcpSocket>,
        signals: &mut Signals,
    ) -> Result<()> {
        if let Some(database) = &self.database {
            db::prepare(&self.manifest, database).await?;
        }
        // Changes from here on count, also those during the first compilation.
        let changes = self.args.watch.then(|| watch::Changes::watch(&self.manifest)).transpose()?;
        let mut given = BTreeMap::new();
        if let Some(database) = &self.database {
            given.insert(DATABASE_URL.to_owned(), database.url());
        }
        let settings = Settings {
            limits: &self.args.limits,
            access_log: self.args.access_log,
            data_dir: self.data_dir,
            compile_timeout: compile::TIMEOUT,
        };
        let host = Host::new(&self.manifest, &self.sources, &given, &settings)?;
        let (server, loader) = (&host.server, &host.loader);
        let status = {
            let server = server.clone();
            move || status(&server)
        };
        let _admin = admin.map(|socket| host.admin(socket, self.database(), status)).transpose()?;
        let step = progress::step("Compiling the component");
        let loading = load::load(&self.manifest, self.data_dir, loader);
        let Some(compiled) = signals.unless(loading).await else { return Ok(()) };
        let compiled = compiled?;
        step.done(&format!("Compiled {} ({})", self.manifest.ids().join(", "), compiled.digest));
        server.live.store(Some(Arc::new(compiled)));

        let beside = self.maintain(changes, loader, server);
        host.serve(socket, self.args.listen, signals, beside).await
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
                watch::run(changes, &self.manifest, self.data_dir, loader, server).await;
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

    /// The component's database, if it has one.
    fn database(&self) -> Option<Database> {
        match &self.database {
            Some(database) => Some(Database::at(database.url())),
            None => Database::given(&self.manifest, &self.sources),
        }
    }

    /// A given database is its owner's to migrate; the host only says so.
    async fn warn_of_migrations(&self) {
        let (Some(folder), Some(database)) = (self.manifest.migrations(), self.database()) else {
            return;
        };
        match migrate::pending(&database, folder).await {
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
