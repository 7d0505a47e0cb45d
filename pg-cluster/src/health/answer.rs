//! What a member's PostgreSQL answers to the question in `ask`.

use serde::Deserialize;

use super::{
    archive::Archiver,
    load::Load,
    state::{State, SyncState},
};

#[derive(Clone, Debug, Deserialize)]
pub struct Answer {
    pub in_recovery: bool,
    pub timeline: Option<i64>,
    /// How far its WAL reaches.
    #[serde(default)]
    pub has_bytes: i64,
    /// Where its oldest WAL begins.
    #[serde(default)]
    pub keeps_from_bytes: i64,
    pub senders: Vec<Sender>,
    pub slots: Vec<Slot>,
    pub synchronous_commit: String,
    /// Roles and databases whose own setting of it waits for no standby.
    #[serde(default)]
    pub hasty: Vec<String>,
    /// When a replica last heard of the primary.
    #[serde(default)]
    pub received_at: Option<String>,
    pub pending_restart: bool,
    /// Settings and lines of `pg_hba.conf` that it runs without, and would not start with.
    #[serde(default)]
    pub unreadable: Vec<String>,
    #[serde(default)]
    pub version: Option<String>,
    /// Names of the parameters that somebody set: in its file, or where it was started.
    #[serde(default)]
    pub parameters: Vec<String>,
    #[serde(default)]
    pub load: Option<Load>,
    #[serde(default)]
    pub archiver: Option<Archiver>,
    /// When it last read its configuration: seconds since 1970, by the node's clock.
    pub loaded: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Sender {
    pub name: String,
    pub state: State,
    pub sync: SyncState,
    pub slot: Option<String>,
    pub lag_bytes: Option<i64>,
    pub lag_seconds: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Slot {
    pub name: String,
    pub holds_bytes: Option<i64>,
    pub wal_status: Option<String>,
    #[serde(default)]
    pub active: bool,
}

impl Slot {
    pub fn is_lost(&self) -> bool {
        self.wal_status.as_deref() == Some("lost")
    }
}
