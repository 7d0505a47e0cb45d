//! Why a version does not take over.

#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The version's own fault: it would fail again.
    #[error("{reason}")]
    Unfit { check: &'static str, reason: String },
    /// What it needs is away: worth another try.
    #[error("{0}")]
    NotNow(String),
}
