//! What Spin offers a component beside `spin-postgres`: routes, variables, and requests to allowed
//! hosts and to its own application.

pub mod allowed_hosts;
pub mod application;
pub mod connector;
pub mod headers;
pub mod outbound_body;
pub mod outbound_http;
mod reach;
pub mod routes;
pub mod variables;
