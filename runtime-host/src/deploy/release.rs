//! What `push` writes into ConfigMaps and what the pods read from them: names,
//! what a release is, and the pointer that says which one is live. Pure; the API calls
//! are elsewhere.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

pub mod migrations;
pub mod parts;
mod pointer;

pub use pointer::Pointer;

/// The pointer's name.
pub fn pointer_name(app: &str) -> String {
    format!("{app}-live")
}

/// The names of the ConfigMaps for so many parts of a component or of migrations.
pub fn part_names(app: &str, what: &str, digest: Digest, parts: usize) -> Vec<String> {
    match parts {
        1 => vec![format!("{app}-{what}-{digest}")],
        _ => (0..parts).map(|part| format!("{app}-{what}-{digest}-{part}")).collect(),
    }
}

/// One version of the component, as it was pushed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// Grows with every push and rollback; pods refuse a lower one.
    pub generation: u64,
    pub digest: Digest,
    /// The ConfigMaps that hold the component, in order.
    pub config_maps: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Who pushed it, as the API server knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When, after RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The highest migration that the component needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<i32>,
    /// The ConfigMaps with its migrations, by their names with spaces between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrations: Option<String>,
    /// Whether it has passed its probation somewhere.
    #[serde(default)]
    pub passed: bool,
}

impl Release {
    /// The ConfigMaps with its migrations.
    pub fn migrations(&self) -> impl Iterator<Item = &str> {
        self.migrations.iter().flat_map(|names| names.split_whitespace())
    }

    /// Somebody named another digest by hand, and left what a push had said of its own.
    fn forget(&mut self, pushed: &Self) {
        fn own<T: PartialEq>(value: Option<T>, pushed: Option<&T>) -> Option<T> {
            value.filter(|value| Some(value) != pushed)
        }
        self.version = own(self.version.take(), pushed.version.as_ref());
        self.by = own(self.by.take(), pushed.by.as_ref());
        self.at = own(self.at.take(), pushed.at.as_ref());
        self.schema = own(self.schema.take(), pushed.schema.as_ref());
        self.migrations = own(self.migrations.take(), pushed.migrations.as_ref());
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A version whose component is its name.
    pub fn release(generation: u64, name: &str) -> Release {
        let digest = Digest::of(name.as_bytes());
        Release {
            generation,
            digest,
            config_maps: vec![format!("app-component-{digest}")],
            version: Some(name.to_owned()),
            by: None,
            at: None,
            schema: Some(1),
            migrations: None,
            passed: false,
        }
    }
}
