//! What the members say about themselves, and the one line that follows from it.

mod answer;
pub mod archive;
mod judge;
mod load;
pub mod nodes;
pub mod objects;
mod protection;
mod state;

use anyhow::Context;
use jiff::Timestamp;
use serde::Serialize;

pub use self::answer::{Answer, Slot};
pub use self::judge::{Lock, judge, unreadable, with_pause};
pub use self::state::{State, SyncState};
use crate::{certificate, env::Env, upgrade::Upgrade};

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Healthy,
    /// Every acknowledged write is on two disks, but something is amiss.
    Degraded,
    /// The next failover could lose an acknowledged write, or is not possible.
    Unprotected,
    /// Nobody takes writes.
    NoPrimary,
    /// Nobody could be asked.
    Unknown,
}

impl Verdict {
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Healthy => 0,
            Self::Degraded => 3,
            Self::Unprotected => 4,
            Self::NoPrimary => 5,
            Self::Unknown => 6,
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unprotected => "unprotected",
            Self::NoPrimary => "no primary",
            Self::Unknown => "unknown",
        }
    }
}

#[derive(Debug, Serialize)]
pub struct Report {
    pub name: String,
    pub namespace: String,
    pub at: Timestamp,
    pub verdict: Verdict,
    /// Why, and what to do.
    pub advice: Vec<String>,
    pub primary: Option<String>,
    /// Of the primary's PostgreSQL.
    pub version: Option<String>,
    pub primary_since: Option<Timestamp>,
    pub timeline: Option<i64>,
    pub synchronous_commit: Option<String>,
    pub certificate_days_left: Option<i64>,
    /// One that is not over.
    pub upgrade: Option<Upgrade>,
    /// None without [backup].
    pub archive: Option<archive::Archive>,
    pub members: Vec<Member>,
}

impl Report {
    /// Of a cluster of which nobody could be asked.
    pub fn unasked(env: &Env, at: Timestamp, why: String) -> Self {
        Self {
            name: env.name.to_string(),
            namespace: env.namespace().to_owned(),
            at,
            verdict: Verdict::Unknown,
            advice: vec![why],
            primary: None,
            version: None,
            primary_since: None,
            timeline: None,
            synchronous_commit: None,
            certificate_days_left: None,
            upgrade: None,
            archive: None,
            members: Vec::new(),
        }
    }

    /// A member whose PostgreSQL answered; any of them reaches the archive.
    pub fn answering(&self) -> Option<&Member> {
        self.members.iter().find(|member| member.answer.is_some())
    }

    /// Who leads, for a verb that would do nothing without.
    pub fn leader(&self, without: &str) -> anyhow::Result<&str> {
        self.primary.as_deref().with_context(|| {
            let what = if self.verdict == Verdict::Unknown {
                "nobody knows who is primary"
            } else {
                "nobody is primary"
            };
            format!("{what}, so {without}: {}", self.advice.join("; "))
        })
    }
}

/// What a member is to the others.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Primary,
    Replica,
}

impl Role {
    pub fn word(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Replica => "replica",
        }
    }
}

/// The passwords of Patroni's users that a member has started with.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Credentials {
    #[default]
    Unknown,
    Current,
    /// They have changed since: who asks with them is refused.
    Old,
}

/// The `ServiceAccount` that a member shows the API server.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Account {
    #[default]
    Unknown,
    Current,
    /// It was deleted, and the API server takes its tokens no more.
    Deleted,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Member {
    pub name: String,
    pub home: String,
    /// What it is now, by its own word; none while it says nothing.
    pub role: Option<Role>,
    pub state: State,
    pub ready: bool,
    pub node: Option<String>,
    pub restarts: i32,
    pub timeline: Option<i64>,
    pub lag_bytes: Option<i64>,
    pub lag_seconds: Option<f64>,
    pub slot: Option<String>,
    /// WAL that the primary keeps for it.
    pub slot_holds_bytes: Option<i64>,
    pub sync: Option<SyncState>,
    pub disk_used_bytes: Option<u64>,
    pub disk_total_bytes: Option<u64>,
    pub pending_restart: bool,
    /// Its pod was made from an older template than its set has now.
    pub outdated: bool,
    pub credentials: Credentials,
    pub certificate: certificate::State,
    /// What runs, by its digest; one tag may mean several images.
    #[serde(skip)]
    pub image: Option<String>,
    #[serde(skip)]
    pub certificate_file: Option<certificate::File>,
    #[serde(skip)]
    pub credentials_digest: Option<String>,
    /// The identifier of its token's `ServiceAccount`.
    #[serde(skip)]
    pub account_uid: Option<String>,
    #[serde(skip)]
    pub account: Account,
    #[serde(skip)]
    pub archive_gap: Option<archive::Gap>,
    #[serde(skip)]
    pub archive_fault: Option<&'static str>,
    #[serde(skip)]
    pub answer: Option<Answer>,
    /// What keeps its pod from its work.
    #[serde(skip)]
    pub blocked: Option<String>,
    /// What other containers of its pod do not do, and which was killed for its memory.
    #[serde(skip)]
    pub beside: Vec<(String, String)>,
    /// Why its pod could not even be asked.
    #[serde(skip)]
    pub unasked: Option<String>,
}

