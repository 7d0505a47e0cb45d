#![allow(clippy::needless_pass_by_value)] // they are made on the spot

use serde_json::{Value, json};

use super::*;

/// A member's pod whose status is this; `postgres` and `exporter` have limits.
fn pod(status: Value) -> Pod {
    let container = |name: &str, memory: &str| json!({ "name": name, "resources": { "limits": { "memory": memory } } });
    let spec = json!({
        "restartPolicy": "Always",
        "containers": [container("exporter", "128Mi"), container("postgres", "20Mi"), { "name": "pgbackrest" }],
    });
    serde_json::from_value(json!({ "metadata": {}, "spec": spec, "status": status })).unwrap()
}

fn container(name: &str, state: Value, last: Value) -> Value {
    json!({ "name": name, "image": "a:1", "imageID": "", "ready": false, "restartCount": 4, "state": state, "lastState": last })
}

fn running() -> Value {
    json!({ "running": { "startedAt": "2026-12-01T05:11:33Z" } })
}

fn ended_with(code: i32, reason: &str) -> Value {
    json!({ "terminated": { "exitCode": code, "finishedAt": "2026-12-01T05:12:56Z", "reason": reason, "startedAt": "2026-12-01T05:12:56Z" } })
}

fn waits(reason: &str, message: &str) -> Value {
    json!({ "waiting": { "message": message, "reason": reason } })
}

fn only(state: Value, last: Value) -> Pod {
    pod(json!({ "phase": "Running", "containerStatuses": [container("postgres", state, last)] }))
}

/// What stands in the pod's way.
fn way(pod: &Pod) -> String {
    blocked(pod).unwrap_or_default()
}

const PAUSE: &str = "back-off 1m20s restarting failed container=postgres pod=killed_hb-capture(b22ea2af-2d2a-4f85-a893-7dd759ad9d8f)";

#[test]
fn why_a_container_ended_is_told_while_kubernetes_waits_with_the_next() {
    let crash = || waits("CrashLoopBackOff", PAUSE);
    let memory = "OOMKilled, since it took more than its limit of 20Mi";
    assert_eq!(
        way(&only(crash(), ended_with(137, "OOMKilled"))),
        format!("CrashLoopBackOff: {memory}")
    );
    // A kubelet may leave it at that until the next start.
    assert_eq!(way(&only(ended_with(137, "OOMKilled"), ended_with(137, "OOMKilled"))), memory);
    assert_eq!(
        way(&only(crash(), ended_with(137, "Error"))),
        "CrashLoopBackOff: exit code 137: killed by its probe or its node"
    );
    assert_eq!(way(&only(ended_with(0, "Completed"), json!({}))), "exit code 0");
    let mut said = ended_with(1, "Error");
    said["terminated"]["message"] = "the image has no PostgreSQL 17\n".into();
    assert_eq!(way(&only(crash(), said)), "CrashLoopBackOff: the image has no PostgreSQL 17");
    assert_eq!(blocked(&only(running(), ended_with(137, "OOMKilled"))), None);
}

#[test]
fn what_a_container_never_began_with_is_told_in_full_and_once() {
    let never = "Container image \"localhost/none:1\" is not present with pull policy of Never";
    assert_eq!(
        way(&only(waits("ErrImageNeverPull", never), json!({}))),
        format!("ErrImageNeverPull {never}")
    );
    let secret = waits("CreateContainerConfigError", "secret \"x-credentials\" not found");
    assert_eq!(
        way(&only(secret, json!({}))),
        "CreateContainerConfigError secret \"x-credentials\" not found"
    );
    let why = "failed to create containerd task: exec: \"nix\": executable file not found in $PATH: unknown";
    let mut last = ended_with(128, "StartError");
    last["terminated"]["message"] = why.into();
    assert_eq!(
        way(&only(waits("RunContainerError", why), last)),
        format!("RunContainerError {why}")
    );
}

