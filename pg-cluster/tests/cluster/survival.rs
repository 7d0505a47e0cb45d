use std::sync::Arc;

use crate::{
    acts::{self, Act},
    fixture::Database,
};

/// One pair lives through all of it; `endure` holds the promises.
async fn survives(database: Database, acts: &[Act]) -> Database {
    let database = Arc::new(database);
    for act in acts {
        let gap = acts::endure(&database, *act).await;
        eprintln!("{act:?}: longest time without a write {:.1} s", gap.as_secs_f32());
    }
    Arc::into_inner(database).expect("no writer is left")
}

async fn made(name: &'static str) -> Database {
    let database = Database::new(name).await;
    database.must(&["init"]);
    database
}

pub async fn no_acknowledged_write_is_lost_with_a_deleted_pod_or_a_killed_postgres() {
    survives(made("struck").await, &[Act::Delete, Act::Kill]).await.end().await;
}

pub async fn no_acknowledged_write_is_lost_when_the_primary_freezes_and_thaws() {
    survives(made("frozen").await, &[Act::Freeze]).await.end().await;
}

/// And a slot that the file names has what was written since it was last read.
pub async fn no_acknowledged_write_is_lost_in_a_switchover_there_and_back() {
    let database = Database::new("moved").await;
    let logical = "replication.wal_level = \"logical\"";
    database.configure(logical);
    database.must(&["init"]);
    let database = survives(database, &[Act::Switchover]).await;

    let slot = "slots.cdc = { database = \"todo\", plugin = \"test_decoding\" }";
    database.configure(&format!("{logical}\n{slot}"));
    database.must(&["init"]);
    let slots = "select count(*) from pg_replication_slots where slot_name = 'cdc'";
    let has_it = |arguments: &[&str]| database.run(arguments).stdout == b"1\n";
    database.until("a slot on both", |_| {
        has_it(&["psql", "--", "-XAtc", slots])
            && has_it(&["psql", "--replica", "--", "-XAtc", slots])
    });
    let ask = |sql: &str| database.must(&["psql", "--database", "todo", "--", "-XAtc", sql]);
    let read = "select data from pg_logical_slot_get_changes('cdc', null, null)
        where data like '%seen%INSERT%'";
    ask("create table seen (n int); insert into seen values (1)");
    assert!(ask(read).contains("n[integer]:1"));
    ask("insert into seen values (2)");
    database.must(&["switchover"]);
    assert!(ask(read).contains("n[integer]:2"));
    database.end().await;
}
