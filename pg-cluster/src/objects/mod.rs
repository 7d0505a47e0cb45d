//! The database tier's objects, as pure functions of the configuration.

mod access;
pub mod archive;
mod disruption;
pub mod exporter;
mod home;
mod namespace;
mod network;
mod parts;
mod paths;
mod patroni_config;
mod pod;
mod repository;
pub mod schedule;
pub mod secrets;
mod services;
mod sets;
pub mod survey;
pub mod upgrade;

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use k8s_openapi::{
    api::{
        apps::v1::StatefulSet,
        batch::v1::CronJob,
        core::v1::{ConfigMap, Secret, Service, ServiceAccount},
        networking::v1::NetworkPolicy,
        rbac::v1::{Role, RoleBinding},
    },
    apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta},
};
use kube::{Resource, ResourceExt, core::ApiResource};
use serde::Serialize;
use serde_json::Value;

pub use self::{
    home::HomeSet,
    paths::{CA_FILE, CERTIFICATE_FILE, KEY_FILE, major, programs},
    patroni_config::{FOR_MEMBERS, FOR_OLD_MEMBERS, SUPERUSERS_SOCKET, dynamic, fixed_digest},
    pod::{BACKUP_CONTAINER, CONTAINER, patroni_speaks_tls},
};
pub use crate::env::{PATRONI_ANNOTATION, ROLE_LABEL, SCOPE_LABEL, SET_LABEL};
use crate::{
    env::{Backup, Env, Own},
    names,
};

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

    /// One that is only looked for, or deleted.
    fn named<K: Resource<DynamicType = ()>>(env: &Env, name: String) -> Self {
        Self {
            resource: ApiResource::erase::<K>(&()),
            name,
            namespace: Some(env.namespace().to_owned()),
            value: Value::Null,
        }
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
    if let Some(own) = env.backup.as_ref().and_then(|backup| backup.own.as_ref()) {
        objects.extend(own_repository(env, own)?);
    }
    objects.extend(schedules(env, env.backup.as_ref())?);
    Ok(objects)
}

/// All that clients and members need beside the sets.
pub fn needed(env: &Env) -> Result<Vec<Object>> {
    let mut objects = surroundings(env)?;
    let secrets = names::secrets(env).into_iter();
    objects.extend(secrets.map(|name| Object::named::<Secret>(env, name)));
    Ok(objects)
}

fn own_repository(env: &Env, own: &Own) -> Result<[Object; 3]> {
    Ok([
        Object::of(&repository::service(env))?,
        Object::of(&repository::policy(env))?,
        Object::of(&repository::stateful_set(env, own))?,
    ])
}

fn schedules(env: &Env, backup: Option<&Backup>) -> Result<Vec<Object>> {
    let Some(backup) = backup else { return Ok(Vec::new()) };
    let (account, role, binding) =
        access::drill(env, names::task(env, schedule::Task::Drill.word()));
    let mut objects = vec![
        Object::of(&account)?,
        Object::of(&role)?,
        Object::of(&binding)?,
        Object::of(&schedule::verdict(env))?,
    ];
    for task in schedule::Task::ALL {
        objects.push(Object::of(&schedule::cron_job(env, backup, task))?);
    }
    Ok(objects)
}

/// What another configuration of this cluster may have left.
pub fn obsolete(env: &Env) -> Result<Vec<Object>> {
    let mut objects = Vec::new();
    if !disruption::wanted(env) {
        objects.push(Object::of(&disruption::budget(env))?);
    }
    if env.backup.is_none() {
        let names = schedule::Task::ALL.iter().map(|task| names::task(env, task.word()));
        objects.extend(names.map(|name| Object::named::<CronJob>(env, name)));
        let drill = names::task(env, schedule::Task::Drill.word());
        objects.push(Object::named::<RoleBinding>(env, drill.clone()));
        objects.push(Object::named::<Role>(env, drill.clone()));
        objects.push(Object::named::<ServiceAccount>(env, drill.clone()));
        objects.push(Object::named::<ConfigMap>(env, drill));
    }
    if env.backup.as_ref().is_none_or(|backup| backup.own.is_none()) {
        let name = names::repository(env);
        objects.push(Object::named::<StatefulSet>(env, name.clone()));
        objects.push(Object::named::<NetworkPolicy>(env, name.clone()));
        objects.push(Object::named::<Service>(env, name));
    }
    Ok(objects)
}

pub fn set(env: &Env, home: HomeSet) -> Result<Object> {
    Object::of(&sets::stateful_set(env, home))
}

/// Where main's data is, also before its set makes it.
pub fn main_volume(env: &Env) -> Result<Object> {
    Object::of(&sets::main_claim(env))
}

/// Everything that `render` prints.
pub fn without_secrets(env: &Env) -> Result<Vec<Object>> {
    let mut objects = surroundings(env)?;
    objects.push(set(env, HomeSet::Main)?);
    objects.push(set(env, HomeSet::Replica)?);
    Ok(objects)
}

/// Labels that find the pods of one cluster; Patroni looks for the same ones.
pub fn selector(env: &Env) -> BTreeMap<String, String> {
    labels([("app.kubernetes.io/name", "postgres"), ("app.kubernetes.io/instance", &env.name)])
}

/// The same, as the API server takes it in a query. All that pg-cluster makes has these labels.
pub fn selector_text(env: &Env) -> String {
    let pairs: Vec<_> =
        selector(env).into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join(",")
}

fn labels<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn select(labels: BTreeMap<String, String>) -> LabelSelector {
    LabelSelector { match_labels: Some(labels), ..LabelSelector::default() }
}

fn meta(env: &Env, name: String) -> ObjectMeta {
    let mut labels = selector(env);
    labels.insert("app.kubernetes.io/managed-by".to_owned(), names::MANAGER.to_owned());
    ObjectMeta {
        name: Some(name),
        namespace: Some(env.namespace().to_owned()),
        labels: Some(labels),
        ..ObjectMeta::default()
    }
}

#[cfg(test)]
mod tests;
