//! How many members a drain may take at once.

use k8s_openapi::{
    api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::{meta, select, selector};
use crate::env::Env;

/// A single member gets no budget, which would only block every drain of its node.
pub fn wanted(env: &Env) -> bool {
    env.members() > 1
}

/// One member at a time may be drained. One that is not ready serves nobody, and must not hold its
/// node up.
pub fn budget(env: &Env) -> PodDisruptionBudget {
    PodDisruptionBudget {
        metadata: meta(env, env.name.to_string()),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
            selector: Some(select(selector(env))),
            ..PodDisruptionBudgetSpec::default()
        }),
        ..PodDisruptionBudget::default()
    }
}
