//! What the rules of somebody else's Kubernetes cluster want of every pod.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Label, ObjectName,
    labels::is_label_part,
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
    pub annotations: BTreeMap<OwnLabel, String>,
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
/// The label that says in which set a pod is at home.
pub const SET_LABEL: &str = "todoozle.dev/set";

/// By these Patroni, the Services, Kubernetes and pg-cluster find the pods.
const TAKEN: [&str; 8] = [
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "apps.kubernetes.io/pod-index",
    "controller-revision-hash",
    "kubectl.kubernetes.io/default-container",
    "statefulset.kubernetes.io/pod-name",
    SCOPE_LABEL,
    ROLE_LABEL,
];
/// Of whatever else pg-cluster itself writes.
const OUR_PREFIX: &str = "todoozle.dev/";

fn check_own_label(text: &str) -> Result<(), String> {
    let free = Label::try_from(text.to_owned()).is_ok()
        && !TAKEN.contains(&text)
        && !text.starts_with(OUR_PREFIX);
    refuse_unless(
        free,
        text,
        "a key such as team or example.org/team, and none that pg-cluster sets",
    )
}

fn check_label_value(text: &str) -> Result<(), String> {
    let fits = text.is_empty() || is_label_part(text);
    refuse_unless(
        fits,
        text,
        "up to 63 letters, digits, -, _ and ., first and last a letter or digit",
    )
}

checked_string!(OwnLabel, check_own_label);
checked_string!(LabelValue, check_label_value);

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
