//! The replication settings, with the bounds that Patroni would enforce by
//! replacing a value with only a line in its log.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::{Bounded, Size, set::fixed};

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Replication {
    pub wal_level: WalLevel,
    /// Patroni turns less than 3 into 10.
    pub max_wal_senders: Bounded<3, 1000, 10>,
    /// Patroni turns less than 4 into 10.
    pub max_replication_slots: Bounded<4, 1000, 10>,
    pub synchronous_commit: SynchronousCommit,
    pub synchronous_mode: SynchronousMode,
    pub synchronous_mode_strict: bool,
    pub synchronous_node_count: Bounded<1, 8, 1>,
    pub failsafe_mode: bool,
    pub max_slot_wal_keep_size: Size,
    pub member_slots_ttl_minutes: Bounded<0, 10_080, 30>,
    pub wal_sender_timeout: Bounded<1, 3600, 10>,
    pub checksums: bool,
    pub maximum_lag_on_failover: Size,
    pub ttl: Bounded<20, 3600, 20>,
    pub loop_wait: Bounded<1, 600, 2>,
    pub retry_timeout: Bounded<3, 600, 5>,
    pub primary_start_timeout: Bounded<0, 3600, 0>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WalLevel {
    #[default]
    Replica,
    Logical,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SynchronousCommit {
    Off,
    Local,
    RemoteWrite,
    #[default]
    On,
    RemoteApply,
}

impl SynchronousCommit {
    /// Whether an acknowledged write is on the standby's disk.
    pub fn waits_for_standby(self) -> bool {
        matches!(self, Self::On | Self::RemoteApply)
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SynchronousMode {
    Off,
    #[default]
    On,
    Quorum,
}

impl Default for Replication {
    fn default() -> Self {
        Self {
            wal_level: WalLevel::default(),
            max_wal_senders: Bounded::default(),
            max_replication_slots: Bounded::default(),
            synchronous_commit: SynchronousCommit::default(),
            synchronous_mode: SynchronousMode::default(),
            synchronous_mode_strict: false,
            synchronous_node_count: Bounded::default(),
            failsafe_mode: true,
            max_slot_wal_keep_size: fixed("1GB"),
            member_slots_ttl_minutes: Bounded::default(),
            wal_sender_timeout: Bounded::default(),
            checksums: true,
            maximum_lag_on_failover: fixed("1MB"),
            ttl: Bounded::default(),
            loop_wait: Bounded::default(),
            retry_timeout: Bounded::default(),
            primary_start_timeout: Bounded::default(),
        }
    }
}

impl Replication {
    /// Whether an acknowledged write is promised to survive a failover.
    pub fn promises_durability(&self) -> bool {
        self.synchronous_mode != SynchronousMode::Off && self.synchronous_commit.waits_for_standby()
    }

    pub(super) fn check(&self) -> Result<()> {
        let (ttl, wait, retry) = (self.ttl.get(), self.loop_wait.get(), self.retry_timeout.get());
        ensure!(
            wait + 2 * retry <= ttl,
            "replication: loop_wait + 2 × retry_timeout is {}, more than ttl ({ttl}), and Patroni would replace them: write ttl = {} \
             or more, or less for the others",
            wait + 2 * retry,
            wait + 2 * retry
        );
        let sender = self.wal_sender_timeout.get();
        ensure!(
            sender < ttl,
            "replication.wal_sender_timeout is {sender}, not under ttl ({ttl}): a frozen synchronous standby would stall every \
             commit for longer than a failover takes; write {} or less",
            ttl - 1
        );
        ensure!(
            self.synchronous_mode != SynchronousMode::Off || !self.synchronous_mode_strict,
            "replication.synchronous_mode_strict means nothing while synchronous_mode is off: write synchronous_mode = \"on\", or leave it out"
        );
        Ok(())
    }
}
