//! What the pods of a cluster have in common: an ordinary user, a read-only root, and volumes.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{
        Capabilities, ContainerPort, EmptyDirVolumeSource, EnvVar, EnvVarSource,
        LocalObjectReference, PersistentVolumeClaimVolumeSource, PodSecurityContext,
        PodTemplateSpec, ResourceRequirements, SeccompProfile, SecretKeySelector,
        SecretVolumeSource, SecurityContext, Toleration, Volume, VolumeMount,
    },
    apimachinery::pkg::api::resource::Quantity,
};

use super::{names, paths};
use crate::env::{self, Amounts, Env};

/// Adds what the configuration wants of every pod; ours goes first where both speak.
pub fn place(env: &Env, template: &mut PodTemplateSpec) {
    let wanted = &env.pods;
    let meta = template.metadata.get_or_insert_default();
    let labels = meta.labels.get_or_insert_default();
    for (key, value) in &wanted.labels {
        labels.entry(key.to_string()).or_insert_with(|| value.to_string());
    }
    if !wanted.annotations.is_empty() {
        let annotations = meta.annotations.get_or_insert_default();
        for (key, value) in &wanted.annotations {
            annotations.entry(key.to_string()).or_insert_with(|| value.clone());
        }
    }
    let spec = template.spec.get_or_insert_default();
    spec.priority_class_name = wanted.priority_class.as_ref().map(ToString::to_string);
    let secrets = wanted.image_pull_secrets.iter();
    let secrets: Vec<_> =
        secrets.map(|name| LocalObjectReference { name: name.to_string() }).collect();
    spec.image_pull_secrets = (!secrets.is_empty()).then_some(secrets);
    let tolerations: Vec<_> = wanted.tolerations.iter().map(toleration).collect();
    spec.tolerations = (!tolerations.is_empty()).then_some(tolerations);
}

fn toleration(wanted: &env::Toleration) -> Toleration {
    let operator = if wanted.value.is_some() { "Equal" } else { "Exists" };
    Toleration {
        key: Some(wanted.key.to_string()),
        operator: Some(operator.to_owned()),
        value: wanted.value.as_ref().map(ToString::to_string),
        effect: wanted.effect.map(|effect| effect.word().to_owned()),
        toleration_seconds: wanted.seconds.map(i64::from),
    }
}

/// The image's user and group.
const UID: i64 = 10_001;

pub fn pod_security() -> PodSecurityContext {
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(UID),
        run_as_group: Some(UID),
        // A cloud's volume belongs to root; once its root fits, it isn't walked again.
        fs_group: Some(UID),
        fs_group_change_policy: Some("OnRootMismatch".to_owned()),
        seccomp_profile: Some(SeccompProfile {
            type_: "RuntimeDefault".to_owned(),
            ..SeccompProfile::default()
        }),
        ..PodSecurityContext::default()
    }
}

pub fn security() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        capabilities: Some(Capabilities {
            drop: Some(vec!["ALL".to_owned()]),
            ..Capabilities::default()
        }),
        ..SecurityContext::default()
    }
}

pub fn mount(name: &str, path: &str) -> VolumeMount {
    VolumeMount { name: name.to_owned(), mount_path: path.to_owned(), ..VolumeMount::default() }
}

pub fn read(name: &str, path: &str) -> VolumeMount {
    VolumeMount { read_only: Some(true), ..mount(name, path) }
}

/// A script as a container's command, of which Kubernetes would take `$$` and `$(NAME)` for its own.
pub fn shell(script: &str) -> Vec<String> {
    vec!["bash".to_owned(), "-c".to_owned(), script.replace('$', "$$")]
}

/// What a small helper asks for.
pub fn requests(cpu: &str, memory: &str) -> ResourceRequirements {
    let amounts = [("cpu", cpu), ("memory", memory)];
    ResourceRequirements {
        requests: Some(
            amounts.map(|(name, amount)| (name.to_owned(), Quantity(amount.to_owned()))).into(),
        ),
        ..ResourceRequirements::default()
    }
}

pub fn port(name: &str, number: i32) -> ContainerPort {
    ContainerPort {
        name: Some(name.to_owned()),
        container_port: number,
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    }
}

/// A variable whose value is in a Secret.
pub fn from_secret(name: &str, secret: String, key: &str) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value_from: Some(EnvVarSource {
            secret_key_ref: Some(SecretKeySelector {
                name: secret,
                key: key.to_owned(),
                optional: None,
            }),
            ..EnvVarSource::default()
        }),
        ..EnvVar::default()
    }
}

pub fn scratch(name: &str, medium: Option<&str>) -> Volume {
    Volume {
        name: name.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource {
            medium: medium.map(str::to_owned),
            ..EmptyDirVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// Memory that processes share, at most half of what the container may take: a query that wants more
/// fails by itself, and not the container.
pub fn shared_memory(limit: Option<&env::Quantity>) -> Volume {
    let mut volume = scratch("shm", Some("Memory"));
    if let (Some(limit), Some(directory)) = (limit, &mut volume.empty_dir) {
        directory.size_limit = Some(Quantity((limit.bytes() / 2).to_string()));
    }
    volume
}

/// A member's data, by the name of its claim.
pub fn data_volume(claim: String) -> Volume {
    let claim = PersistentVolumeClaimVolumeSource { claim_name: claim, read_only: None };
    Volume {
        name: paths::DATA_VOLUME.to_owned(),
        persistent_volume_claim: Some(claim),
        ..Volume::default()
    }
}

pub fn tls_volume(env: &Env) -> Volume {
    let tls = SecretVolumeSource {
        secret_name: Some(names::certificate(env)),
        // PostgreSQL takes a key of root's that only its own group can read.
        default_mode: Some(0o440),
        ..SecretVolumeSource::default()
    };
    Volume { name: "tls".to_owned(), secret: Some(tls), ..Volume::default() }
}

pub fn amounts(amounts: &Amounts) -> Option<BTreeMap<String, Quantity>> {
    let cpu = amounts.cpu.as_ref().map(ToString::to_string);
    let memory = amounts.memory.as_ref().map(ToString::to_string);
    let named = [("cpu", cpu), ("memory", memory)].into_iter();
    let given: BTreeMap<_, _> =
        named.filter_map(|(name, amount)| Some((name.to_owned(), Quantity(amount?)))).collect();
    (!given.is_empty()).then_some(given)
}
