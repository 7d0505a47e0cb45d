//! What pg-cluster promises, on a real cluster: the one of `TODOOZLE_TEST_CONTEXT`,
//! else a node of our own when we are root on Linux, else nothing, and loudly so.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test ends where it fails

mod acts;
mod fixture;
mod lifecycle;
mod refusals;
mod survival;
mod writer;
