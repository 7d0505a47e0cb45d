//! What Patroni may do: exactly the verbs that it uses with `ConfigMap`s. And what a drill may.

use k8s_openapi::api::{
    core::v1::ServiceAccount,
    rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject},
};

use super::{meta, names};
use crate::env::Env;

/// The ends of the names that Patroni gives its own `ConfigMap`s.
const PATRONI_CONFIG_MAPS: [&str; 5] = ["config", "failover", "failsafe", "leader", "sync"];
/// Members that a set may have.
const MOST_REPLICAS: i32 = 8;

pub fn service_account(env: &Env) -> ServiceAccount {
    ServiceAccount { metadata: meta(env, names::patroni(env)), ..ServiceAccount::default() }
}

pub fn role(env: &Env) -> Role {
    let rule = |resource: &str, verbs: &[&str], names: Option<Vec<String>>| PolicyRule {
        api_groups: Some(vec![String::new()]),
        resources: Some(vec![resource.to_owned()]),
        resource_names: names,
        verbs: verbs.iter().map(|verb| (*verb).to_owned()).collect(),
        ..PolicyRule::default()
    };
    // A superuser of the database reads the token: it must not lead to anybody else's pods, nor to
    // another cluster's lock. Of creating and listing, Kubernetes can tell no name.
    let own = PATRONI_CONFIG_MAPS.map(|suffix| format!("{}-{suffix}", env.name)).to_vec();
    // Those that `scale` may add are the cluster's own as well.
    let pods = [(names::main(env), 1), (names::replica(env), MOST_REPLICAS)];
    let pods = pods.iter().flat_map(|(set, count)| (0..*count).map(move |n| format!("{set}-{n}")));

    Role {
        metadata: meta(env, names::patroni(env)),
        rules: Some(vec![
            rule("pods", &["get", "list", "watch"], None),
            rule("pods", &["patch"], Some(pods.collect())),
            rule("configmaps", &["create", "get", "list", "watch"], None),
            rule("configmaps", &["patch"], Some(own)),
        ]),
    }
}

/// A drill writes its verdict.
pub fn drill(env: &Env, name: String) -> (ServiceAccount, Role, RoleBinding) {
    let verdict = PolicyRule {
        api_groups: Some(vec![String::new()]),
        resources: Some(vec!["configmaps".to_owned()]),
        resource_names: Some(vec![name.clone()]),
        verbs: vec!["patch".to_owned()],
        ..PolicyRule::default()
    };
    let account = ServiceAccount { metadata: meta(env, name.clone()), ..ServiceAccount::default() };
    let role = Role { metadata: meta(env, name.clone()), rules: Some(vec![verdict]) };
    (account, role, binding(env, name))
}

pub fn role_binding(env: &Env) -> RoleBinding {
    binding(env, names::patroni(env))
}

/// Gives a role to the account of the same name.
fn binding(env: &Env, name: String) -> RoleBinding {
    RoleBinding {
        metadata: meta(env, name.clone()),
        role_ref: RoleRef {
            api_group: "rbac.authorization.k8s.io".to_owned(),
            kind: "Role".to_owned(),
            name: name.clone(),
        },
        subjects: Some(vec![Subject {
            kind: "ServiceAccount".to_owned(),
            name,
            namespace: Some(env.namespace().to_owned()),
            ..Subject::default()
        }]),
    }
}
