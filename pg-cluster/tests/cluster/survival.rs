use std::sync::Arc;

use crate::{
    acts::{self, Act},
    fixture::Database,
};

/// One pair lives through all of it; `endure` holds the promises.
async fn survives(name: &'static str, acts: &[Act]) {
    let database = Database::new(name).await;
    database.must(&["init"]);
    let database = Arc::new(database);
    for act in acts {
        let gap = acts::endure(&database, *act).await;
        eprintln!("{act:?}: longest time without a write {:.1} s", gap.as_secs_f32());
    }
    Arc::into_inner(database).expect("no writer is left").end().await;
}

pub async fn no_acknowledged_write_is_lost_with_a_deleted_pod_or_a_killed_postgres() {
    survives("struck", &[Act::Delete, Act::Kill]).await;
}

pub async fn no_acknowledged_write_is_lost_when_the_primary_freezes_and_thaws() {
    survives("frozen", &[Act::Freeze]).await;
}

pub async fn no_acknowledged_write_is_lost_in_a_switchover_there_and_back() {
    survives("moved", &[Act::Switchover]).await;
}