#[test]
fn an_evicted_pod_and_one_without_a_node_say_why() {
    let evicted = pod(json!({
        "phase": "Failed", "reason": "Evicted", "message": "Pod ephemeral local storage usage exceeds the total limit of containers 10Mi. ",
        "containerStatuses": [container("postgres", ended_with(137, "Error"), json!({}))],
    }));
    assert_eq!(
        way(&evicted),
        "Evicted Pod ephemeral local storage usage exceeds the total limit of containers 10Mi."
    );
    let unscheduled = |message: &str| {
        let condition = json!({ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message });
        way(&pod(json!({ "phase": "Pending", "conditions": [condition] })))
    };
    let vain = ". no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";
    for why in ["1 Insufficient memory", "1 node(s) didn't match PersistentVolume's node affinity"]
    {
        let told = format!("0/1 nodes are available: {why}");
        assert_eq!(unscheduled(&format!("{told}{vain}")), told);
    }
}

#[test]
fn what_fails_before_a_member_starts_is_told_and_what_goes_on_beside_it_is_not() {
    let of = |first: Value, own: Value| {
        pod(json!({
            "phase": "Pending",
            "initContainerStatuses": [container("done", ended_with(0, "Completed"), json!({})), container("first", first, json!({}))],
            "containerStatuses": [container("postgres", own, json!({}))],
        }))
    };
    let initializing = || json!({ "waiting": { "reason": "PodInitializing" } });
    assert_eq!(way(&of(ended_with(7, "Error"), initializing())), "exit code 7");
    assert_eq!(way(&of(running(), initializing())), "PodInitializing");
    assert!(is_being_made(&way(&of(running(), initializing()))));
    assert_eq!(blocked(&of(waits("CrashLoopBackOff", PAUSE), running())), None);
}

#[test]
fn a_container_beside_postgresql_takes_no_member_away() {
    let with = |exporter: Value, last: Value, own: Value| {
        let own = container("postgres", running(), own);
        pod(
            json!({ "phase": "Running", "containerStatuses": [container("exporter", exporter, last), own] }),
        )
    };
    let beside = |pod: &Pod, now: &str| {
        assert_eq!(blocked(pod), None);
        beside(pod, now.parse().unwrap())
    };
    let soon = "2026-12-01T05:30:00Z";
    let told = |name: &str, words: &str| {
        vec![(format!("container {name}, restarted 4 times"), words.to_owned())]
    };
    let failing = with(ended_with(3, "Error"), ended_with(3, "Error"), json!({}));
    assert_eq!(beside(&failing, soon), told("exporter", "exit code 3"));
    let killed = with(running(), ended_with(137, "OOMKilled"), json!({}));
    let words =
        "OOMKilled, since it took more than the 128Mi that it may have, at 2026-12-01T05:12:56Z";
    assert_eq!(beside(&killed, soon), told("exporter", words));
    assert_eq!(beside(&killed, "2026-12-01T06:30:00Z"), [], "it is no news any more");
    assert_eq!(beside(&with(running(), ended_with(137, "Error"), json!({})), soon), []);
    // Its own last end as well, once it runs again.
    let words = "OOMKilled, since it took more than its limit of 20Mi, at 2026-12-01T05:12:56Z";
    let own = with(running(), json!({}), ended_with(137, "OOMKilled"));
    assert_eq!(beside(&own, soon), told("postgres", words));
}

#[test]
fn a_jobs_pod_that_is_over_says_what_it_left_or_that_it_took_too_much() {
    let over = |state: Value| {
        let mut pod = pod(
            json!({ "phase": "Failed", "containerStatuses": [container("pgbackrest", state, json!({}))] }),
        );
        pod.spec.as_mut().unwrap().restart_policy = Some("Never".to_owned());
        assert_eq!(blocked(&pod), None);
        last_words(&pod)
    };
    assert_eq!(over(ended_with(137, "OOMKilled")), "OOMKilled, since its node had no memory left");
    assert_eq!(over(ended_with(1, "Error")), "", "its log says more");
    let mut said = ended_with(1, "Error");
    said["terminated"]["message"] = "no such backup\n".into();
    assert_eq!(over(said), "no such backup");
}

#[test]
fn what_started_before_a_moment_does_not_know_of_it() {
    let pod = only(running(), json!({}));
    let at = |text: &str| Some(text.parse().unwrap());
    assert!(started_before(&pod, at("2026-12-01T05:11:34Z")));
    assert!(!started_before(&pod, at("2026-12-01T05:11:32Z")));
    assert!(!started_before(&pod, None));
}
