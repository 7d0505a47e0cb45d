//! Requests without a host, which Spin takes for ones to the application itself. wasmtime's own
//! functions refuse them, so these stand before those and name the host.

use anyhow::Result;
use http::uri::{Authority, Scheme};
use wasmtime::component::{Accessor, Linker, Resource};
use wasmtime_wasi_http::p2::bindings::http::{outgoing_handler, types as p2};
use wasmtime_wasi_http::p2::types::{HostFutureIncomingResponse, HostOutgoingRequest};
use wasmtime_wasi_http::p3::bindings::http::{client, types as p3};
use wasmtime_wasi_http::{WasiHttp, WasiHttpView as _};

use crate::guest::store::Guest;
use crate::spin::application::OWN;

/// Puts these functions in the place of wasmtime's, which have to be there.
pub fn add_to_linker(linker: &mut Linker<Guest>) -> Result<()> {
    linker.allow_shadowing(true);
    linker
        .instance("wasi:http/outgoing-handler@0.2.12")?
        .func_wrap("handle", |mut store, (request, options)| {
            Ok((handle(store.data_mut(), &request, options)?,))
        })?;
    linker
        .instance("wasi:http/client@0.3.0")?
        .func_wrap_concurrent("send", |accessor, (request,)| {
            Box::pin(async move { Ok((send(accessor, request).await?,)) })
        })?;
    linker.allow_shadowing(false);
    Ok(())
}

type Outcome<T, E> = wasmtime::Result<Result<Resource<T>, E>>;

/// Of WASI 0.2.
fn handle(
    guest: &mut Guest,
    request: &Resource<HostOutgoingRequest>,
    options: Option<Resource<p2::RequestOptions>>,
) -> Outcome<HostFutureIncomingResponse, p2::ErrorCode> {
    let mut http = guest.http();
    let sent = http.table.get_mut(request)?;
    if sent.authority.is_none() {
        sent.authority = Some(OWN.to_owned());
        sent.scheme = Some(p2::Scheme::Http);
    }
    let request = Resource::new_own(request.rep());
    match outgoing_handler::Host::handle(&mut http, request, options) {
        Ok(response) => Ok(Ok(response)),
        Err(error) => Ok(Err(p2::Host::convert_error_code(&mut http, error)?)),
    }
}

/// Of WASI 0.3.
async fn send(
    accessor: &Accessor<Guest>,
    request: Resource<p3::Request>,
) -> Outcome<p3::Response, p3::ErrorCode> {
    accessor.with(|mut access| {
        let sent = access.get().http().table.get_mut(&request)?;
        if sent.authority.is_none() {
            sent.authority = Some(Authority::from_static(OWN));
            sent.scheme = Some(Scheme::HTTP);
        }
        wasmtime::error::Ok(())
    })?;
    let http = accessor.with_getter::<WasiHttp>(Guest::http);
    match <WasiHttp as client::HostWithStore<Guest>>::send(&http, request).await {
        Ok(response) => Ok(Ok(response)),
        Err(error) => Ok(Err(accessor
            .with(|mut access| p3::Host::convert_error_code(&mut access.get().http(), error))?)),
    }
}
