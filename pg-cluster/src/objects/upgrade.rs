//! The jobs of a major upgrade: the one on main's volume, and those that empty the replicas' for a new copy.

use k8s_openapi::api::{
    batch::v1::{Job, JobSpec},
    core::v1::{Container, EnvVar, PodSpec, PodTemplateSpec, ResourceRequirements},
};

use super::{meta, names, parts, paths, schedule::plain};
use crate::env::Env;

const SCRIPT: &str = include_str!("upgrade.sh");
/// A pod that is killed, perhaps with its node, is followed by another, which goes on.
const TRIES: i32 = 5;

/// A copy of another database is of no use to a replica: the data goes, unless it is of this one already.
const EMPTY: &str = r#"at=$PGDATA/global/pg_control
[[ -e $at && $(od -An -N8 -tu8 "$at" | tr -d ' ') = "$SYSTEM" ]] || rm -rf "$PGDATA""#;

/// Brings main's volume from one major version to the one that the configuration says.
pub fn job(env: &Env, from: i32, name: String) -> Job {
    let volume = format!("{}-{}-0", paths::DATA_VOLUME, names::main(env));
    let mut variables = settings(env, from);
    variables.push(plain("MODE", "upgrade"));
    on_volume(env, name, volume, SCRIPT, variables)
}

/// Empties a replica's volume, unless it holds the database with this system identifier.
pub fn emptying(env: &Env, name: String, volume: String, system: &str) -> Job {
    on_volume(env, name, volume, EMPTY, vec![plain("SYSTEM", system)])
}

/// The same script for a member that runs, which it only looks at.
pub fn check(env: &Env, from: i32) -> String {
    let text =
        |variable: EnvVar| format!("{}='{}'", variable.name, variable.value.unwrap_or_default());
    let settings: Vec<_> = settings(env, from).into_iter().map(text).collect();
    format!("export MODE=check {}\n{SCRIPT}", settings.join(" "))
}

fn settings(env: &Env, from: i32) -> Vec<EnvVar> {
    vec![
        plain("FROM", &from.to_string()),
        plain("TO", &env.major.get().to_string()),
        plain("SLOTS", &env.replication.max_replication_slots.get().to_string()),
    ]
}

/// A job beside which no member uses the volume.
pub(super) fn on_volume(
    env: &Env,
    name: String,
    volume: String,
    script: &str,
    mut variables: Vec<EnvVar>,
) -> Job {
    variables.push(plain("PGDATA", paths::DATA_DIR));
    let container = Container {
        name: "volume".to_owned(),
        image: Some(env.image.to_string()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        command: Some(parts::shell(script)),
        env: Some(variables),
        resources: Some(ResourceRequirements {
            requests: parts::amounts(&env.main.resources.requests),
            ..ResourceRequirements::default()
        }),
        security_context: Some(parts::security()),
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        volume_mounts: Some(vec![
            parts::mount(paths::DATA_VOLUME, paths::DATA_MOUNT),
            parts::mount("tmp", "/tmp"),
            parts::mount("shm", "/dev/shm"),
        ]),
        ..Container::default()
    };
    let mut template = PodTemplateSpec {
        metadata: None,
        spec: Some(PodSpec {
            automount_service_account_token: Some(false),
            restart_policy: Some("Never".to_owned()),
            security_context: Some(parts::pod_security()),
            containers: vec![container],
            volumes: Some(vec![
                parts::data_volume(volume),
                parts::scratch("tmp", None),
                parts::scratch("shm", Some("Memory")),
            ]),
            ..PodSpec::default()
        }),
    };
    parts::place(env, &mut template);
    Job {
        metadata: meta(env, name),
        spec: Some(JobSpec {
            backoff_limit: Some(TRIES),
            // Two on one volume would be in each other's way.
            pod_replacement_policy: Some("Failed".to_owned()),
            template,
            ..JobSpec::default()
        }),
        ..Job::default()
    }
}
