//! What a member's PostgreSQL is at, and whether writes wait for it.

use std::fmt::{Display, Formatter, Result};

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nobody has asked yet.
    #[default]
    #[serde(rename = "")]
    Unasked,
    #[serde(rename = "no answer")]
    NoAnswer,
    Starting,
    Stopping,
    #[serde(rename = "disk full")]
    DiskFull,
    Running,
    Streaming,
    #[serde(rename = "not streaming")]
    NotStreaming,
    #[serde(rename = "left behind: the primary no longer has its WAL")]
    LeftBehind,
    /// Another state of a WAL sender, or what keeps the pod from starting.
    #[serde(untagged)]
    Other(String),
}

impl Display for State {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.serialize(f)
    }
}

/// What the primary's `pg_stat_replication` calls `sync_state`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SyncState {
    Async,
    Potential,
    Sync,
    Quorum,
}

impl SyncState {
    /// Whether a write may be acknowledged by its word.
    pub fn is_synchronous(self) -> bool {
        matches!(self, Self::Sync | Self::Quorum)
    }
}

impl Display for SyncState {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.serialize(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sender_says_is_told_as_it_is() {
        let read = |text| serde_json::from_value::<State>(text).unwrap();
        assert_eq!(read("streaming".into()), State::Streaming);
        assert_eq!(read("catchup".into()), State::Other("catchup".to_owned()));
        for state in [State::Unasked, State::NoAnswer, State::LeftBehind, read("catchup".into())] {
            assert_eq!(serde_json::to_value(&state).unwrap(), state.to_string());
        }
        assert_eq!(SyncState::Quorum.to_string(), "quorum");
    }
}