impl Member {
    /// Its passwords beside those of the Secret, if anybody may know their digest.
    pub fn has_credentials(&self, digest: Option<&str>) -> Credentials {
        match (self.credentials_digest.as_deref(), digest) {
            (Some(own), Some(digest)) if own == digest => Credentials::Current,
            (Some(_), Some(_)) => Credentials::Old,
            _ => Credentials::Unknown,
        }
    }

    /// Its account beside the one that there is, if anybody may know that.
    pub fn has_account(&self, uid: Option<&str>) -> Account {
        match (self.account_uid.as_deref(), uid) {
            (Some(own), Some(uid)) if own == uid => Account::Current,
            (Some(_), Some(_)) => Account::Deleted,
            _ => Account::Unknown,
        }
    }

    /// Whether it serves the certificate with this digest, if anybody may know it.
    pub fn serves(&self, digest: Option<&str>) -> certificate::State {
        let loaded = self.answer.as_ref().map(|answer| answer.loaded);
        certificate::state(self.certificate_file.as_ref(), loaded, digest)
    }
}

/// Patroni's name for a member's slot.
pub fn slot_name(member: &str) -> String {
    member.replace(['-', '.'], "_")
}

/// Fills in what only the primary knows about each member.
pub fn join(members: &mut [Member]) {
    for member in members.iter_mut() {
        let Some(answer) = &member.answer else { continue };
        member.role = Some(if answer.in_recovery { Role::Replica } else { Role::Primary });
        member.timeline = answer.timeline;
        member.pending_restart = answer.pending_restart;
        member.state = State::Running;
    }
    let Some(primary) = primary(members).and_then(|primary| primary.answer.clone()) else { return };
    for member in members.iter_mut().filter(|member| member.role != Some(Role::Primary)) {
        let slot = primary.slots.iter().find(|slot| slot.name == slot_name(&member.name));
        member.slot_holds_bytes = slot.and_then(|slot| slot.holds_bytes);
        // Patroni makes a lost slot anew within seconds.
        let has = member.answer.as_ref().map(|answer| answer.has_bytes);
        let removed = has.is_some_and(|has| has < primary.keeps_from_bytes);
        let lost = removed || slot.is_some_and(Slot::is_lost);
        match primary.senders.iter().find(|sender| sender.name == member.name) {
            // A frozen standby keeps its connection until wal_sender_timeout, so its own word counts, too.
            Some(sender) if member.answer.is_some() => {
                member.state.clone_from(&sender.state);
                member.slot.clone_from(&sender.slot);
                member.sync = Some(sender.sync);
                member.lag_bytes = sender.lag_bytes;
                member.lag_seconds = Some(sender.lag_seconds);
            }
            _ if lost => member.state = State::LeftBehind,
            _ if member.answer.is_some() => member.state = State::NotStreaming,
            _ => {}
        }
    }
}

/// The one member that takes writes; two would be none to trust.
pub fn primary(members: &[Member]) -> Option<&Member> {
    let mut all = members.iter().filter(|member| member.role == Some(Role::Primary));
    all.next().filter(|_| all.next().is_none())
}

pub fn streams(member: &Member) -> bool {
    member.state == State::Streaming && member.slot.is_some()
}

#[cfg(test)]
mod tests;
