//! The verdict over the members together; `members` has what each one alone adds to it.

mod members;

use super::*;
use crate::{env::Env, health::answer::Sender};

fn env(more: &str) -> Env {
    Env::parse(&format!("name = \"a\"\nimage = \"a:1\"\n{more}"), "dev").unwrap()
}

fn answer(in_recovery: bool) -> Answer {
    let sender = Sender {
        name: "a-replica-0".into(),
        state: State::Streaming,
        sync: SyncState::Sync,
        slot: Some("a_replica_0".into()),
        lag_bytes: Some(0),
        lag_seconds: 0.0,
    };
    let slot = Slot {
        name: "a_replica_0".into(),
        holds_bytes: Some(0),
        wal_status: Some("reserved".into()),
        active: true,
    };
    Answer {
        in_recovery,
        timeline: Some(1),
        has_bytes: 0x500_0000,
        keeps_from_bytes: 0x300_0000,
        senders: if in_recovery { vec![] } else { vec![sender] },
        slots: vec![slot],
        synchronous_commit: "on".into(),
        hasty: vec![],
        received_at: None,
        archiver: None,
        load: None,
        pending_restart: false,
        unreadable: vec![],
        version: Some("17.12".into()),
        parameters: vec!["work_mem".into()],
        loaded: 100.0,
    }
}

fn member(name: &str, answer: Option<Answer>) -> Member {
    Member { name: name.into(), ready: true, state: State::NoAnswer, answer, ..Member::default() }
}

fn verdict(
    env: &Env,
    members: Vec<Member>,
    leader: Option<&str>,
    synchronous: &[&str],
) -> (Verdict, String) {
    under(env, members, &Lock { leader, ended: None }, synchronous)
}

/// Of a configuration that says no more, and the standby that Patroni would promote.
fn ours(members: Vec<Member>) -> (Verdict, String) {
    verdict(&env(""), members, Some("a-main-0"), &["a-replica-0"])
}

fn under(
    env: &Env,
    mut members: Vec<Member>,
    lock: &Lock,
    synchronous: &[&str],
) -> (Verdict, String) {
    join(&mut members);
    let synchronous: Vec<_> = synchronous.iter().map(|name| (*name).to_owned()).collect();
    let (verdict, reasons) = judge(env, &members, lock, &synchronous, Some(300));
    (verdict, reasons.join("; "))
}

fn pair() -> Vec<Member> {
    vec![member("a-main-0", Some(answer(false))), member("a-replica-0", Some(answer(true)))]
}

#[test]
fn a_pair_that_streams_synchronously_is_healthy() {
    assert_eq!(ours(pair()), (Verdict::Healthy, String::new()));
}

#[test]
fn a_pair_whose_standby_patroni_would_not_promote_is_unprotected() {
    assert_eq!(verdict(&env(""), pair(), Some("a-main-0"), &[]).0, Verdict::Unprotected);
}

#[test]
fn a_frozen_standby_is_not_believed_although_its_connection_is_open() {
    let members = vec![member("a-main-0", Some(answer(false))), member("a-replica-0", None)];
    assert_eq!(ours(members).0, Verdict::Unprotected);
}

#[test]
fn a_frozen_primary_is_no_primary() {
    let members = vec![member("a-main-0", None), member("a-replica-0", Some(answer(true)))];
    let (verdict, advice) = ours(members);
    assert_eq!(verdict, Verdict::NoPrimary);
    assert!(advice.contains("a-main-0 holds"), "{advice}");
}

#[test]
fn two_that_take_writes_are_no_primary() {
    let members =
        vec![member("a-main-0", Some(answer(false))), member("a-replica-0", Some(answer(false)))];
    assert_eq!(ours(members).0, Verdict::NoPrimary);
}

