//! Prints, for everything that may happen to a pair, the longest time without a write, and how many
//! acknowledged writes were lost, writes done twice, and answers of `status` not so. If there was
//! any of these three, it ends with 1.
//!
//! Names after `--` choose some of it. `TODOOZLE_BENCH_ROUNDS` says how often (3), and
//! `TODOOZLE_BENCH_SETTINGS` adds lines to postgres.toml.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in the tests
#![allow(dead_code)] // of what it shares with them it needs a part

mod acts;
mod cut;
mod disk;
mod faults;
mod figures;
mod fixture;
mod watch;
mod writer;

use std::{env, process::ExitCode, sync::Arc};

use acts::{Act, endure, endure_full_disk};
use figures::{load, median};
use fixture::Database;
use watch::Outcome;

const ACTS: [Act; 12] = [
    Act::Switchover,
    Act::Delete,
    Act::Kill,
    Act::Freeze,
    Act::ApiPartition,
    Act::PeerPartition,
    Act::ApiOutage,
    Act::BadImage,
    Act::BadSetting,
    Act::LostVolume,
    Act::LostSecret,
    Act::FullDisk,
];
/// What only a node of our own lets be done to it.
const OWN: [Act; 4] = [Act::ApiPartition, Act::PeerPartition, Act::ApiOutage, Act::FullDisk];

#[tokio::main]
async fn main() -> ExitCode {
    let rounds = env::var("TODOOZLE_BENCH_ROUNDS").map_or(3, |rounds| rounds.parse().unwrap());
    let mut acts = chosen();
    if env::var_os(harness::OWN_NODE).is_none() {
        acts.retain(|act| !OWN.contains(act));
        eprintln!("left out, only on the node of tests/cluster: {OWN:?}");
    }
    println!(
        "{:<13} {:>6} {:>5} {:>5} {:>5}  all, in seconds; load {}",
        "act",
        "median",
        "lost",
        "twice",
        "wrong",
        load()
    );
    // A full disk has a cluster of its own.
    let is_shared = acts.iter().any(|act| *act != Act::FullDisk);
    let shared = if is_shared { Some(made().await) } else { None };
    let mut faults = 0;
    for act in acts {
        let mut outcomes = Vec::new();
        for _ in 0..rounds {
            outcomes.push(match &shared {
                Some(database) if act != Act::FullDisk => endure(database, act).await,
                _ => endure_full_disk().await,
            });
        }
        faults += told(act, outcomes);
    }
    if let Some(database) = shared {
        Arc::into_inner(database).expect("no writer is left").end().await;
    }
    if faults > 0 {
        eprintln!("writes were lost or done twice, or a verdict was wrong: {faults} in all");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Those whose names are given; without any, all.
fn chosen() -> Vec<Act> {
    let names: Vec<_> = env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    let is = |act: &Act, name: &str| format!("{act:?}").eq_ignore_ascii_case(name);
    for name in &names {
        assert!(ACTS.iter().any(|act| is(act, name)), "{name} is none of {ACTS:?}");
    }
    let wanted = |act: &Act| names.is_empty() || names.iter().any(|name| is(act, name));
    ACTS.into_iter().filter(wanted).collect()
}

async fn made() -> Arc<Database> {
    let database = Database::new("bench").await;
    database.configure(&env::var("TODOOZLE_BENCH_SETTINGS").unwrap_or_default());
    database.must(&["init"]);
    Arc::new(database)
}

/// Prints an act's line, and returns how much of it should not have been.
fn told(act: Act, outcomes: Vec<Outcome>) -> usize {
    let (mut gaps, mut lost, mut twice, mut wrong) = (Vec::new(), 0, 0, 0);
    for outcome in outcomes {
        gaps.push(outcome.written.gap.as_secs_f64());
        lost += outcome.written.lost;
        twice += outcome.written.twice;
        wrong += outcome.wrong.len();
        for verdict in outcome.wrong {
            eprintln!("{act:?}: not so: {verdict}");
        }
    }
    let all: Vec<_> = gaps.iter().map(|gap| format!("{gap:.1}")).collect();
    let (act, median) = (format!("{act:?}"), median(gaps));
    let all = all.join(" ");
    println!("{act:<13} {median:>6.1} {lost:>5} {twice:>5} {wrong:>5}  {all}; load {}", load());
    lost + twice + wrong
}
