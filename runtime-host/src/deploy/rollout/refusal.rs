//! Why a version does not take over.

use std::fmt::{Display, Formatter, Result};

use serde::Serialize;

#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The version's own fault: it would fail again.
    #[error("{reason}")]
    Unfit { check: Check, reason: String },
    /// What it needs is away: worth another try.
    #[error("{0}")]
    NotNow(String),
}

/// What a version did not pass.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    Size,
    Kind,
    Imports,
    Compile,
    Probe,
}

impl Display for Check {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.serialize(f)
    }
}
