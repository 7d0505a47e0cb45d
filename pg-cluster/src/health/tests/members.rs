//! What a member has that is old, wrong or missing, beside its part in replication.

use super::*;

#[test]
fn a_parameter_that_patroni_left_out_is_named() {
    let judged = |text: &str| verdict(&env(text), pair(), Some("a-main-0"), &["a-replica-0"]);
    let taken = judged("[parameters]\nwork_mem = \"4MB\"\n\"auto_explain.log_analyze\" = true");
    assert_eq!(taken, (Verdict::Healthy, String::new()));
    let (verdict, why) = judged("[parameters]\nwork_mem = \"4MB\"\nwork_memm = \"4MB\"");
    assert_eq!(verdict, Verdict::Degraded);
    assert!(why.contains("runs without work_memm: "), "{why}");
}

#[test]
fn what_postgresql_would_not_start_with_is_named_once() {
    let mut members = pair();
    for member in &mut members {
        let answer = member.answer.as_mut().unwrap();
        answer.unreadable = vec!["timezone (setting could not be applied)".into()];
    }
    let (verdict, why) = ours(members);
    assert_eq!(verdict, Verdict::Degraded);
    assert_eq!(why.matches("would not start again with timezone (").count(), 1, "{why}");
}

#[test]
fn one_tag_for_two_images_and_a_member_too_many_are_named() {
    let with = |images: [&str; 2]| {
        let mut members = pair();
        for (member, image) in members.iter_mut().zip(images) {
            member.image = Some(image.to_owned());
        }
        members
    };
    let same = with(["x@sha256:1", "x@sha256:1"]);
    assert_eq!(ours(same).0, Verdict::Healthy);
    let other = with(["x@sha256:1", "x@sha256:2"]);
    let (of, said) = ours(other);
    assert_eq!(of, Verdict::Degraded);
    assert!(said.contains("x@sha256:1 and x@sha256:2"), "{said}");
    // One that a restart replaces is no news.
    let mut rolling = with(["x@sha256:1", "x@sha256:2"]);
    rolling[1].outdated = true;
    let (_, said) = ours(rolling);
    assert!(!said.contains("x@sha256:2"), "{said}");

    let mut more = pair();
    let mut extra = answer(true);
    extra.timeline = Some(1);
    more.push(member("a-replica-1", Some(extra)));
    let (_, said) = ours(more);
    assert!(said.contains("a-replica-1 is a member beyond"), "{said}");
}

#[test]
fn a_member_that_serves_an_old_certificate_degrades() {
    let file = |text: &str| certificate::File::parse(text);
    let mut members = pair();
    for (line, wanted) in [
        ("new - 99.5", certificate::State::Served),
        ("new - 100.5", certificate::State::NotLoaded),
        ("old - 99.5", certificate::State::Awaited),
        ("", certificate::State::Unknown),
    ] {
        members[1].certificate_file = file(line);
        members[1].certificate = members[1].serves(Some("new"));
        assert_eq!(members[1].certificate, wanted);
        let (verdict, advice) = ours(members.clone());
        let behind = wanted.is_behind();
        assert_eq!(verdict == Verdict::Degraded, behind, "{advice}");
        assert_eq!(advice.contains("serves an old certificate"), behind, "{advice}");
    }
}

#[test]
fn a_member_with_old_passwords_degrades() {
    let mut members = pair();
    members[0].credentials_digest = Some("old".into());
    for (digest, wanted) in [
        (Some("new"), Credentials::Old),
        (Some("old"), Credentials::Current),
        (None, Credentials::Unknown),
    ] {
        members[0].credentials = members[0].has_credentials(digest);
        assert_eq!(members[0].credentials, wanted);
        let (_, advice) = ours(members.clone());
        let old = wanted == Credentials::Old;
        assert_eq!(advice.contains("rotate-passwords --system"), old, "{advice}");
    }
    let mut alone = answer(false);
    alone.senders.clear();
    let mut locked = vec![member("a-main-0", Some(alone)), members.swap_remove(1)];
    for member in &mut locked {
        member.credentials = Credentials::Old;
    }
    let (verdict, advice) = ours(locked);
    assert_eq!(verdict, Verdict::Unprotected);
    assert!(advice.starts_with("a-replica-0 runs with passwords from before"), "{advice}");
}

#[test]
fn a_token_counts_as_long_as_its_account_is_there() {
    let of =
        |uid: Option<&str>| Member { account_uid: uid.map(str::to_owned), ..Member::default() };
    assert_eq!(of(Some("1")).has_account(Some("1")), Account::Current);
    assert_eq!(of(Some("1")).has_account(Some("2")), Account::Deleted);
    for (own, live) in [(None, Some("1")), (Some("1"), None)] {
        assert_eq!(of(own).has_account(live), Account::Unknown, "it may not be known");
    }
}

#[test]
fn what_keeps_a_pod_from_its_work_is_told_beside_any_verdict() {
    let mut members = pair();
    let killed = "OOMKilled, since it took more than its limit of 20Mi".to_owned();
    members[0].beside = vec![("container postgres, restarted 3 times".to_owned(), killed.clone())];
    let (judged, why) = verdict(&env(""), members.clone(), Some("a-main-0"), &["a-replica-0"]);
    assert_eq!(judged, Verdict::Degraded);
    let told = "a-main-0's container postgres, restarted 3 times (OOMKilled, since it took more than its limit of 20Mi): write a larger";
    assert!(why.starts_with(told), "{why}");

    let stuck =
        |name: &str| Member { blocked: Some(killed.clone()), ready: false, ..member(name, None) };
    let told = "a-replica-0 does not start (OOMKilled, since it took more than its limit of 20Mi): write a larger";
    let (judged, why) =
        verdict(&env(""), vec![members.remove(0), stuck("a-replica-0")], Some("a-main-0"), &[]);
    assert_eq!(judged, Verdict::Unprotected);
    assert!(why.contains(told), "{why}");
    let (judged, why) = verdict(&env(""), vec![stuck("a-main-0"), stuck("a-replica-0")], None, &[]);
    assert_eq!(judged, Verdict::NoPrimary);
    assert!(why.contains(told) && why.contains("a-main-0 does not start"), "{why}");
    // One is enough to say that a third does not stream.
    let mut three = pair();
    three.push(stuck("a-replica-1"));
    let (judged, why) =
        verdict(&env("replica.count = 2"), three, Some("a-main-0"), &["a-replica-0"]);
    assert_eq!(judged, Verdict::Degraded);
    assert!(
        why.contains("a-replica-1 does not start") && !why.contains("does not stream"),
        "{why}"
    );
}