#[test]
fn a_third_member_that_does_not_stream_degrades() {
    let mut members = pair();
    members.push(member("a-replica-1", Some(answer(true))));
    let (verdict, advice) =
        verdict(&env("replica.count = 2"), members, Some("a-main-0"), &["a-replica-0"]);
    assert_eq!(verdict, Verdict::Degraded);
    assert!(advice.contains("a-replica-1 does not stream"), "{advice}");
}

#[test]
fn synchronous_commit_off_and_a_single_member_are_unprotected() {
    let mut off = answer(false);
    "off".clone_into(&mut off.synchronous_commit);
    let members = vec![member("a-main-0", Some(off)), member("a-replica-0", Some(answer(true)))];
    assert!(ours(members).1.contains("synchronous_commit is off"));
    let single = vec![member("a-main-0", Some(answer(false)))];
    assert!(
        verdict(&env("replica.count = 0"), single, Some("a-main-0"), &[]).1.contains("no replica")
    );
}

#[test]
fn a_replica_that_lacks_wal_is_copied_anew_or_catches_up_from_the_archive() {
    let with_archive = env("backup.own = { image = \"s3:1\", storage = \"1Gi\" }");
    let lost = |primary: &mut Answer| primary.slots[0].wal_status = Some("lost".into());
    let removed = |primary: &mut Answer| primary.keeps_from_bytes = 0x600_0000;
    for change in [&lost as &dyn Fn(&mut Answer), &removed] {
        for (env, what) in [
            (&env(""), "left behind: run `pg-cluster reinit a-replica-0`"),
            (&with_archive, "left behind: it catches up from the archive"),
        ] {
            let (mut primary, replica) = (answer(false), answer(true));
            primary.senders.clear();
            change(&mut primary);
            let members =
                vec![member("a-main-0", Some(primary)), member("a-replica-0", Some(replica))];
            let (verdict, advice) = verdict(env, members, Some("a-main-0"), &[]);
            assert_eq!(verdict, Verdict::Unprotected);
            assert!(advice.contains(what), "{advice}");
        }
    }
}

#[test]
fn a_role_with_a_setting_of_its_own_gives_up_the_promise() {
    let mut hasty = answer(false);
    hasty.hasty = vec!["app".into()];
    let members = vec![member("a-main-0", Some(hasty)), member("a-replica-0", Some(answer(true)))];
    let (verdict, advice) = ours(members);
    assert_eq!(verdict, Verdict::Unprotected);
    assert!(advice.contains("app gave up the promise"), "{advice}");
}

#[test]
fn who_cannot_be_asked_is_not_said_to_be_away() {
    let silent = |name: &str| Member { unasked: Some("forbidden".into()), ..member(name, None) };
    let (judged, advice) =
        verdict(&env(""), vec![silent("a-main-0"), silent("a-replica-0")], Some("a-main-0"), &[]);
    assert_eq!((judged, judged.exit_code()), (Verdict::Unknown, 6));
    assert!(advice.contains("forbidden"), "{advice}");
    // Only a replica may be asked, and it hears of the primary or not.
    let mut one = vec![silent("a-main-0"), member("a-replica-0", Some(answer(true)))];
    let (judged, advice) = verdict(&env(""), one.clone(), Some("a-main-0"), &[]);
    assert_eq!(judged, Verdict::Unknown);
    assert!(advice.contains("a-main-0, which holds") && advice.contains("forbidden"), "{advice}");
    let ended = Lock { leader: Some("a-main-0"), ended: Some(Timestamp::UNIX_EPOCH) };
    let (judged, advice) = under(&env(""), one.clone(), &ended, &[]);
    assert_eq!(judged, Verdict::NoPrimary);
    assert!(advice.contains("ended at 1970-01-01T00:00:00Z, and nobody has taken it"), "{advice}");
    one[1].answer.as_mut().unwrap().timeline = None;
    assert_eq!(verdict(&env(""), one, Some("a-main-0"), &[]).0, Verdict::NoPrimary);
    // Only the primary may be asked, and it sends to its standby.
    let alone = vec![member("a-main-0", Some(answer(false))), silent("a-replica-0")];
    let (judged, advice) = ours(alone.clone());
    assert_eq!(judged, Verdict::Degraded);
    assert!(advice.contains("a-replica-0 could not be asked"), "{advice}");
    assert_eq!(verdict(&env(""), alone, Some("a-main-0"), &[]).0, Verdict::Unprotected);
}

