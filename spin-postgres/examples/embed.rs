//! A wasmtime host of its own that gives a command component `spin:postgres`:
//! `cargo run -p spin-postgres --example embed -- component.wasm`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use spin_postgres::{Allowed, Pools, PostgresCtx, PostgresView, Settings};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::p2::bindings::Command;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    postgres: PostgresCtx,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// Lets a component connect to servers on this machine.
struct Loopback;

impl Allowed for Loopback {
    fn check(&self, host: &str, _port: u16) -> Result<(), String> {
        match host {
            "localhost" | "127.0.0.1" => Ok(()),
            _ => Err(format!("{host} is not this machine")),
        }
    }

    fn check_address(&self, host: &str, _port: u16, address: IpAddr) -> Result<(), String> {
        address.is_loopback().then_some(()).ok_or_else(|| format!("{host} leads to {address}"))
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let file = std::env::args().nth(1).ok_or_else(|| anyhow::anyhow!("name a component's file"))?;
    let engine = Engine::default();
    let mut linker = Linker::<State>::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    spin_postgres::add_to_linker(&mut linker, |state| PostgresView {
        ctx: &mut state.postgres,
        table: &mut state.table,
    })?;

    // One for the process: connections outlive stores.
    let pools = Pools::new(Settings { connections: 16, silence: Duration::from_secs(10) });
    let state = State {
        wasi: WasiCtx::builder().inherit_stdio().build(),
        table: ResourceTable::new(),
        postgres: PostgresCtx { pools: Arc::new(pools), allowed: Arc::new(Loopback) },
    };
    let mut store = Store::new(&engine, state);
    let component = Component::new(&engine, std::fs::read(file)?)?;
    let command = Command::instantiate_async(&mut store, &component, &linker).await?;
    command.wasi_cli_run().call_run(&mut store).await?.map_err(|()| anyhow::anyhow!("it failed"))
}
