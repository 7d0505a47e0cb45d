//! `runtime-host serve`.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client, Config};
use tokio::sync::watch;

use crate::database::migrate::Database;
use crate::deploy::args::Serve;
use crate::deploy::push::target;
use crate::deploy::rollout::cached::Cached;
use crate::deploy::rollout::check::Checks;
use crate::deploy::rollout::events::{Events, Reporter};
use crate::deploy::rollout::pod::{ThisPod, counts};
use crate::deploy::rollout::report::Report;
use crate::deploy::rollout::{Rollout, source};
use crate::host::{self, Host, Settings};
use crate::http::door;
use crate::http::server::Server;
use crate::project::data_dir;
use crate::project::manifest::Manifest;
use crate::project::variables::Sources;
use crate::terminal::signals::Signals;

/// What a pod's end takes to reach every node and load balancer, mostly.
const SHUTDOWN_DELAY: Duration = Duration::from_secs(5);

/// Serves whatever the pointer ConfigMap names, until a signal comes.
pub async fn run(args: &Serve) -> Result<()> {
    args.limits.check()?;
    let manifest = Manifest::load(&args.project.from)?;
    let sources = Sources::read(&manifest)?;
    let data_dir = data_dir::prepare(&manifest.dir, args.data.data_dir.as_deref())?;
    let none = BTreeMap::new();
    host::check_configuration(&manifest, &sources, &none)?;
    let socket = door::bind(args.listen, "--listen")?;
    let admin = door::bind(args.admin, "--admin")?;
    let mut signals = Signals::new()?;

    let mut limits = args.limits.clone();
    limits.shutdown_delay.get_or_insert(SHUTDOWN_DELAY);
    let settings = Settings {
        limits: &limits,
        access_log: !args.no_access_log,
        data_dir: &data_dir,
        compile_timeout: args.compile_timeout,
    };
    let host = Host::new(&manifest, &sources, &none, &settings)?;
    let server = host.server.clone();
    let report = Arc::new(Report::default());
    let database = Database::given(&manifest, &sources);
    let status = {
        let (server, report) = (server.clone(), report.clone());
        move || status(&server, &report)
    };
    let _admin = host.admin(admin, database.clone(), status)?;
    let (client, namespace) = connect(args).await?;
    let config_maps: Api<ConfigMap> = Api::namespaced(client.clone(), &namespace);
    let reporter = args.pod_name.clone().map(|pod| Reporter {
        namespace: namespace.clone(),
        pod,
        uid: args.pod_uid.clone(),
    });
    let checks = Checks {
        config_maps: config_maps.clone(),
        loader: host.loader.clone(),
        database,
        probes: manifest.components.iter().map(|component| component.probe.clone()).collect(),
        max_component: usize::try_from(args.max_component).unwrap_or(usize::MAX),
    };
    let cached = Arc::new(Cached::new(&data_dir)?);
    let pod = ThisPod { checks, server: server.clone(), events: Events::new(client, reporter) };
    let rollout = Rollout::new(pod, cached.clone(), report.clone());
    let (pointer, pointers) = watch::channel(None);
    let follow = async {
        tokio::join!(
            source::follow(&config_maps, &args.app, &report, pointer),
            rollout.run(pointers)
        );
        std::future::pending::<Infallible>().await
    };

    host.serve(socket, args.listen, &mut signals, Box::pin(follow)).await?;
    cached.stop();
    Ok(())
}

/// For `/status`.
fn status(server: &Server, report: &Report) -> serde_json::Value {
    let counts = server.live.load().as_deref().map(counts).unwrap_or_default();
    serde_json::to_value(report.status(counts)).unwrap_or_default()
}

/// The API server of the cluster that this pod is in, or of `--context`.
async fn connect(args: &Serve) -> Result<(Client, String)> {
    if let Some(context) = &args.context {
        let client = target::client(context).await?;
        let namespace =
            args.namespace.clone().unwrap_or_else(|| client.default_namespace().to_owned());
        return Ok((client, namespace));
    }
    let config = Config::incluster()
        .context("find the API server: run in a pod with a ServiceAccount, or pass --context")?;
    let namespace = args.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    Ok((Client::try_from(config).context("prepare the connection to the API server")?, namespace))
}
