//! `spin:postgres` for a wasmtime host: version 4.2.0, and 3.0.0 and 2.0.0 of older SDKs. The
//! connections are pooled, belong to the host process, and outlive every component.

#![expect(
    clippy::result_large_err,
    reason = "the interface's error carries all that PostgreSQL says of it"
)]

use std::net::IpAddr;
use std::sync::Arc;

use wasmtime::component::{HasData, Linker, ResourceTable};

mod address;
mod by_statement;
mod connect;
mod effects;
mod errors;
mod functions;
mod host;
mod in_flight;
mod lend;
mod manager;
mod numeric;
mod older;
mod params;
mod pool;
mod pooler;
mod reply;
mod rows;
mod session;
mod statement;
mod time;
mod tls;
mod tokens;
mod values;

pub use address::servers_of;
pub use connect::connect;
pub use pool::{PoolState, Pools, Settings};

/// Every version of the interface, for stores whose data `view` can find it in.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> PostgresView<'_>,
) -> wasmtime::Result<()> {
    bindings::add_to_linker::<T, Postgres>(linker, view)?;
    older::add_to_linker(linker, view)
}

mod bindings {
    pub use generated::spin::postgres4_2_0::postgres::*;

    mod generated {
        wasmtime::component::bindgen!({
            path: "wit",
            inline: "
                package todoozle:postgres;
                world imports { import spin:postgres/postgres@4.2.0; }
            ",
            imports: { default: async | trappable },
            with: {
                "spin:postgres/postgres@4.2.0.connection": crate::host::Connection,
                "spin:postgres/postgres@4.2.0.connection-builder": crate::host::ConnectionBuilder,
            },
            trappable_error_type: {
                "spin:postgres/postgres@4.2.0.error" => crate::bindings::Error,
            },
        });
    }
}

/// Says to which servers a component may connect; an error tells what would allow one.
pub trait Allowed: Send + Sync {
    fn check(&self, host: &str, port: u16) -> Result<(), String>;

    /// Whether this may be the address to which the host leads. It is asked before a connection to
    /// it is made.
    fn check_address(&self, host: &str, port: u16, address: IpAddr) -> Result<(), String>;
}

/// What one component instance needs of its host.
pub struct PostgresCtx {
    pub pools: Arc<Pools>,
    pub allowed: Arc<dyn Allowed>,
}

/// The interface's functions are implemented on this view of a store's data.
pub struct PostgresView<'a> {
    pub ctx: &'a mut PostgresCtx,
    pub table: &'a mut ResourceTable,
}

/// Marks [`PostgresView`] as the data of the interface.
pub struct Postgres;

impl HasData for Postgres {
    type Data<'a> = PostgresView<'a>;
}
