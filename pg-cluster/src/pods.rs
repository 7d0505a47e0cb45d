//! What Kubernetes says of a pod.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodStatus};

/// What keeps it from starting.
pub fn blocked(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    let unscheduled = status
        .conditions
        .iter()
        .flatten()
        .find(|c| c.type_ == "PodScheduled" && c.status == "False");
    if let Some(condition) = unscheduled {
        return condition.message.clone();
    }
    let waiting = status
        .container_statuses
        .iter()
        .flatten()
        .find_map(|container| container.state.as_ref()?.waiting.as_ref())?;
    let reason = waiting.reason.as_deref().unwrap_or_default();
    let words = format!("{reason} {}", waiting.message.as_deref().unwrap_or_default());
    Some(match last_word(status) {
        Some(word) => format!("{}: {word}", words.trim()),
        None => words.trim().to_owned(),
    })
}

/// What a container said as it ended.
fn last_word(status: &PodStatus) -> Option<&str> {
    let mut last = status.container_statuses.iter().flatten().map(|it| it.last_state.as_ref());
    let ended = last.find_map(|state| state?.terminated.as_ref())?;
    ended.message.as_deref().map(str::trim).filter(|word| !word.is_empty())
}

/// Whether what runs in it was there before a moment, by the node's clock.
pub fn started_before(pod: &Pod, moment: Option<Timestamp>) -> bool {
    let containers =
        pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let started = |container: &ContainerStatus| {
        let running = container.state.as_ref()?.running.as_ref()?;
        Some(running.started_at.as_ref()?.0)
    };
    moment.is_some_and(|moment| containers.filter_map(started).any(|started| started < moment))
}

/// Whether it takes requests.
pub fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|c| c.type_ == "Ready" && c.status == "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(container: &serde_json::Value) -> Pod {
        let status = serde_json::json!({ "containerStatuses": [container] });
        serde_json::from_value(serde_json::json!({ "status": status })).unwrap()
    }

    #[test]
    fn what_does_not_start_is_named_with_its_last_word() {
        let state = serde_json::json!({ "waiting": { "reason": "CrashLoopBackOff", "message": "back-off" } });
        let container = |last| {
            serde_json::json!({ "name": "postgres", "image": "a:1", "imageID": "", "ready": false, "restartCount": 1,
                                "state": state, "lastState": last })
        };
        let silent = container(serde_json::json!({}));
        assert_eq!(blocked(&pod(&silent)).unwrap(), "CrashLoopBackOff back-off");
        let ended =
            serde_json::json!({ "terminated": { "exitCode": 1, "message": "no PostgreSQL 17\n" } });
        let said = blocked(&pod(&container(ended))).unwrap();
        assert_eq!(said, "CrashLoopBackOff back-off: no PostgreSQL 17");
    }

    #[test]
    fn what_started_before_a_moment_does_not_know_of_it() {
        let running = serde_json::json!({ "running": { "startedAt": "2026-11-26T12:00:00Z" } });
        let pod =
            pod(&serde_json::json!({ "name": "s3", "image": "a:1", "imageID": "", "ready": true,
                                           "restartCount": 0, "state": running }));
        let at = |text: &str| Some(text.parse().unwrap());
        assert!(started_before(&pod, at("2026-11-26T12:00:01Z")));
        assert!(!started_before(&pod, at("2026-11-26T11:59:59Z")));
        assert!(!started_before(&pod, None));
    }
}
