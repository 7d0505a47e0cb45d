//! The database tier's objects, as pure functions of the configuration.

mod access;
mod disruption;
mod namespace;
mod network;
mod patroni_config;
mod pod;
pub mod secrets;
mod services;
mod sets;

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use kube::{Resource, ResourceExt, core::ApiResource};
use serde::Serialize;
use serde_json::Value;

pub use self::{
    patroni_config::dynamic,
    pod::{CERTIFICATE_FILE, CONTAINER},
    sets::HomeSet,
};
use crate::env::Env;

/// One object, ready to be applied or printed.
#[derive(Clone, Debug)]
pub struct Object {
    pub resource: ApiResource,
    pub name: String,
    /// None for what belongs to no namespace.
    pub namespace: Option<String>,
    pub value: Value,
}

impl Object {
    fn of<K: Resource<DynamicType = ()> + Serialize>(object: &K) -> Result<Self> {
        Ok(Self {
            resource: ApiResource::erase::<K>(&()),
            name: object.name_any(),
            namespace: object.namespace(),
            value: serde_json::to_value(object).context("write an object as JSON")?,
        })
    }
}

/// Everything but Secrets and the sets, in the order in which it is needed.
pub fn surroundings(env: &Env) -> Result<Vec<Object>> {
    let mut objects = vec![Object::of(&namespace::namespace(env))?];
    objects.push(Object::of(&access::service_account(env))?);
    objects.push(Object::of(&access::role(env))?);
    objects.push(Object::of(&access::role_binding(env))?);
    objects.push(Object::of(&patroni_config::config_map(env)?)?);
    for service in services::all(env) {
        objects.push(Object::of(&service)?);
    }
    objects.push(Object::of(&network::policy(env))?);
    if disruption::wanted(env) {
        objects.push(Object::of(&disruption::budget(env))?);
    }
    Ok(objects)
}

/// What another configuration of this cluster may have left.
pub fn obsolete(env: &Env) -> Result<Vec<Object>> {
    if disruption::wanted(env) {
        Ok(Vec::new())
    } else {
        Ok(vec![Object::of(&disruption::budget(env))?])
    }
}

pub fn set(env: &Env, home: HomeSet) -> Result<Object> {
    Object::of(&sets::stateful_set(env, home))
}

/// Everything that `render` prints.
pub fn without_secrets(env: &Env) -> Result<Vec<Object>> {
    let mut objects = surroundings(env)?;
    objects.push(set(env, HomeSet::Main)?);
    objects.push(set(env, HomeSet::Replica)?);
    Ok(objects)
}

/// Names of the objects that more than one file speaks of.
pub mod names {
    use super::Env;

    pub fn main(env: &Env) -> String {
        format!("{}-main", env.name)
    }
    pub fn replica(env: &Env) -> String {
        format!("{}-replica", env.name)
    }
    pub fn primary_service(env: &Env) -> String {
        format!("{}-primary", env.name)
    }
    pub fn replica_service(env: &Env) -> String {
        format!("{}-replica", env.name)
    }
    /// The headless Service that gives each pod a name of its own.
    pub fn members_service(env: &Env) -> String {
        format!("{}-members", env.name)
    }
    pub fn patroni(env: &Env) -> String {
        format!("{}-patroni", env.name)
    }
    pub fn credentials(env: &Env) -> String {
        format!("{}-credentials", env.name)
    }
    pub fn authority(env: &Env) -> String {
        format!("{}-ca", env.name)
    }
    pub fn certificate(env: &Env) -> String {
        format!("{}-tls", env.name)
    }
    pub fn role_secret(env: &Env, role: &str) -> String {
        format!("{}-role-{role}", env.name)
    }
    /// Every Secret of the cluster.
    pub fn secrets(env: &Env) -> Vec<String> {
        let mut all = vec![credentials(env), authority(env), certificate(env)];
        all.extend(env.roles.keys().map(|role| role_secret(env, role)));
        all
    }
    /// Every member's pod, home set first.
    pub fn pods(env: &Env) -> Vec<String> {
        let main = (0..env.main.count.get()).map(|n| format!("{}-{n}", main(env)));
        main.chain((0..env.replica.count.get()).map(|n| format!("{}-{n}", replica(env)))).collect()
    }
}

/// Labels that find the pods of one cluster; Patroni looks for the same ones.
pub fn selector(env: &Env) -> BTreeMap<String, String> {
    labels([("app.kubernetes.io/name", "postgres"), ("app.kubernetes.io/instance", &env.name)])
}

/// The label by which Patroni finds its own `ConfigMap`s and its members.
pub const SCOPE_LABEL: &str = "cluster-name";
/// The label that says where a role is now.
pub const ROLE_LABEL: &str = "role";
/// The label that says in which set a pod is at home.
pub const SET_LABEL: &str = "todoozle.dev/set";

fn labels<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn select(labels: BTreeMap<String, String>) -> LabelSelector {
    LabelSelector { match_labels: Some(labels), ..LabelSelector::default() }
}

fn meta(env: &Env, name: String) -> ObjectMeta {
    let mut labels = selector(env);
    labels.insert("app.kubernetes.io/managed-by".to_owned(), crate::apply::MANAGER.to_owned());
    ObjectMeta {
        name: Some(name),
        namespace: Some(env.namespace().to_owned()),
        labels: Some(labels),
        ..ObjectMeta::default()
    }
}

#[cfg(test)]
mod tests;
