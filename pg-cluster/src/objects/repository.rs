//! A small S3 server beside the database, for who has no bucket yet.

use k8s_openapi::{
    api::{
        apps::v1::{StatefulSet, StatefulSetSpec},
        core::v1::{
            Container, PodSpec, PodTemplateSpec, Probe, Service, ServicePort, ServiceSpec,
            TCPSocketAction,
        },
        networking::v1::{NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicySpec},
    },
    apimachinery::pkg::{apis::meta::v1::ObjectMeta, util::intstr::IntOrString},
};

use super::{
    archive::{S3_BUCKET, S3_PORT, S3_REGION},
    labels, meta, names, network, parts, paths, schedule, select, selector, sets,
};
use crate::env::{Env, Own};

/// A folder of it is a bucket.
const MOUNT: &str = "/data";

pub fn own_labels(env: &Env) -> std::collections::BTreeMap<String, String> {
    labels([("app.kubernetes.io/name", "s3"), ("app.kubernetes.io/instance", &env.name)])
}

pub fn service(env: &Env) -> Service {
    Service {
        metadata: meta(env, names::repository(env)),
        spec: Some(ServiceSpec {
            selector: Some(own_labels(env)),
            ports: Some(vec![ServicePort {
                name: Some("s3".to_owned()),
                port: S3_PORT,
                target_port: Some(IntOrString::Int(S3_PORT)),
                protocol: Some("TCP".to_owned()),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}

/// Who archives, and who takes or tries backups.
pub fn policy(env: &Env) -> NetworkPolicy {
    let peers = vec![
        network::peer(Some(select(selector(env))), None),
        network::peer(Some(select(schedule::own_labels(env))), None),
    ];
    NetworkPolicy {
        metadata: meta(env, names::repository(env)),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(select(own_labels(env))),
            policy_types: Some(vec!["Ingress".to_owned()]),
            ingress: Some(vec![NetworkPolicyIngressRule {
                ports: Some(vec![network::port(S3_PORT)]),
                from: Some(peers),
            }]),
            ..NetworkPolicySpec::default()
        }),
    }
}

pub fn stateful_set(env: &Env, own: &Own) -> StatefulSet {
    let folder = format!("{MOUNT}/{S3_BUCKET}");
    let make_bucket = Container {
        name: "bucket".to_owned(),
        image: Some(env.image.to_string()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        command: Some(["mkdir", "-p", &folder].map(str::to_owned).to_vec()),
        security_context: Some(parts::security()),
        volume_mounts: Some(vec![parts::mount(paths::DATA_VOLUME, MOUNT)]),
        ..Container::default()
    };
    let spec = PodSpec {
        automount_service_account_token: Some(false),
        security_context: Some(parts::pod_security()),
        init_containers: Some(vec![make_bucket]),
        containers: vec![server(env, own)],
        volumes: Some(vec![parts::tls_volume(env), parts::scratch("tmp", None)]),
        ..PodSpec::default()
    };
    let mut template = PodTemplateSpec {
        metadata: Some(ObjectMeta { labels: Some(own_labels(env)), ..ObjectMeta::default() }),
        spec: Some(spec),
    };
    parts::place(env, &mut template);
    StatefulSet {
        metadata: meta(env, names::repository(env)),
        spec: Some(StatefulSetSpec {
            replicas: Some(1),
            service_name: Some(names::repository(env)),
            selector: select(own_labels(env)),
            template,
            volume_claim_templates: Some(vec![sets::claim_of(env, &own.storage, None)]),
            ..StatefulSetSpec::default()
        }),
        ..StatefulSet::default()
    }
}

fn server(env: &Env, own: &Own) -> Container {
    let from_secret = |name, key| parts::from_secret(name, names::backup(env), key);
    let address = format!(":{S3_PORT}");
    Container {
        name: "s3".to_owned(),
        image: Some(own.image.to_string()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        command: Some(vec!["/usr/local/bin/versitygw".to_owned()]),
        args: Some(
            [
                "--port",
                &address,
                "--region",
                S3_REGION,
                "--cert",
                paths::CERTIFICATE_FILE,
                "--key",
                paths::KEY_FILE,
                "--quiet",
                "posix",
                MOUNT,
            ]
            .map(str::to_owned)
            .to_vec(),
        ),
        env: Some(vec![
            from_secret("ROOT_ACCESS_KEY", "key"),
            from_secret("ROOT_SECRET_KEY", "secret"),
        ]),
        ports: Some(vec![parts::port("s3", S3_PORT)]),
        readiness_probe: Some(Probe {
            tcp_socket: Some(TCPSocketAction { port: IntOrString::Int(S3_PORT), host: None }),
            period_seconds: Some(2),
            ..Probe::default()
        }),
        resources: Some(parts::requests("10m", "64Mi")),
        security_context: Some(parts::security()),
        volume_mounts: Some(vec![
            parts::mount(paths::DATA_VOLUME, MOUNT),
            parts::read("tls", "/etc/tls"),
            parts::mount("tmp", "/tmp"),
        ]),
        ..Container::default()
    }
}
