//! The namespace, and what its pods may do.

use k8s_openapi::{api::core::v1::Namespace, apimachinery::pkg::apis::meta::v1::ObjectMeta};

use super::labels;
use crate::env::Env;

/// Clusters may share a namespace, so it carries nothing of one of them.
pub fn namespace(env: &Env) -> Namespace {
    Namespace {
        metadata: ObjectMeta {
            name: Some(env.namespace().to_owned()),
            labels: Some(labels([("pod-security.kubernetes.io/enforce", "restricted")])),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    }
}
