//! What the edge tier promises, on a real cluster: the one that `tests/cluster/with` names in
//! `TODOOZLE_TEST_CONTEXT`, else nothing, and loudly so.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test ends where it fails

mod access;
mod chart;
mod database;
mod deploy;
mod edge;
mod load;
mod node;
mod outages;
mod pods;
mod pushes;
mod refusals;
mod staging;
mod versions;
