//! Names of the objects that more than one file speaks of.

use crate::env::{Env, in_name};

/// Who owns what pg-cluster applies.
pub const MANAGER: &str = "pg-cluster";

/// The end of the name of the `ConfigMap` in which Patroni keeps which database this is, and how it is set.
pub const AGREED: &str = "-config";

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

/// Who holds it changes the cluster.
pub fn lease(env: &Env) -> String {
    format!("{}-verb", env.name)
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

pub fn backup(env: &Env) -> String {
    format!("{}-backup", env.name)
}

/// The S3 server of the cluster's own.
pub fn repository(env: &Env) -> String {
    format!("{}-s3", env.name)
}

/// A job for the archive. A `CronJob` may have 52 characters.
pub fn task(env: &Env, word: &str) -> String {
    format!("{}-{word}", env.name)
}

pub fn role_secret(env: &Env, role: &str) -> String {
    format!("{}-role-{}", env.name, in_name(role))
}

/// Every Secret of the cluster.
pub fn secrets(env: &Env) -> Vec<String> {
    let mut all = vec![credentials(env), authority(env), certificate(env)];
    all.extend(env.backup.as_ref().map(|_| backup(env)));
    all.extend(env.roles.keys().map(|role| role_secret(env, role)));
    all
}

/// Every member's pod, home set first.
pub fn pods(env: &Env) -> Vec<String> {
    let main = (0..env.main.count.get()).map(|n| format!("{}-{n}", main(env)));
    main.chain((0..env.replica.count.get()).map(|n| format!("{}-{n}", replica(env)))).collect()
}
