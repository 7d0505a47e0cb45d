//! What one component instance has of the host: its store's data.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use http::Request;
use wasmtime::component::{HasData, ResourceTable};
use wasmtime::{Engine, Store, UpdateDeadline};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_config::{WasiConfig, WasiConfigVariables};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::digest::Digest;
use crate::guest::engine::EPOCH;
use crate::guest::memory::{AllMemory, GuestMemory};
use crate::guest::output::GuestOutput;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::spin::application::{Application, UnderWay};
use crate::spin::outbound_http::{HttpClient, OutboundHttp};
use spin_postgres::{Pools, PostgresCtx, PostgresView};

/// What all instances of a component share; nothing of it changes with a new
/// version of the component.
pub struct Shared {
    /// The component's name.
    pub id: String,
    pub variables: BTreeMap<String, String>,
    /// The variables as `wasi:config` has them.
    pub config: WasiConfigVariables,
    pub environment: Vec<(String, String)>,
    pub pools: Arc<Pools>,
    pub http: Arc<HttpClient>,
    pub limits: Limits,
    pub memory: Arc<AllMemory>,
    pub metrics: Arc<Metrics>,
}

/// The data of one instance's store.
pub struct Guest {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound_http: OutboundHttp,
    postgres: PostgresCtx,
    shared: Arc<Shared>,
    memory: GuestMemory,
    /// Epochs that passed while the guest ran, since its latest request began.
    busy_epochs: u128,
}

impl Guest {
    /// A store with its limits set. `digest` names the version in the log, `files` is the folder
    /// that the component may read.
    pub fn store(
        engine: &Engine,
        shared: &Arc<Shared>,
        digest: Digest,
        files: Option<&Path>,
        application: &Arc<dyn Application>,
    ) -> wasmtime::Result<Store<Self>> {
        let mut wasi = WasiCtx::builder();
        if let Some(files) = files {
            wasi.preopened_dir(files, "/", FsPerms::ReadOnly)?;
        }
        wasi.stdout(GuestOutput::new("stdout", digest));
        wasi.stderr(GuestOutput::new("stderr", digest));
        wasi.envs(&shared.environment);
        wasi.allow_tcp(false).allow_udp(false);
        let guest = Self {
            table: ResourceTable::new(),
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            outbound_http: OutboundHttp {
                client: shared.http.clone(),
                application: application.clone(),
                under_way: UnderWay::default(),
            },
            postgres: PostgresCtx {
                pools: shared.pools.clone(),
                allowed: shared.http.allowed_hosts(),
            },
            shared: shared.clone(),
            memory: GuestMemory::new(shared.limits.guest_memory(), shared.memory.clone()),
            busy_epochs: 0,
        };
        let mut store = Store::new(engine, guest);
        store.limiter(|guest| &mut guest.memory);
        store.set_epoch_deadline(1);
        let limit = shared.limits.cpu_timeout;
        store.epoch_deadline_callback(move |mut state| {
            let guest = state.data_mut();
            guest.busy_epochs += 1;
            if guest.busy_epochs * EPOCH.as_millis() > limit.as_millis() {
                return Err(wasmtime::Error::new(CpuExhausted { limit }));
            }
            Ok(UpdateDeadline::Yield(1))
        });
        Ok(store)
    }

    pub fn postgres(&mut self) -> PostgresView<'_> {
        PostgresView { ctx: &mut self.postgres, table: &mut self.table }
    }

    pub fn config(&self) -> WasiConfig<'_> {
        WasiConfig::from(&self.shared.config)
    }

    /// A new request begins: the CPU time counts from here.
    pub fn begin<B>(&mut self, request: &Request<B>) {
        self.busy_epochs = 0;
        self.outbound_http.under_way = UnderWay::of(request);
    }

    /// The value of a variable of the component.
    pub fn variable(&self, name: &str) -> Option<&String> {
        self.shared.variables.get(name)
    }
}

/// The guest ran for longer than it may without waiting for anything.
#[derive(Debug, thiserror::Error)]
#[error("the component used more than {limit:?} of CPU time for a request (--cpu-timeout)")]
pub struct CpuExhausted {
    limit: std::time::Duration,
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.outbound_http,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

impl HasData for Guest {
    type Data<'a> = &'a mut Guest;
}
