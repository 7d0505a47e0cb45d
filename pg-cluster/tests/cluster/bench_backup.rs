//! Prints what archiving costs, how far the archive is behind, and how fast all of it comes back.
//!
//! Names after `--` choose some of it: lag, cost, copies. `TODOOZLE_BENCH_MEGABYTES` is the size of the database
//! that is copied (1024), `TODOOZLE_BENCH_ROUNDS` the number of pairs of rounds (3), and
//! `TODOOZLE_BENCH_SETTINGS` adds lines to postgres.toml.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in the tests
#![allow(dead_code)] // of what it shares with them it needs a part

mod backups;
mod copies;
mod cost;
mod figures;
mod fixture;
mod lag;
mod pgbench;
mod writer;

use std::env;

use figures::load;
use fixture::{Database, own_archive};

#[tokio::main]
async fn main() {
    let database = Database::new("bench").await;
    configure(&database, &own_archive("8Gi"));
    database.must(&["init"]);
    database.until_healthy();
    println!("an archive beside the database, in MB of 10^6 bytes; load {}", load());
    let chosen: Vec<_> = env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    let wanted = |name: &str| chosen.is_empty() || chosen.iter().any(|one| one == name);
    if wanted("lag") {
        lag::print(&database).await;
    }
    if wanted("cost") {
        cost::print(&database, number("TODOOZLE_BENCH_ROUNDS", 3)).await;
    }
    if wanted("copies") {
        let copy = database.beside("copy").await;
        configure(&copy, "");
        copies::print(&database, copy, number("TODOOZLE_BENCH_MEGABYTES", 1024)).await;
    }
    database.end().await;
}

fn number(variable: &str, default: usize) -> usize {
    env::var(variable).map_or(default, |number| number.parse().unwrap())
}

/// With room for what is written, and for WAL that waits while a lot is.
fn configure(database: &Database, archive: &str) {
    let more = env::var("TODOOZLE_BENCH_SETTINGS").unwrap_or_default();
    database.rewrite(&[
        ("storage = \"1Gi\"", "storage = \"8Gi\""),
        ("max_slot_wal_keep_size = \"512MB\"", "max_slot_wal_keep_size = \"2GB\""),
        ("shared_buffers = \"32MB\"", "shared_buffers = \"128MB\""),
        ("databases.todo.owner", &format!("{archive}\n{more}\ndatabases.todo.owner")),
    ]);
}
