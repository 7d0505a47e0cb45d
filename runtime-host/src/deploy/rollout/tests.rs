//! A rollout's days, on a clock that jumps: every test is over in milliseconds.

mod container;

use std::time::Duration;

use container::{Container, Fate, digest, minutes, on_a_fast_clock};

#[test]
fn a_version_that_fails_is_taken_back() {
    on_a_fast_clock(async || {
        let pod = Container::with_a_good_version().await;
        pod.takes(2, "bad", &["good"]).await;
        pod.fake.counts("bad", 10, 5);
        pod.shows("good").await;
        assert!(pod.is_quarantined("bad"));
        assert!(!pod.status().live.unwrap().on_probation);
    });
}

#[test]
fn a_version_that_fails_is_taken_back_while_the_next_one_keeps_the_pod_waiting() {
    for fate in [Fate::NotNow, Fate::Hangs] {
        on_a_fast_clock(async || {
            let pod = Container::with_a_good_version().await;
            pod.takes(2, "bad", &["good"]).await;
            pod.fake.plot().fetches.insert(digest("next"), fate);
            pod.point(3, "next", &["good"]);
            tokio::time::sleep(Duration::from_secs(10)).await;
            pod.fake.counts("bad", 10, 5);
            pod.shows("good").await;
        });
    }
}

#[test]
fn a_version_that_failed_while_the_next_one_was_refused_does_not_pass() {
    on_a_fast_clock(async || {
        let pod = Container::with_a_good_version().await;
        pod.takes(2, "bad", &["good"]).await;
        pod.fake.plot().checks.insert(digest("next"), Fate::Unfit);
        pod.point(3, "next", &["good"]);
        pod.fake.counts("bad", 10, 5);
        minutes(2).await;
        assert_eq!(pod.fake.shows(), Some(digest("good")));
        assert!(pod.is_quarantined("bad") && pod.is_quarantined("next"));
    });
}

#[test]
fn a_version_is_measured_by_what_the_one_before_did_lately() {
    on_a_fast_clock(async || {
        let pod = Container::with_a_good_version().await;
        // One bad hour, and then a good one.
        pod.fake.counts("good", 1000, 240);
        minutes(60).await;
        pod.fake.counts("good", 2000, 240);
        minutes(5).await;
        pod.takes(2, "worse", &["good"]).await;
        pod.fake.counts("worse", 100, 20);
        pod.shows("good").await;
    });
    on_a_fast_clock(async || {
        let pod = Container::start();
        pod.takes(1, "good", &[]).await;
        // A long good life, and then a client that asks for what fails.
        pod.fake.counts("good", 1_000_000, 100);
        minutes(60).await;
        pod.fake.counts("good", 1_001_000, 160);
        minutes(5).await;
        pod.takes(2, "no worse", &["good"]).await;
        pod.fake.counts("no worse", 1000, 70);
        minutes(2).await;
        assert!(!pod.is_quarantined("no worse"), "{:?}", pod.fake.plot().told);
    });
}

#[test]
fn a_pod_that_starts_on_a_bad_version_ends_on_the_one_before() {
    on_a_fast_clock(async || {
        let pod = Container::start();
        pod.fake.plot().checks.insert(digest("bad"), Fate::Unfit);
        pod.point(2, "bad", &["good"]);
        pod.shows("good").await;
        assert!(!pod.status().live.unwrap().on_probation, "it passed elsewhere");
        assert!(pod.status().problem.unwrap().contains("it is broken"));
        // It is what the next bad one makes way for, also when it cannot be fetched again.
        pod.fake.plot().fetches.insert(digest("good"), Fate::Hangs);
        pod.takes(3, "worse", &["good"]).await;
        pod.fake.counts("worse", 10, 10);
        pod.shows("good").await;
    });
}

#[test]
fn a_version_that_ends_the_process_twice_gives_way_to_the_one_before() {
    on_a_fast_clock(async || {
        let mut pod = Container::with_a_good_version().await;
        for _ in 0..2 {
            pod.takes(2, "deadly", &["good"]).await;
            pod = pod.dies();
        }
        // Without an API server it is not even tried.
        pod.shows("good").await;
        pod = pod.dies();
        pod.point(2, "deadly", &["good"]);
        pod.shows("good").await;
        assert!(pod.is_quarantined("deadly"));
        // Whoever asks for it again gets it.
        pod.takes(3, "deadly", &["good"]).await;
    });
}

#[test]
fn a_version_that_ends_the_process_while_it_is_checked_gives_way_as_well() {
    on_a_fast_clock(async || {
        let mut pod = Container::start();
        pod.fake.plot().checks.insert(digest("deadly"), Fate::Hangs);
        for _ in 0..2 {
            pod.point(2, "deadly", &["good"]);
            tokio::time::sleep(Duration::from_secs(1)).await;
            pod = pod.dies();
        }
        pod.point(2, "deadly", &["good"]);
        pod.shows("good").await;
        assert!(pod.is_quarantined("deadly"));
    });
}

#[test]
fn what_is_away_at_a_start_is_waited_for() {
    on_a_fast_clock(async || {
        let mut pod = Container::with_a_good_version().await;
        // The power comes back: neither the API server nor the database is there at first.
        pod.fake.plot().checks.insert(digest("good"), Fate::NotNow);
        pod = pod.dies();
        minutes(1).await;
        assert_eq!(pod.fake.shows(), None);
        pod.fake.plot().checks.clear();
        pod.shows("good").await;
        assert!(!pod.is_quarantined("good"));
    });
}

#[test]
fn config_maps_that_were_wrong_may_be_put_right_without_a_new_generation() {
    on_a_fast_clock(async || {
        let pod = Container::start();
        pod.takes(1, "good", &[]).await;
        pod.fake.plot().fetches.insert(digest("by hand"), Fate::NotNow);
        pod.point(1, "by hand", &["good"]);
        minutes(5).await;
        assert_eq!(pod.fake.shows(), Some(digest("good")));
        assert!(pod.status().problem.is_some());
        pod.fake.plot().fetches.clear();
        pod.shows("by hand").await;
        assert!(!pod.is_quarantined("by hand"));
    });
}

#[test]
fn a_version_that_waits_is_not_one_that_ends_the_process() {
    on_a_fast_clock(async || {
        let mut pod = Container::start();
        pod.fake.plot().checks.insert(digest("new"), Fate::NotNow);
        for _ in 0..5 {
            pod.point(2, "new", &[]);
            minutes(1).await;
            pod = pod.dies();
        }
        pod.fake.plot().checks.clear();
        pod.takes(2, "new", &[]).await;
    });
}
