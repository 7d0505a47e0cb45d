//! Everything that a component may import.

use anyhow::Result;
use wasmtime::Engine;
use wasmtime::component::Linker;

use crate::guest::relative;
use crate::guest::store::Guest;
use crate::spin::variables;

/// Everything that components may import.
pub fn linker(engine: &Engine) -> Result<Linker<Guest>> {
    let mut linker = Linker::<Guest>::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    spin_postgres::add_to_linker(&mut linker, Guest::postgres)?;
    relative::add_to_linker(&mut linker)?;
    variables::add_to_linker(&mut linker)?;
    wasmtime_wasi_config::add_to_linker(&mut linker, |guest: &mut Guest| guest.config())?;
    Ok(linker)
}
