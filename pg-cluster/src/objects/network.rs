use k8s_openapi::{
    api::networking::v1::{
        NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
        NetworkPolicySpec,
    },
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};

use super::{labels, meta, select, selector};
use crate::env::{Env, PATRONI_PORT, POSTGRES_PORT};

/// PostgreSQL for pods of this namespace and of those in `clients`; Patroni's
/// API for members. Probes and port-forwards come from the node and pass.
pub fn policy(env: &Env) -> NetworkPolicy {
    let peer = |pods, namespaces| NetworkPolicyPeer {
        pod_selector: pods,
        namespace_selector: namespaces,
        ..NetworkPolicyPeer::default()
    };
    let members = peer(Some(select(selector(env))), None);
    let mut clients = vec![peer(Some(LabelSelector::default()), None)];
    clients.extend(
        env.clients
            .iter()
            .map(|name| peer(None, Some(select(labels([("kubernetes.io/metadata.name", name)]))))),
    );
    let rule = |port, from| NetworkPolicyIngressRule {
        ports: Some(vec![NetworkPolicyPort {
            port: Some(IntOrString::Int(port)),
            protocol: Some("TCP".to_owned()),
            ..NetworkPolicyPort::default()
        }]),
        from: Some(from),
    };
    NetworkPolicy {
        metadata: meta(env, env.name.to_string()),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(select(selector(env))),
            policy_types: Some(vec!["Ingress".to_owned()]),
            ingress: Some(vec![rule(POSTGRES_PORT, clients), rule(PATRONI_PORT, vec![members])]),
            ..NetworkPolicySpec::default()
        }),
    }
}
