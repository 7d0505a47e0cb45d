//! What a primary carries that stops it one day: connections, old transactions, slots that nobody reads.

use serde::Deserialize;

use super::Answer;
use crate::env::Env;

/// Above this the next connections are refused soon.
const CONNECTIONS_PERCENT: i64 = 90;
/// Half of what PostgreSQL can count before it stops to take writes.
const OLDEST_XID: i64 = 1_000_000_000;
/// Seconds. Vacuum clears away nothing that a transaction as old as this may still see.
const OLDEST_TRANSACTION: f64 = 3600.0;
/// Seconds. A standby that answers takes a fraction of one.
const LONGEST_COMMIT: f64 = 3.0;

/// What the primary's own statistics say.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Load {
    pub connections: i64,
    /// How many clients there may be, besides the superuser's.
    pub connections_limit: i64,
    /// Transactions since the oldest one that was not frozen.
    pub xid_age: i64,
    pub oldest_transaction_seconds: f64,
    /// How long ago the oldest statement began that is done and waits for the standby.
    pub commit_waits_seconds: f64,
    /// Pages whose checksum was wrong.
    pub checksum_failures: i64,
    pub checksums: bool,
}

/// What is amiss with the primary's load, and what to do.
pub fn reasons(env: &Env, answer: &Answer) -> Vec<String> {
    let mut reasons: Vec<String> = env.memory_advice().into_iter().collect();
    let Some(load) = &answer.load else { return reasons };
    if load.connections * 100 > load.connections_limit * CONNECTIONS_PERCENT {
        reasons.push(format!(
            "{} of {} connections are in use: give roles a connection_limit, or write a larger parameters.max_connections",
            load.connections, load.connections_limit
        ));
    }
    if load.xid_age > OLDEST_XID {
        reasons.push(format!(
            "the oldest row that is not frozen is {} million transactions old, and at 2,000 PostgreSQL takes no more writes: find in \
             pg_stat_activity, pg_prepared_xacts or pg_replication_slots what holds vacuum back",
            load.xid_age / 1_000_000
        ));
    }
    if load.oldest_transaction_seconds > OLDEST_TRANSACTION {
        reasons.push(format!(
            "a transaction is open for {:.1} hours, and vacuum clears away nothing since: look for it in pg_stat_activity and pg_prepared_xacts",
            load.oldest_transaction_seconds / 3600.0
        ));
    }
    if load.commit_waits_seconds > LONGEST_COMMIT {
        reasons.push(format!(
            "a commit has waited {:.0} s for a standby that does not answer: Patroni goes on without it {} s after its last word",
            load.commit_waits_seconds,
            env.replication.wal_sender_timeout.get()
        ));
    }
    if load.checksum_failures > 0 {
        reasons.push(format!(
            "{} pages had a wrong checksum (pg_stat_database says in which database): a disk fails, so switch over, and restore what is lost \
             from a backup",
            load.checksum_failures
        ));
    }
    if load.checksums != env.replication.checksums {
        let (is, wanted) = if load.checksums { ("has", "none") } else { ("has no", "them") };
        reasons.push(format!(
            "the database {is} checksums, and postgres.toml asks for {wanted}, which counts when it is made: write replication.checksums = {}",
            load.checksums
        ));
    }
    for slot in &answer.slots {
        let ours = ["main", "replica"].map(|set| format!("{}_{set}_", super::slot_name(&env.name)));
        if slot.active || ours.iter().any(|start| slot.name.starts_with(start)) {
            continue;
        }
        reasons.push(if slot.is_lost() {
            format!("the slot {} lost WAL that its reader needs: drop it, and let the reader begin anew", slot.name)
        } else {
            format!(
                "nobody reads the slot {}, which keeps {} MB of WAL: start its reader, or drop it with pg_drop_replication_slot",
                slot.name,
                slot.holds_bytes.unwrap_or(0) >> 20
            )
        });
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Slot;

    fn said(change: impl FnOnce(&mut Load, &mut Vec<Slot>)) -> String {
        let env = Env::parse("name = \"a-b\"\nimage = \"a:1\"", "dev").unwrap();
        let text = r#"{"in_recovery": false, "timeline": 1, "senders": [], "slots": [], "synchronous_commit": "on",
            "pending_restart": false, "loaded": 0,
            "load": {"connections": 10, "connections_limit": 97, "xid_age": 1000, "oldest_transaction_seconds": 0.5,
                     "commit_waits_seconds": 0.1, "checksum_failures": 0, "checksums": true}}"#;
        let mut answer: Answer = serde_json::from_str(text).unwrap();
        let mut load = answer.load.take().unwrap();
        change(&mut load, &mut answer.slots);
        answer.load = Some(load);
        reasons(&env, &answer).join("; ")
    }

    #[test]
    fn what_would_stop_the_primary_is_named_before_it_does() {
        assert_eq!(said(|_, _| {}), "");
        for (change, named) in [
            ((|load| load.connections = 95) as fn(&mut Load), "95 of 97 connections"),
            (|load| load.xid_age = 1_200_000_000, "1200 million transactions"),
            (|load| load.oldest_transaction_seconds = 7200.0, "open for 2.0 hours"),
            (|load| load.commit_waits_seconds = 4.2, "waited 4 s for a standby"),
            (|load| load.checksum_failures = 2, "2 pages had a wrong checksum"),
            (|load| load.checksums = false, "write replication.checksums = false"),
        ] {
            let said = said(|load, _| change(load));
            assert!(said.contains(named), "{said}");
        }
    }

    #[test]
    fn a_slot_that_nobody_reads_is_named_and_a_member_s_is_its_own_matter() {
        let slot = |name: &str, active, status: &str| Slot {
            name: name.to_owned(),
            holds_bytes: Some(3 << 20),
            wal_status: Some(status.to_owned()),
            active,
        };
        let ours = slot("a_b_replica_1", false, "reserved");
        assert_eq!(said(|_, slots| slots.push(ours)), "");
        let read = slot("debezium", true, "extended");
        assert_eq!(said(|_, slots| slots.push(read)), "");
        let unread = slot("debezium", false, "extended");
        assert!(said(|_, slots| slots.push(unread)).contains("debezium, which keeps 3 MB"));
        let lost = slot("debezium", false, "lost");
        assert!(said(|_, slots| slots.push(lost)).contains("debezium lost WAL"));
    }
}
