//! Prints the longest time without a write for everything that may happen to a primary.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as in the tests
#![allow(dead_code)] // of what it shares with them it needs a part

mod acts;
mod fixture;
mod writer;

use std::sync::Arc;

use acts::Act;

#[tokio::main]
async fn main() {
    let Some(database) = fixture::Database::new("bench").await else { return };
    database.must(&["init"]);
    let database = Arc::new(database);
    println!("{:<12} longest time without a write", "act");
    for act in [Act::Delete, Act::Kill, Act::Freeze, Act::Switchover] {
        let gap = acts::endure(&database, act).await;
        println!("{act:<12?} {:.1} s", gap.as_secs_f32());
    }
    Arc::into_inner(database).expect("no writer is left").end().await;
}
