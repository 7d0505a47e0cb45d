//! Prints the longest time without a write for everything that may happen to a primary.

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
        match acts::endure(&database, act).await {
            Some(gap) => {
                println!("{:<12} {:.1} s", format!("{act:?}").to_lowercase(), gap.as_secs_f32())
            }
            None => println!("{:<12} not possible here", format!("{act:?}").to_lowercase()),
        }
    }
    Arc::into_inner(database).expect("no writer is left").end().await;
}
