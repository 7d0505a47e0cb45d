//! `runtime-host serve`.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client, Config};
use tokio::sync::watch;

use crate::args::Serve;
use crate::data_dir;
use crate::host::{self, Host};
use crate::manifest::Manifest;
use crate::migrate::Database;
use crate::push::target;
use crate::rollout::cached::Cached;
use crate::rollout::check::Checks;
use crate::rollout::events::{Events, Reporter};
use crate::rollout::report::Report;
use crate::rollout::{Rollout, source};
use crate::server::{self, Server};
use crate::signals::Signals;
use crate::variables::Sources;

/// Serves whatever the pointer ConfigMap names, until a signal comes.
pub async fn run(args: &Serve) -> Result<()> {
    let manifest = Manifest::load(&args.project.from)?;
    let sources = Sources::read(&manifest)?;
    let data_dir = data_dir::prepare(&manifest, args.data.data_dir.as_deref())?;
    let none = BTreeMap::new();
    host::check_configuration(&manifest, &sources, &none)?;
    let socket = server::bind(args.listen)?;
    let mut signals = Signals::new()?;

    let host = Host::new(&manifest, &sources, &none, &data_dir, args.compile_timeout)?;
    let server = Arc::new(Server::new());
    let report = Arc::new(Report::default());
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
        database: Database::given(&sources),
        probe: manifest.component.probe.clone(),
        max_component: usize::try_from(args.max_component).unwrap_or(usize::MAX),
    };
    let rollout = Rollout::new(
        checks,
        Cached::new(&data_dir)?,
        server.clone(),
        Events::new(client, reporter),
        report.clone(),
    );
    let (pointer, pointers) = watch::channel(None);
    let follow = async {
        tokio::join!(
            source::follow(&config_maps, &args.app, &report, pointer),
            rollout.run(pointers)
        );
        std::future::pending::<Infallible>().await
    };

    let listener = server::listen(socket, args.listen)?;
    let address = listener.local_addr().context("ask for the port")?;
    println!("Serving http://{address}");
    let signals = tokio::sync::Mutex::new(&mut signals);
    let received = || async { signals.lock().await.received().await };
    tokio::select! {
        result = server::serve(server.clone(), listener, received(), received()) => result,
        never = follow => match never {},
    }
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
