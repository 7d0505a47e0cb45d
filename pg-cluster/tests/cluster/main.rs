//! What pg-cluster promises, on a real cluster: the one of `TODOOZLE_TEST_CONTEXT`, which
//! `tests/cluster/with` (`make test-cluster`) sets. Without one they skip, and say so.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test ends where it fails

mod acts;
mod backups;
mod day2;
mod fixture;
mod lifecycle;
mod outage;
mod passwords;
mod refusals;
mod survival;
mod tls;
mod truth;
mod writer;
