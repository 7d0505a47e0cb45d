//! What Patroni may do: exactly the verbs that it uses with `ConfigMap`s.

use k8s_openapi::api::{
    core::v1::ServiceAccount,
    rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject},
};

use super::{meta, names};
use crate::env::Env;

pub fn service_account(env: &Env) -> ServiceAccount {
    ServiceAccount { metadata: meta(env, names::patroni(env)), ..ServiceAccount::default() }
}

pub fn role(env: &Env) -> Role {
    let rule = |resource: &str, verbs: &[&str]| PolicyRule {
        api_groups: Some(vec![String::new()]),
        resources: Some(vec![resource.to_owned()]),
        verbs: verbs.iter().map(|verb| (*verb).to_owned()).collect(),
        ..PolicyRule::default()
    };
    Role {
        metadata: meta(env, names::patroni(env)),
        rules: Some(vec![
            rule("pods", &["get", "list", "patch", "watch"]),
            rule("configmaps", &["create", "get", "list", "patch", "watch"]),
        ]),
    }
}

pub fn role_binding(env: &Env) -> RoleBinding {
    let name = names::patroni(env);
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
