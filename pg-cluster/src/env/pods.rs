//! What the rules of somebody else's Kubernetes cluster want of every pod.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Label, LabelValue, ObjectName,
    values::{checked_string, refuse_unless},
};

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pods {
    /// Secrets of the namespace that open the images' registry.
    pub image_pull_secrets: Vec<ObjectName>,
    pub priority_class: Option<ObjectName>,
    pub tolerations: Vec<Toleration>,
    pub labels: BTreeMap<OwnLabel, LabelValue>,
    pub annotations: BTreeMap<OwnAnnotation, String>,
}

/// A taint that keeps no pod of ours away.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Toleration {
    pub key: Label,
    /// Any value of it when absent.
    pub value: Option<LabelValue>,
    /// Every effect when absent.
    pub effect: Option<Effect>,
    /// How long a pod stays beside a taint of `NoExecute`; for ever when absent.
    pub seconds: Option<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub enum Effect {
    NoSchedule,
    PreferNoSchedule,
    NoExecute,
}

impl Effect {
    pub fn word(self) -> &'static str {
        match self {
            Self::NoSchedule => "NoSchedule",
            Self::PreferNoSchedule => "PreferNoSchedule",
            Self::NoExecute => "NoExecute",
        }
    }
}

/// The label by which Patroni finds its own `ConfigMap`s and its members.
pub const SCOPE_LABEL: &str = "cluster-name";
/// The label that says where a role is now.
pub const ROLE_LABEL: &str = "role";
/// The digest of the file that a member's Patroni reads when it starts: with another one it waits for a restart.
pub const PATRONI_ANNOTATION: &str = "todoozle.dev/patroni";
/// The label that says in which set a pod is at home.
pub const SET_LABEL: &str = "todoozle.dev/set";

/// By these Patroni, the Services, Kubernetes and pg-cluster find the pods.
const TAKEN: [&str; 11] = [
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    SCOPE_LABEL,
    ROLE_LABEL,
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
    "controller-revision-hash",
    "controller-uid",
    "job-name",
    "statefulset.kubernetes.io/pod-name",
];
/// What Patroni writes about a member, and what pg-cluster gives its template.
const TAKEN_ANNOTATIONS: [&str; 2] = ["status", "kubectl.kubernetes.io/default-container"];

/// Of whatever else pg-cluster itself writes.
const OUR_PREFIX: &str = "todoozle.dev/";

fn check_own_label(text: &str) -> Result<(), String> {
    check_key(text, &TAKEN)
}

fn check_own_annotation(text: &str) -> Result<(), String> {
    check_key(text, &TAKEN_ANNOTATIONS)
}

fn check_key(text: &str, taken: &[&str]) -> Result<(), String> {
    let ours = taken.contains(&text) || text.starts_with(OUR_PREFIX);
    let free = Label::try_from(text.to_owned()).is_ok() && !ours;
    let wanted = "a key such as team or example.org/team, and none that Kubernetes, Patroni or pg-cluster sets";
    refuse_unless(free, text, wanted)
}

checked_string!(OwnLabel, check_own_label);
checked_string!(OwnAnnotation, check_own_annotation);

impl Pods {
    pub fn check(&self) -> anyhow::Result<()> {
        for toleration in &self.tolerations {
            let key = &toleration.key;
            anyhow::ensure!(
                toleration.seconds.is_none() || toleration.effect == Some(Effect::NoExecute),
                "pods.tolerations has seconds for {key}, which count for one effect only: write effect = \"NoExecute\", or leave them out"
            );
        }
        Ok(())
    }
}
