//! What Spin offers a component: its database, its variables, and requests to allowed hosts.

pub mod allowed_hosts;
pub mod outbound_http;
pub mod postgres;
pub mod variables;
