//! The sets `main` and `replica`: how many members, how big, and where.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Bounded, Label, Quantity};

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Set {
    pub count: Bounded<0, 8, 1>,
    pub storage: Quantity,
    /// The cluster's default class when absent.
    pub storage_class: Option<Label>,
    pub resources: Resources,
    /// Nodes must have, for each label, one of the values.
    pub node_affinity: BTreeMap<Label, Vec<String>>,
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
    pub cpu: Option<Quantity>,
    pub memory: Option<Quantity>,
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
