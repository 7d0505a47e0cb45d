//! What Kubernetes tells in events alone. Whoever may not read them goes without.

use k8s_openapi::{
    api::{
        apps::v1::StatefulSet,
        core::v1::{Event, Pod},
    },
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::{ResourceExt, api::ListParams};

use crate::{cluster::Cluster, objects::HomeSet, pods};

impl Cluster {
    /// What keeps a pod from its work.
    pub async fn blocked(&self, pod: &Pod) -> Option<String> {
        let words = pods::blocked(pod)?;
        if !pods::is_being_made(&words) {
            return Some(words);
        }
        let events = self.events(pod.uid()).await;
        Some(last_failure(&events).map_or(words, str::to_owned))
    }

    /// The set that may make no pod, such as for a quota, and why.
    pub async fn refused(&self) -> Option<(String, String)> {
        for home in [HomeSet::Main, HomeSet::Replica] {
            let set = home.name(&self.env);
            let live = self.find::<StatefulSet>(&set).await.ok().flatten().filter(lacks_pods);
            let events = self.events(live.and_then(|live| live.uid())).await;
            if let Some(why) = still_refused(&events) {
                return Some((set, why.to_owned()));
            }
        }
        None
    }

    /// Those of this very object: they last for an hour, also those of one that had its name before.
    async fn events(&self, uid: Option<String>) -> Vec<Event> {
        let Some(uid) = uid else { return Vec::new() };
        let params = ListParams::default().fields(&format!("involvedObject.uid={uid}"));
        self.api::<Event>().list(&params).await.map(|events| events.items).unwrap_or_default()
    }
}

/// One that was told to want fewer since is refused none.
fn lacks_pods(set: &StatefulSet) -> bool {
    let wanted = set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    set.status.as_ref().map_or(0, |status| status.replicas) < wanted
}

/// What failed last, unless something has been done since.
fn last_failure(events: &[Event]) -> Option<&str> {
    let last = events.iter().max_by_key(|event| at(event))?;
    last.message.as_deref().filter(|_| last.type_.as_deref() == Some("Warning"))
}

/// Why the last pod that a set wanted was not made; nothing once another has been.
fn still_refused(events: &[Event]) -> Option<&str> {
    let last = |reason: &str| {
        let of = events.iter().filter(|event| event.reason.as_deref() == Some(reason));
        of.max_by_key(|event| at(event))
    };
    let refusal = last("FailedCreate")?;
    let over = last("SuccessfulCreate").is_some_and(|it| at(it) > at(refusal));
    refusal.message.as_deref().filter(|_| !over)
}

fn at(event: &Event) -> Option<&Time> {
    event.last_timestamp.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, reason: &str, minute: u8, message: &str) -> Event {
        let at = format!("2026-11-26T12:{minute:02}:00Z");
        let event = serde_json::json!({ "metadata": {}, "involvedObject": {}, "type": kind, "reason": reason,
                                        "message": message, "lastTimestamp": at });
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn a_refusal_is_told_until_a_pod_was_made() {
        let event = |reason, minute, message| event("Warning", reason, minute, message);
        let mut events =
            vec![event("FailedCreate", 1, "quota a"), event("FailedCreate", 2, "quota b")];
        assert_eq!(still_refused(&events), Some("quota b"));
        events.push(event("SuccessfulCreate", 2, "made"));
        assert_eq!(still_refused(&events), Some("quota b"), "another pod of the same second");
        events.push(event("SuccessfulCreate", 3, "made"));
        assert_eq!(still_refused(&events), None);
        assert_eq!(still_refused(&[]), None);
    }

    #[test]
    fn a_set_that_has_what_it_wants_is_refused_none() {
        let set = |wants: i32, has: i32| {
            let set = serde_json::json!({ "metadata": {}, "status": { "replicas": has },
                "spec": { "replicas": wants, "selector": {}, "serviceName": "a", "template": {} } });
            lacks_pods(&serde_json::from_value(set).unwrap())
        };
        assert!(set(2, 1) && !set(1, 1) && !set(0, 0));
    }

    #[test]
    fn a_failure_is_told_until_something_is_done() {
        let mut events = vec![
            event("Normal", "Scheduled", 1, "assigned"),
            event("Warning", "FailedMount", 2, "secret \"a-tls\" not found"),
        ];
        assert_eq!(last_failure(&events), Some("secret \"a-tls\" not found"));
        events.push(event("Normal", "Pulling", 3, "pulling"));
        assert_eq!(last_failure(&events), None);
        assert_eq!(last_failure(&[]), None);
    }
}
