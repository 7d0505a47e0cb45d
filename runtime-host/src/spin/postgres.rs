//! `spin:postgres@4.2.0`: pooled connections that belong to the host process
//! and outlive every version of the component.

#![expect(
    clippy::result_large_err,
    reason = "the interface's error carries all that PostgreSQL says of it"
)]

use std::sync::Arc;

use wasmtime::component::{HasData, Linker, ResourceTable};

use crate::guest::store::Guest;
use crate::spin::allowed_hosts::AllowedHosts;

mod address;
mod connect;
mod errors;
mod host;
mod numeric;
mod older;
mod params;
mod pool;
mod reply;
mod rows;
mod session;
mod time;
mod values;

pub use address::connect;
pub use pool::{PoolState, Pools};

/// Every version of the interface.
pub fn add_to_linker(
    linker: &mut Linker<Guest>,
    view: fn(&mut Guest) -> PostgresView<'_>,
) -> wasmtime::Result<()> {
    bindings::add_to_linker::<Guest, Postgres>(linker, view)?;
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
                "spin:postgres/postgres@4.2.0.connection": crate::spin::postgres::host::Connection,
                "spin:postgres/postgres@4.2.0.connection-builder": crate::spin::postgres::host::ConnectionBuilder,
            },
            trappable_error_type: {
                "spin:postgres/postgres@4.2.0.error" => crate::spin::postgres::bindings::Error,
            },
        });
    }
}

/// What one component instance needs of its host.
pub struct PostgresCtx {
    pub pools: Arc<Pools>,
    pub allowed_hosts: Arc<AllowedHosts>,
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
