//! Events of Kubernetes, on the pod: `kubectl events` and `kubectl describe pod` show them.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::api::PostParams;
use kube::{Api, Client};

const COMPONENT: &str = "runtime-host";
/// The API server takes 1,024 bytes.
const MAX_MESSAGE: usize = 1000;

/// What happened to a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Live,
    Refused,
    TakenBack,
}

/// The pod that reports.
#[derive(Clone, Debug)]
pub struct Reporter {
    pub namespace: String,
    pub pod: String,
    pub uid: Option<String>,
}

#[derive(Clone)]
pub struct Events {
    api: Api<Event>,
    /// Outside of a pod there is nothing to attach an Event to.
    reporter: Option<Reporter>,
}

impl Events {
    pub fn new(client: Client, reporter: Option<Reporter>) -> Self {
        let api = match &reporter {
            Some(reporter) => Api::namespaced(client, &reporter.namespace),
            None => Api::default_namespaced(client),
        };
        Self { api, reporter }
    }

    /// Writes an Event, in the background; it is a courtesy.
    pub fn write(&self, what: What, message: String) {
        let Some(reporter) = self.reporter.clone() else { return };
        let api = self.api.clone();
        tokio::spawn(async move {
            let event = event(&reporter, what, &message, Timestamp::now());
            if let Err(error) = api.create(&PostParams::default(), &event).await {
                tracing::debug!("an Event could not be written: {error}");
            }
        });
    }
}

fn event(reporter: &Reporter, what: What, message: &str, now: Timestamp) -> Event {
    let (kind, reason) = match what {
        What::Live => ("Normal", "ComponentLive"),
        What::Refused => ("Warning", "ComponentRefused"),
        What::TakenBack => ("Warning", "ComponentTakenBack"),
    };
    Event {
        metadata: ObjectMeta {
            // Unique as client-go makes it: object and time.
            name: Some(format!("{}.{:x}", reporter.pod, now.as_nanosecond())),
            namespace: Some(reporter.namespace.clone()),
            ..ObjectMeta::default()
        },
        involved_object: ObjectReference {
            api_version: Some("v1".into()),
            kind: Some(<Pod as k8s_openapi::Resource>::KIND.into()),
            name: Some(reporter.pod.clone()),
            namespace: Some(reporter.namespace.clone()),
            uid: reporter.uid.clone(),
            ..ObjectReference::default()
        },
        type_: Some(kind.into()),
        reason: Some(reason.into()),
        message: Some(message[..message.floor_char_boundary(MAX_MESSAGE)].to_owned()),
        count: Some(1),
        first_timestamp: Some(Time(now)),
        last_timestamp: Some(Time(now)),
        source: Some(EventSource { component: Some(COMPONENT.into()), host: None }),
        ..Event::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_any_length_and_script_fits() {
        let reporter = Reporter { namespace: "n".into(), pod: "p".into(), uid: None };
        let message = |text: &str| {
            event(&reporter, What::Refused, text, Timestamp::UNIX_EPOCH).message.unwrap()
        };
        assert_eq!(message("short \u{e9}"), "short \u{e9}");
        let long = message(&format!("a{}", "\u{e9}".repeat(2000)));
        assert!(long.len() <= 1024 && long.ends_with('\u{e9}'), "{}", long.len());
    }
}