#[test]
fn a_primary_whose_lock_ended_leads_on_and_may_have_no_heir() {
    let ended = Lock { leader: Some("a-main-0"), ended: Some(Timestamp::UNIX_EPOCH) };
    let (judged, advice) = under(&env(""), pair(), &ended, &["a-replica-0"]);
    assert_eq!(judged, Verdict::Unprotected);
    assert!(advice.contains("does not reach the API server"), "{advice}");
}

#[test]
fn a_pause_is_no_health() {
    let (verdict, reasons) = with_pause((Verdict::Healthy, vec![]));
    assert_eq!(verdict, Verdict::Degraded);
    assert!(reasons[0].contains("paused"));
    assert_eq!(with_pause((Verdict::Unprotected, vec![])).0, Verdict::Unprotected);
}

#[test]
fn without_its_standby_the_strict_mode_takes_no_writes() {
    let strict = env("[replication]\nsynchronous_mode_strict = true");
    let (judged, reasons) = verdict(&strict, pair(), Some("a-main-0"), &[]);
    assert_eq!(judged, Verdict::NoPrimary, "{reasons}");
    assert!(reasons.contains("holds every write back"), "{reasons}");
    assert_eq!(verdict(&env(""), pair(), Some("a-main-0"), &[]).0, Verdict::Unprotected);
}

#[test]
fn an_object_that_somebody_deleted_is_named_and_makes_nothing_better() {
    let judged = |verdict, missing: &[&str]| {
        let mut report = Report {
            verdict,
            advice: vec![],
            ..Report::unasked(&env(""), Timestamp::UNIX_EPOCH, String::new())
        };
        let missing: Vec<_> = missing.iter().map(|it| (*it).to_owned()).collect();
        report.judge_missing(&missing);
        (report.verdict, report.advice.join("; "))
    };
    assert_eq!(judged(Verdict::Healthy, &[]), (Verdict::Healthy, String::new()));
    let (verdict, advice) = judged(Verdict::Healthy, &["Service a-primary", "Secret a-backup"]);
    assert_eq!(verdict, Verdict::Degraded);
    assert!(advice.starts_with("Service a-primary and Secret a-backup are missing: "), "{advice}");
    assert_eq!(judged(Verdict::NoPrimary, &["RoleBinding a-patroni"]).0, Verdict::NoPrimary);
    let said = objects::doomed_volumes(&["data-a-main-0".to_owned()]);
    assert!(said.contains("deleted data-a-main-0, which goes with its pod"), "{said}");
}

#[test]
fn without_any_replicas_pod_there_is_no_log_to_see() {
    let mut alone = pair();
    alone.truncate(1);
    let (verdict, why) = verdict(&env("replica.count = 2"), alone, Some("a-main-0"), &[]);
    assert_eq!(verdict, Verdict::Unprotected);
    assert!(why.contains("count = 2") && !why.contains("log"), "{why}");
}

#[test]
fn whoever_could_ask_nobody_does_not_say_that_nobody_is_primary() {
    let env = Env::parse("name = \"a\"\nimage = \"a:1\"", "dev").unwrap();
    let unasked = Report::unasked(&env, Timestamp::now(), "pods/exec is forbidden".to_owned());
    let told = |report: &Report| report.leader("nothing is restarted").unwrap_err().to_string();
    assert_eq!(
        told(&unasked),
        "nobody knows who is primary, so nothing is restarted: pods/exec is forbidden"
    );
    let without = Report { verdict: Verdict::NoPrimary, ..unasked };
    assert!(told(&without).starts_with("nobody is primary, so nothing"));
}
