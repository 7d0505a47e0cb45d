//! The todo application as one WASI component: a JSON API at `/todos`, pages
//! at `/`, and a table in PostgreSQL behind both.
//!
//! A request flows one way: [`route`] finds what it is about, [`api`], [`page`],
//! [`files`] or [`lists`] answers it, [`store`] asks the database.

mod answer;
mod api;
mod assets;
mod clock;
mod cookies;
mod error;
mod files;
mod json;
mod lists;
mod own_list;
mod page;
mod position;
mod query;
mod random;
mod request;
pub mod route;
mod selection;
mod site;
mod store;
mod text;
mod todo;
mod transfer;
mod variable;
mod view;
mod whole;

/// The component's export. Its name is one that only Wasm linkers take, and unit
/// tests run natively.
#[cfg(target_family = "wasm")]
mod export {
    use spin_sdk::http::{IntoResponse, Request};
    use spin_sdk::http_service;

    #[http_service]
    async fn handle(request: Request) -> impl IntoResponse {
        crate::route::respond(request).await
    }
}
