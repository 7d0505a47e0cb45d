//! What Spin offers a component beside `spin-postgres`: routes, variables, and requests to allowed hosts.

pub mod allowed_hosts;
pub mod connector;
pub mod outbound_http;
mod reach;
pub mod routes;
pub mod variables;
