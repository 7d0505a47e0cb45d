//! What both programs have in common.

pub mod confirm;
pub mod file;
#[cfg(feature = "kubernetes")]
pub mod kubeconfig;
pub mod say;
