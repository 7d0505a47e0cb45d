//! The verdict on a cluster, as a pure function of what its members said.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    Credentials, Member, Role, State, Verdict, load, primary,
    protection::{unprotected, waits_for_a_standby, what_brings_back, with_old_passwords},
    streams,
};
use crate::{cures::told, env::Env, names, tls::RENEW_DAYS};

/// Above this a full disk is near; `VolumeFillsUp` in `monitoring` has the same bound.
const DISK_PERCENT: u64 = 85;

/// The leader's lock, as Patroni keeps it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lock<'a> {
    pub leader: Option<&'a str>,
    /// When it ended, if nobody has renewed or taken it since.
    pub ended: Option<Timestamp>,
}

/// The verdict, and why. `lock` and `synchronous` are what Patroni agreed on.
pub fn judge(
    env: &Env,
    members: &[Member],
    lock: &Lock,
    synchronous: &[String],
    days_left: Option<i64>,
) -> (Verdict, Vec<String>) {
    let (verdict, mut reasons) = by_word(env, members, lock, synchronous, days_left);
    let pods = in_pods(env, members);
    let verdict = if pods.is_empty() { verdict } else { verdict.max(Verdict::Degraded) };
    reasons.extend(pods);
    (verdict, reasons)
}

/// What keeps pods and their containers from their work, and what to do, which no member says itself.
fn in_pods(env: &Env, members: &[Member]) -> Vec<String> {
    let mut reasons = Vec::new();
    for Member { name, beside, blocked, .. } in members {
        let told = |what: &str, words: &str| told(env.namespace(), &format!("{name}{what}"), words);
        reasons.extend(blocked.iter().map(|words| told(" does not start", words)));
        reasons.extend(
            beside.iter().map(|(container, words)| told(&format!("'s {container}"), words)),
        );
    }
    reasons
}

/// As the members themselves say.
fn by_word(
    env: &Env,
    members: &[Member],
    lock: &Lock,
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
        if let Some(why) = leads_unasked(members, lock) {
            return (Verdict::Unknown, vec![why]);
        }
        return (Verdict::NoPrimary, vec![without_primary(env, members, lock)]);
    };
    let mut reasons = Vec::new();
    if let Some(reason) = unprotected(env, members, primary, lock, synchronous) {
        reasons.push(reason);
        if waits_for_a_standby(env, members, synchronous) {
            reasons.push(
                "synchronous_mode_strict holds every write back until a standby streams".to_owned(),
            );
            return (Verdict::NoPrimary, reasons);
        }
        return (Verdict::Unprotected, reasons);
    }
    reasons.extend(not_streaming(env, members, primary));
    reasons.extend(primary.answer.iter().flat_map(|answer| load::reasons(env, answer)));
    let left_out = left_out(env, primary);
    if !left_out.is_empty() {
        reasons.push(format!(
            "PostgreSQL runs without {}: Patroni leaves out a name that this PostgreSQL does not know, a value that it does not take, and what \
             is for replicas alone; correct [parameters]",
            left_out.join(", ")
        ));
    }
    reasons.extend(unreadable(members));
    let missing = usize::try_from(env.members()).unwrap_or(0).saturating_sub(members.len());
    if missing > 0 {
        reasons.push(format!(
            "{missing} of {} members have no pod: run `pg-cluster init`",
            env.members()
        ));
    }
    reasons.extend(images(members));
    let configured = names::pods(env);
    for member in members.iter().filter(|member| !configured.contains(&member.name)) {
        reasons.push(format!(
            "{} is a member beyond those that postgres.toml has: run `pg-cluster scale`, or write a larger count",
            member.name
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
        if member.credentials == Credentials::Old {
            reasons.push(with_old_passwords(member));
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

fn not_streaming(env: &Env, members: &[Member], primary: &Member) -> Vec<String> {
    let others = members.iter().filter(|member| {
        member.name != primary.name && !streams(member) && member.blocked.is_none()
    });
    let why = |member: &Member| {
        let (name, state) = (&member.name, &member.state);
        if let Some(why) = &member.unasked {
            return format!("{name} could not be asked, so nothing is known of it: {why}");
        }
        let what = if *state == State::LeftBehind {
            what_brings_back(env, name)
        } else {
            format!("see `kubectl logs -n {} {name}`", env.namespace())
        };
        format!("{name} does not stream ({state}): {what}")
    };
    others.map(why).collect()
}

/// One tag that means different images on different nodes: which of them runs next is chance.
fn images(members: &[Member]) -> Option<String> {
    // Those of an older template are on their way out.
    let current = members.iter().filter(|member| !member.outdated);
    let all: BTreeSet<&String> = current.filter_map(|member| member.image.as_ref()).collect();
    (all.len() > 1).then(|| {
        let all: Vec<&str> = all.into_iter().map(String::as_str).collect();
        format!(
            "members of one image run {}: give the image by its digest (NAME@sha256:…), and run `pg-cluster restart`",
            all.join(" and ")
        )
    })
}

/// A reload leaves it out with a line in the log, and the next start fails.
pub fn unreadable(members: &[Member]) -> Option<String> {
    let answers = members.iter().filter_map(|member| member.answer.as_ref());
    let all: BTreeSet<&str> =
        answers.flat_map(|answer| &answer.unreadable).map(String::as_str).collect();
    (!all.is_empty()).then(|| {
        format!(
            "PostgreSQL would not start again with {}: correct [parameters] or hba, and run `pg-cluster init`",
            all.into_iter().collect::<Vec<_>>().join(" and ")
        )
    })
}

/// Parameters of the configuration that the primary was not given. Those of an extension are taken
/// unseen.
fn left_out<'a>(env: &'a Env, primary: &Member) -> Vec<&'a str> {
    let Some(answer) = &primary.answer else { return Vec::new() };
    let wanted = env.parameters.keys().map(String::as_str);
    wanted
        .filter(|name| !name.contains('.') && !answer.parameters.iter().any(|set| set == name))
        .collect()
}

/// Who holds the lock and sends WAL leads, whether he may be asked or not.
fn leads_unasked(members: &[Member], lock: &Lock) -> Option<String> {
    let leader = members.iter().find(|member| lock.leader == Some(&member.name))?;
    let why = leader.unasked.as_ref().filter(|_| lock.ended.is_none())?;
    // A replica has a timeline as long as it receives.
    let receives =
        |member: &Member| member.role == Some(Role::Replica) && member.timeline.is_some();
    members.iter().any(receives).then(|| {
        format!("{}, which holds the leader's lock, could not be asked, which says nothing of it: {why}", leader.name)
    })
}

fn without_primary(env: &Env, members: &[Member], lock: &Lock) -> String {
    let writers: Vec<_> =
        members.iter().filter(|m| m.role == Some(Role::Primary)).map(|m| m.name.as_str()).collect();
    match lock.leader {
        _ if writers.len() > 1 => format!(
            "{} all say that they are primary: Patroni demotes all but one within seconds",
            writers.join(" and ")
        ),
        Some(leader) if let Some(end) = lock.ended => format!(
            "the leader's lock of {leader} ended at {end:.0}, and nobody has taken it: an election takes seconds; after that, run `pg-cluster init`, \
             which brings back what Patroni needs, and see `kubectl logs -n {} {leader}`",
            env.namespace()
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
