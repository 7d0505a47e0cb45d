//! What the members say about themselves, and the one line that follows from it.

pub mod archive;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{certificate, env::Env, tls::RENEW_DAYS};

/// Above this a full disk is near.
const DISK_PERCENT: u64 = 85;

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
    pub primary_since: Option<Timestamp>,
    pub timeline: Option<i64>,
    pub synchronous_commit: Option<String>,
    pub certificate_days_left: Option<i64>,
    /// None without [backup].
    pub archive: Option<archive::Archive>,
    pub members: Vec<Member>,
}

impl Report {
    /// A member whose PostgreSQL answered; any of them reaches the archive.
    pub fn answering(&self) -> Option<&Member> {
        self.members.iter().find(|member| member.answer.is_some())
    }
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Member {
    pub name: String,
    pub home: String,
    /// What it is now, by its own word: primary, replica, or none while it says nothing.
    pub role: Option<&'static str>,
    pub state: String,
    pub ready: bool,
    pub node: Option<String>,
    pub restarts: i32,
    pub timeline: Option<i64>,
    pub lag_bytes: Option<i64>,
    pub lag_seconds: Option<f64>,
    pub slot: Option<String>,
    /// WAL that the primary keeps for it.
    pub slot_holds_bytes: Option<i64>,
    pub sync: Option<String>,
    pub disk_used_bytes: Option<u64>,
    pub disk_total_bytes: Option<u64>,
    pub pending_restart: bool,
    /// Its pod was made from an older template than its set has now.
    pub outdated: bool,
    pub certificate: certificate::State,
    #[serde(skip)]
    pub certificate_file: Option<certificate::File>,
    #[serde(skip)]
    pub archive_gap: Option<archive::Gap>,
    #[serde(skip)]
    pub answer: Option<Answer>,
    /// Why its pod could not even be asked.
    #[serde(skip)]
    pub unasked: Option<String>,
}

/// What a member's PostgreSQL answered.
#[derive(Clone, Debug, Deserialize)]
pub struct Answer {
    pub in_recovery: bool,
    pub timeline: Option<i64>,
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
    #[serde(default)]
    pub archiver: Option<archive::Archiver>,
    /// When it last read its configuration: seconds since 1970, by the node's clock.
    pub loaded: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Sender {
    pub name: String,
    pub state: String,
    pub sync: String,
    pub slot: Option<String>,
    pub lag_bytes: Option<i64>,
    pub lag_seconds: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Slot {
    pub name: String,
    pub holds_bytes: Option<i64>,
    pub wal_status: Option<String>,
}

/// The state of a replica that cannot catch up by itself.
const LEFT_BEHIND: &str = "left behind";

/// Patroni's name for a member's slot.
pub fn slot_name(member: &str) -> String {
    member.replace(['-', '.'], "_")
}

/// Fills in what only the primary knows about each member.
pub fn join(members: &mut [Member]) {
    for member in members.iter_mut() {
        let Some(answer) = &member.answer else { continue };
        member.role = Some(if answer.in_recovery { "replica" } else { "primary" });
        member.timeline = answer.timeline;
        member.pending_restart = answer.pending_restart;
        "running".clone_into(&mut member.state);
    }
    let Some(primary) = primary(members).and_then(|primary| primary.answer.clone()) else { return };
    for member in members.iter_mut().filter(|member| member.role != Some("primary")) {
        let slot = primary.slots.iter().find(|slot| slot.name == slot_name(&member.name));
        member.slot_holds_bytes = slot.and_then(|slot| slot.holds_bytes);
        let lost = slot.is_some_and(|slot| slot.wal_status.as_deref() == Some("lost"));
        match primary.senders.iter().find(|sender| sender.name == member.name) {
            // A frozen standby keeps its connection until wal_sender_timeout, so its own word counts, too.
            Some(sender) if member.answer.is_some() => {
                member.state.clone_from(&sender.state);
                member.slot.clone_from(&sender.slot);
                member.sync = Some(sender.sync.clone());
                member.lag_bytes = sender.lag_bytes;
                member.lag_seconds = Some(sender.lag_seconds);
            }
            _ if lost => member.state = format!("{LEFT_BEHIND}: its slot lost WAL"),
            _ if member.answer.is_some() => "not streaming".clone_into(&mut member.state),
            _ => {}
        }
    }
}

/// The one member that takes writes; two would be none to trust.
pub fn primary(members: &[Member]) -> Option<&Member> {
    let mut all = members.iter().filter(|member| member.role == Some("primary"));
    all.next().filter(|_| all.next().is_none())
}

pub fn streams(member: &Member) -> bool {
    member.state == "streaming" && member.slot.is_some()
}

/// The verdict, and why. `leader` and `synchronous` are what Patroni agreed on.
pub fn judge(
    env: &Env,
    members: &[Member],
    leader: Option<&str>,
    synchronous: &[String],
    days_left: Option<i64>,
) -> (Verdict, Vec<String>) {
    let Some(primary) = primary(members) else {
        let unasked: Vec<_> = members.iter().filter_map(|member| member.unasked.clone()).collect();
        if !members.is_empty() && unasked.len() == members.len() {
            return (
                Verdict::Unknown,
                vec![format!(
                    "no member could be asked, which says nothing of them: {}",
                    unasked[0]
                )],
            );
        }
        return (Verdict::NoPrimary, vec![without_primary(env, members, leader)]);
    };
    let mut reasons = Vec::new();
    if let Some(reason) = unprotected(env, members, primary, leader, synchronous) {
        reasons.push(reason);
        if waits_for_a_standby(env, members, synchronous) {
            reasons.push(
                "synchronous_mode_strict holds every write back until a standby streams".to_owned(),
            );
            return (Verdict::NoPrimary, reasons);
        }
        return (Verdict::Unprotected, reasons);
    }
    for member in members.iter().filter(|member| member.name != primary.name && !streams(member)) {
        let (name, state) = (&member.name, &member.state);
        let what = if state.starts_with(LEFT_BEHIND) {
            format!("run `pg-cluster reinit {name}`, which copies the primary anew")
        } else {
            format!("see `kubectl logs -n {} {name}`", env.namespace())
        };
        reasons.push(format!("{name} does not stream ({state}): {what}"));
    }
    let missing = usize::try_from(env.members()).unwrap_or(0).saturating_sub(members.len());
    if missing > 0 {
        reasons.push(format!(
            "{missing} of {} members have no pod: run `pg-cluster init`",
            env.members()
        ));
    }
    for member in members {
        if !member.ready && (streams(member) || member.name == primary.name) {
            reasons.push(format!(
                "{} is not ready, so its Service leaves it out: wait, or look at its events",
                member.name
            ));
        }
        if let (Some(used), Some(total)) = (member.disk_used_bytes, member.disk_total_bytes)
            && used * 100 > total * DISK_PERCENT
        {
            reasons.push(format!(
                "{}'s disk is {} % full: give its set more storage",
                member.name,
                used * 100 / total
            ));
        }
        if member.pending_restart || member.outdated {
            reasons.push(format!(
                "{} has settings that wait for a restart: run `pg-cluster restart`",
                member.name
            ));
        }
        if member.certificate.is_behind() {
            reasons.push(format!(
                "{} serves an old certificate: run `pg-cluster init`, which lets it load the new one",
                member.name
            ));
        }
    }
    if let Some(days) = days_left.filter(|days| *days < RENEW_DAYS) {
        reasons.push(format!(
            "the server's certificate ends in {days} days: run `pg-cluster init`, which renews it"
        ));
    }
    (if reasons.is_empty() { Verdict::Healthy } else { Verdict::Degraded }, reasons)
}

fn without_primary(env: &Env, members: &[Member], leader: Option<&str>) -> String {
    let writers: Vec<_> =
        members.iter().filter(|m| m.role == Some("primary")).map(|m| m.name.as_str()).collect();
    match leader {
        _ if writers.len() > 1 => format!(
            "{} all say that they are primary: Patroni demotes all but one within seconds",
            writers.join(" and ")
        ),
        Some(leader) => format!(
            "{leader} holds the leader's lock and takes no writes: Patroni promotes a standby or restarts it, at the latest when the lock ends ({} s)",
            env.replication.ttl.get()
        ),
        None => format!(
            "nobody holds the leader's lock: an election takes seconds; after that, see `kubectl logs -n {} <pod>`",
            env.namespace()
        ),
    }
}

/// Adds that Patroni was told to do nothing by itself.
pub fn with_pause((verdict, mut reasons): (Verdict, Vec<String>)) -> (Verdict, Vec<String>) {
    reasons.push(
        "Patroni is paused, so nobody takes over when the primary goes: `pg-cluster resume` ends it"
            .to_owned(),
    );
    (verdict.max(Verdict::Degraded), reasons)
}

/// Whether the primary acknowledges nothing for want of a standby.
fn waits_for_a_standby(env: &Env, members: &[Member], synchronous: &[String]) -> bool {
    env.replication.synchronous_mode_strict
        && !members.iter().any(|member| holds_every_write(member, synchronous))
}

fn holds_every_write(member: &Member, synchronous: &[String]) -> bool {
    streams(member)
        && matches!(member.sync.as_deref(), Some("sync" | "quorum"))
        && synchronous.contains(&member.name)
}

/// Why an acknowledged write might be on one disk only.
fn unprotected(
    env: &Env,
    members: &[Member],
    primary: &Member,
    leader: Option<&str>,
    synchronous: &[String],
) -> Option<String> {
    if leader != Some(&primary.name) {
        return Some(format!(
            "{} takes writes without the leader's lock: Patroni settles that within seconds",
            primary.name
        ));
    }
    let commit = primary.answer.as_ref().map_or("", |answer| &answer.synchronous_commit);
    if !["on", "remote_apply"].contains(&commit) {
        return Some(format!(
            "synchronous_commit is {commit}, which gives up the promise that an acknowledged write survives: write \"on\""
        ));
    }
    let hasty = primary.answer.as_ref().map_or(&[][..], |answer| &answer.hasty);
    if !hasty.is_empty() {
        return Some(format!(
            "{} gave up the promise with a synchronous_commit of its own: `alter role … reset synchronous_commit`, or `alter database …`",
            hasty.join(" and ")
        ));
    }
    if env.members() < 2 {
        return Some("there is no replica: write count = 1 or more under [replica]".to_owned());
    }
    if members.iter().any(|member| holds_every_write(member, synchronous)) {
        return None;
    }
    let behind = members.iter().find(|member| member.state.starts_with(LEFT_BEHIND));
    if let Some(behind) = behind {
        return Some(format!(
            "{} is left behind and cannot catch up: run `pg-cluster reinit {}`, which copies the primary anew",
            behind.name, behind.name
        ));
    }
    Some(match env.replication.synchronous_mode {
        crate::env::SynchronousMode::Off => "synchronous_mode is off, so a failover may lose acknowledged writes: write \"on\"".to_owned(),
        _ => "no synchronous standby holds every acknowledged write: wait until a replica streams again, or see its log".to_owned(),
    })
}

#[cfg(test)]
mod tests;
