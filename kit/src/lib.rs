//! What both programs have in common.

#[cfg(feature = "kubernetes")]
pub mod kubeconfig;
pub mod say;
