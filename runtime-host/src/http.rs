//! HTTP towards clients: connections, the rules for a request, and the life of an exchange.

pub mod body;
pub mod cors;
pub mod door;
pub mod exchange;
pub mod patience;
pub mod problem;
pub mod pulse;
pub mod request;
pub mod secret_path;
pub mod server;
pub mod target;
