//! Who may reach the members, and from where.

use k8s_openapi::{
    api::networking::v1::{
        NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
        NetworkPolicySpec,
    },
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};

use super::{archive, exporter, labels, meta, schedule, select, selector};
use crate::env::{Env, Namespace, PATRONI_PORT, POSTGRES_PORT};

pub fn peer(pods: Option<LabelSelector>, namespaces: Option<LabelSelector>) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        pod_selector: pods,
        namespace_selector: namespaces,
        ..NetworkPolicyPeer::default()
    }
}

pub fn port(number: i32) -> NetworkPolicyPort {
    NetworkPolicyPort {
        port: Some(IntOrString::Int(number)),
        protocol: Some("TCP".to_owned()),
        ..NetworkPolicyPort::default()
    }
}

/// PostgreSQL for pods of this namespace and of those in `clients`; Patroni's API for members, and
/// for its metrics for those in `monitors` (what changes something wants a password), who may ask the
/// exporter as well; pgBackRest for what takes backups. Probes and port-forwards come from the node and pass.
pub fn policy(env: &Env) -> NetworkPolicy {
    let members = peer(Some(select(selector(env))), None);
    let namespaces = |names: &[Namespace]| -> Vec<_> {
        let of = |name| peer(None, Some(select(labels([("kubernetes.io/metadata.name", name)]))));
        names.iter().map(|name| of(name)).collect()
    };
    let mut clients = vec![peer(Some(LabelSelector::default()), None)];
    clients.extend(namespaces(&env.clients));
    let mut askers = vec![members];
    askers.extend(namespaces(&env.monitors));
    let rule = |number, from| NetworkPolicyIngressRule {
        ports: Some(vec![port(number)]),
        from: Some(from),
    };
    let mut rules = vec![rule(POSTGRES_PORT, clients), rule(PATRONI_PORT, askers)];
    if env.backup.is_some() {
        let jobs = peer(Some(select(schedule::own_labels(env))), None);
        rules.push(rule(archive::PORT, vec![jobs]));
    }
    if env.exporter {
        rules.push(rule(exporter::PORT, namespaces(&env.monitors)));
    }
    NetworkPolicy {
        metadata: meta(env, env.name.to_string()),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(select(selector(env))),
            policy_types: Some(vec!["Ingress".to_owned()]),
            ingress: Some(rules),
            ..NetworkPolicySpec::default()
        }),
    }
}
