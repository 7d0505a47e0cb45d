//! Whether a standby holds every acknowledged write, and why none does.

use super::{Credentials, Lock, Member, State, SyncState, streams};
use crate::env::{Env, SynchronousMode};

/// Why an acknowledged write might be on one disk only.
pub fn unprotected(
    env: &Env,
    members: &[Member],
    primary: &Member,
    lock: &Lock,
    synchronous: &[String],
) -> Option<String> {
    if lock.leader != Some(&primary.name) {
        return Some(format!(
            "{} takes writes without the leader's lock: Patroni settles that within seconds",
            primary.name
        ));
    }
    if let Some(end) = lock.ended {
        return Some(format!(
            "the leader's lock of {} ended at {end:.0}: its Patroni does not reach the API server, or hangs; it leads on only as long as every \
             member answers it (failsafe_mode), and perhaps nobody can take over: look at `kubectl get --raw /readyz`, at its node and at its \
             log, and restart no member",
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
    // By the primary's word alone where nobody may ask it.
    let vouched = |member: &Member| {
        let senders = primary.answer.iter().flat_map(|answer| &answer.senders);
        let mut own = senders.filter(|sender| sender.name == member.name);
        member.unasked.is_some()
            && synchronous.contains(&member.name)
            && own.any(|sender| sender.state == State::Streaming && sender.sync.is_synchronous())
    };
    if members.iter().any(|member| holds_every_write(member, synchronous) || vouched(member)) {
        return None;
    }
    let behind = members.iter().find(|member| member.state == State::LeftBehind);
    if let Some(behind) = behind {
        return Some(format!(
            "{} is left behind: {}",
            behind.name,
            what_brings_back(env, &behind.name)
        ));
    }
    let locked_out = |member: &&Member| {
        member.credentials == Credentials::Old && !streams(member) && member.name != primary.name
    };
    if let Some(locked) = members.iter().find(locked_out) {
        return Some(with_old_passwords(locked));
    }
    if members.len() < 2 {
        return Some(format!(
            "no replica has a pod, and postgres.toml has count = {}: run `pg-cluster init`, or `pg-cluster scale`",
            env.replica.count.get()
        ));
    }
    Some(match env.replication.synchronous_mode {
        SynchronousMode::Off => "synchronous_mode is off, so a failover may lose acknowledged writes: write \"on\"".to_owned(),
        _ => "no synchronous standby holds every acknowledged write: wait until a replica streams again, or see its log".to_owned(),
    })
}

/// Whether the primary acknowledges nothing for want of a standby.
pub fn waits_for_a_standby(env: &Env, members: &[Member], synchronous: &[String]) -> bool {
    env.replication.synchronous_mode_strict
        && !members.iter().any(|member| holds_every_write(member, synchronous))
}

fn holds_every_write(member: &Member, synchronous: &[String]) -> bool {
    streams(member)
        && member.sync.is_some_and(SyncState::is_synchronous)
        && synchronous.contains(&member.name)
}

/// The primary has no longer what this replica lacks; the archive may.
pub fn what_brings_back(env: &Env, name: &str) -> String {
    let copy = format!("run `pg-cluster reinit {name}`, which copies the primary anew");
    if env.backup.is_some() {
        format!("it catches up from the archive; if its log says that it cannot, {copy}")
    } else {
        copy
    }
}

pub fn with_old_passwords(member: &Member) -> String {
    format!(
        "{} runs with passwords from before their rotation: run `pg-cluster rotate-passwords --system`, which goes on with it",
        member.name
    )
}
