use std::sync::Arc;

use crate::{
    acts::{self, Act},
    fixture::Database,
    watch::{Outcome, says},
};

/// One pair lives through all of it, loses nothing, and `status` says nothing that is not so.
pub async fn survives(database: Database, acts: &[Act]) -> Database {
    let database = Arc::new(database);
    for act in acts {
        whole(*act, &acts::endure(&database, *act).await);
    }
    Arc::into_inner(database).expect("no writer is left")
}

fn whole(act: Act, outcome: &Outcome) {
    let written = &outcome.written;
    eprintln!("{act:?}: longest time without a write {:.1} s", written.gap.as_secs_f32());
    assert_eq!((written.lost, written.twice), (0, 0), "{act:?}: lost, and done twice");
    assert!(outcome.wrong.is_empty(), "{act:?}: not so: {:#?}", outcome.wrong);
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

pub async fn what_somebody_wrote_wrong_or_deleted_is_put_right_by_the_verbs() {
    let acts = [Act::BadImage, Act::BadSetting, Act::LostVolume, Act::LostSecret];
    let database = survives(made("wrong").await, &acts).await;
    a_limit_that_is_too_small_is_told(&database);
    database.end().await;
}

/// Kubernetes itself says of such a member that it waits for its next start.
fn a_limit_that_is_too_small_is_told(database: &Database) {
    let some = "replica.resources.requests = { cpu = \"20m\", memory = \"128Mi\" }";
    let small = some.replace("128", "30") + "\nreplica.resources.limits.memory = \"30Mi\"";
    let right = database.edit(some, &small);
    database.must(&["init"]);
    assert!(!database.run(&["restart", "--timeout", "15"]).status.success());
    let status = database.until("a member without memory", |status| {
        says(status, "does not start") && says(status, "more than its limit of 30Mi")
    });
    assert_eq!(status["verdict"], "unprotected", "{status:#}");
    assert!(says(&status, "write a larger resources.limits.memory"), "{status:#}");
    database.write("postgres.toml", &right);
    database.must(&["init"]);
    database.until_healthy();
}

pub async fn members_that_do_not_reach_each_other_and_a_full_disk_cost_no_acknowledged_write() {
    survives(made("apart").await, &[Act::PeerPartition]).await.end().await;
    whole(Act::FullDisk, &acts::endure_full_disk().await);
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
