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
    /// What Kubernetes would refuse after everything else is applied. `name` is this set's.
    pub(super) fn check(&self, name: &str) -> Result<()> {
        let Resources { requests, limits } = &self.resources;
        if let (Some(asked), Some(most)) = (&requests.cpu, &limits.cpu) {
            ensure!(asked.thousandths() <= most.thousandths(), above(name, "cpu", asked, most));
        }
        if let (Some(asked), Some(most)) = (&requests.memory, &limits.memory) {
            ensure!(asked.bytes() <= most.bytes(), above(name, "memory", asked, most));
        }
        for (label, values) in &self.node_affinity {
            ensure!(
                !values.is_empty(),
                "{name}.node_affinity.{label} has no value, so no node fits: write one, or leave it out"
            );
        }
        Ok(())
    }
}

fn above(set: &str, what: &str, asked: &str, most: &str) -> String {
    format!(
        "{set}.resources.requests.{what} is {asked}, more than limits.{what} ({most}): write less of it, or a larger limit"
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
