//! Prints the longest time without a write for everything that may happen to a primary.
//!
//! Names after `--` choose some of it. `TODOOZLE_BENCH_ROUNDS` says how often (3), and
//! `TODOOZLE_BENCH_SETTINGS` adds lines to postgres.toml.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in the tests
#![allow(dead_code)] // of what it shares with them it needs a part

mod acts;
mod fixture;
mod writer;

use std::{env, fs, sync::Arc};

use acts::Act;

const ACTS: [Act; 4] = [Act::Delete, Act::Kill, Act::Freeze, Act::Switchover];

#[tokio::main]
async fn main() {
    let rounds = env::var("TODOOZLE_BENCH_ROUNDS").map_or(3, |rounds| rounds.parse().unwrap());
    let database = fixture::Database::new("bench").await;
    database.configure(&env::var("TODOOZLE_BENCH_SETTINGS").unwrap_or_default());
    database.must(&["init"]);
    let database = Arc::new(database);
    println!("{:<12} {:>6}  all, in seconds; load {}", "act", "median", load());
    let chosen: Vec<_> = env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    let wanted =
        |act: &Act| chosen.is_empty() || chosen.contains(&format!("{act:?}").to_lowercase());
    for act in ACTS.into_iter().filter(wanted) {
        let mut gaps = Vec::new();
        for _ in 0..rounds {
            gaps.push(acts::endure(&database, act).await.as_secs_f32());
        }
        let all: Vec<_> = gaps.iter().map(|gap| format!("{gap:.1}")).collect();
        gaps.sort_by(f32::total_cmp);
        let median = gaps[gaps.len() / 2];
        println!("{:<12} {median:>6.1}  {}; load {}", format!("{act:?}"), all.join(" "), load());
    }
    Arc::into_inner(database).expect("no writer is left").end().await;
}

/// How many processes wanted a processor in the last minute, where the system says so.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}
