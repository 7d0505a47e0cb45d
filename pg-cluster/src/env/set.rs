//! The sets `main` and `replica`: how many members, how big, and where.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::{Bounded, Cpu, Label, LabelValue, ObjectName, Quantity};

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Set {
    pub count: Bounded<0, 8, 1>,
    pub storage: Quantity,
    /// The cluster's default class when absent.
    pub storage_class: Option<ObjectName>,
    pub resources: Resources,
    /// Nodes must have, for each label, one of the values.
    pub node_affinity: BTreeMap<Label, Vec<LabelValue>>,
    /// Members keep apart by this label of their nodes …
    pub spread: Label,
    /// … and rather wait than share one.
    pub spread_required: bool,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Resources {
    pub requests: Amounts,
    pub limits: Amounts,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Amounts {
    pub cpu: Option<Cpu>,
    pub memory: Option<Quantity>,
}

impl Set {
    /// Kubernetes refuses a set that asks for more than it may have, or for no node.
    pub(super) fn check(&self, name: &str) -> Result<()> {
        let Resources { requests, limits } = &self.resources;
        if let (Some(request), Some(limit)) = (&requests.cpu, &limits.cpu) {
            let fits = request.millis() <= limit.millis();
            ensure!(fits, above(name, "cpu", request, limit));
        }
        if let (Some(request), Some(limit)) = (&requests.memory, &limits.memory) {
            let fits = request.bytes() <= limit.bytes();
            ensure!(fits, above(name, "memory", request, limit));
        }
        for (label, values) in &self.node_affinity {
            ensure!(
                !values.is_empty(),
                "{name}.node_affinity.{label} lets no node fit: write one value or more, or leave it out"
            );
        }
        Ok(())
    }
}

fn above(set: &str, what: &str, request: &str, limit: &str) -> String {
    format!(
        "{set}.resources.requests.{what} is {request}, more than limits.{what} ({limit}): write less, or a larger limit (the defaults are 100m, 256Mi and a limit of 512Mi)"
    )
}

impl Default for Set {
    fn default() -> Self {
        Self {
            count: Bounded::default(),
            storage: fixed("8Gi"),
            storage_class: None,
            resources: Resources::default(),
            node_affinity: BTreeMap::new(),
            spread: fixed("kubernetes.io/hostname"),
            spread_required: false,
        }
    }
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            requests: Amounts { cpu: Some(fixed("100m")), memory: Some(fixed("256Mi")) },
            limits: Amounts { cpu: None, memory: Some(fixed("512Mi")) },
        }
    }
}

/// A value from this source, which a test below proves valid.
pub(super) fn fixed<T: TryFrom<String, Error = String>>(text: &str) -> T {
    #[allow(clippy::panic)] // a constant of ours; the tests of the defaults would fail first
    T::try_from(text.to_owned()).unwrap_or_else(|error| panic!("{error}"))
}
