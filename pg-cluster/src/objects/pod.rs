//! A member's pod: Patroni as an ordinary user on a read-only root.

use k8s_openapi::{
    api::core::v1::{
        Affinity, ConfigMapVolumeSource, Container, EnvVar, EnvVarSource, HTTPGetAction, KeyToPath,
        NodeAffinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, ObjectFieldSelector,
        Pod, PodSpec, PodTemplateSpec, Probe, ResourceRequirements, TopologySpreadConstraint,
        Volume,
    },
    apimachinery::pkg::{apis::meta::v1::ObjectMeta, util::intstr::IntOrString},
};

use super::parts::{
    amounts, from_secret, mount, place, pod_security, port, read, requests, scratch, security,
    shared_memory, shell, tls_volume,
};
use super::{
    SCOPE_LABEL, SET_LABEL, archive, exporter,
    home::HomeSet,
    labels, names,
    paths::{self, DATA_DIR, DATA_MOUNT, DATA_VOLUME, SOCKET_DIR},
    patroni_config, secrets, select, selector,
};
use crate::{
    env::{Env, PATRONI_ANNOTATION, PATRONI_PORT, POSTGRES_PORT, Set},
    passwords::SYSTEM,
};

pub const CONTAINER: &str = "postgres";
pub const BACKUP_CONTAINER: &str = "pgbackrest";
/// A clean stop writes a checkpoint and waits for the standbys; cutting it short costs a recovery.
const STOP_SECONDS: i64 = 300;
/// Patroni answers only after the API server has answered it. A container that is restarted again and
/// again through an outage would come back minutes after its end.
const START_SECONDS: i32 = 3600;
/// A replica further behind than this gets no reads.
const READY_LAG: &str = "16MB";

pub fn template(env: &Env, home: HomeSet) -> PodTemplateSpec {
    let set = home.settings(env);
    let mut pod_labels = selector(env);
    pod_labels.extend(labels([(SCOPE_LABEL, &env.name), (SET_LABEL, home.label())]));
    let mut template = PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(pod_labels),
            annotations: Some(labels([
                ("kubectl.kubernetes.io/default-container", CONTAINER),
                (PATRONI_ANNOTATION, &patroni_config::fixed_digest(env)),
            ])),
            ..ObjectMeta::default()
        }),
        spec: Some(PodSpec {
            service_account_name: Some(names::patroni(env)),
            termination_grace_period_seconds: Some(STOP_SECONDS),
            security_context: Some(pod_security()),
            affinity: affinity(set),
            topology_spread_constraints: Some(vec![spread(env, set)]),
            containers: containers(env, set),
            volumes: Some(volumes(env, home, set)),
            ..PodSpec::default()
        }),
    };
    place(env, &mut template);
    template
}

fn containers(env: &Env, set: &Set) -> Vec<Container> {
    let mut all = vec![container(env, set)];
    if env.backup.is_some() {
        all.push(backup_server(env));
    }
    if env.exporter {
        all.push(exporter::container(env));
    }
    all
}

/// Hands a member's files to the pods that take a backup, which show a certificate of the CA.
fn backup_server(env: &Env) -> Container {
    Container {
        name: BACKUP_CONTAINER.to_owned(),
        image: Some(env.image.to_string()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        command: Some(shell(include_str!("serve.sh"))),
        env: Some(vec![credential(env, "PGPASSWORD", "superuser")]),
        ports: Some(vec![port("pgbackrest", archive::PORT)]),
        resources: Some(requests("10m", "32Mi")),
        security_context: Some(security()),
        volume_mounts: Some(vec![
            mount(DATA_VOLUME, DATA_MOUNT),
            mount("run", SOCKET_DIR),
            mount("backup-tmp", "/tmp"),
            read("tls", "/etc/tls"),
            read("backup", "/etc/pgbackrest"),
        ]),
        ..Container::default()
    }
}

fn container(env: &Env, set: &Set) -> Container {
    let mut mounts = vec![
        mount(DATA_VOLUME, DATA_MOUNT),
        mount("run", SOCKET_DIR),
        mount("tmp", "/tmp"),
        mount("shm", "/dev/shm"),
        read("config", "/etc/patroni"),
        read("tls", "/etc/tls"),
    ];
    if env.backup.is_some() {
        mounts.push(read("backup", "/etc/pgbackrest"));
    }
    Container {
        name: CONTAINER.to_owned(),
        image: Some(env.image.to_string()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        command: Some(shell(&start(env))),
        env: Some(environment(env)),
        ports: Some(vec![port("postgres", POSTGRES_PORT), port("patroni", PATRONI_PORT)]),
        readiness_probe: Some(probe(&format!("/readiness?lag={READY_LAG}"), 2)),
        startup_probe: Some(Probe {
            failure_threshold: Some(START_SECONDS),
            ..probe("/liveness", 1)
        }),
        liveness_probe: Some(probe("/liveness", 5)),
        resources: Some(ResourceRequirements {
            requests: amounts(&set.resources.requests),
            limits: amounts(&set.resources.limits),
            ..ResourceRequirements::default()
        }),
        security_context: Some(security()),
        volume_mounts: Some(mounts),
        ..Container::default()
    }
}

/// Starts Patroni, which would say no more than that a file is missing, or that two do not fit.
fn start(env: &Env) -> String {
    let (programs, major) = (paths::programs(env), env.major.get());
    format!(
        "end() {{ echo \"$1\" | tee /dev/termination-log; exit 1; }}; \
         [[ -x {programs}/postgres ]] || end 'the image has no PostgreSQL {major}, which is what postgres.toml says: name one that has'; \
         has=$(cat \"$PGDATA/PG_VERSION\" 2> /dev/null); \
         [[ ${{has:-{major}}} = {major} ]] || end \"the volume holds PostgreSQL $has and postgres.toml says major = {major}: pg-cluster upgrade goes up, and back goes restore\"; \
         exec patroni /etc/patroni"
    )
}

/// Not in Patroni's file, which a container of an older pod reads again: its probes and the members beside
/// it speak no TLS. Members ask each other by addresses, which no certificate names: its CA is what counts.
const PATRONI_TLS: [(&str, &str); 6] = [
    ("PATRONI_RESTAPI_CERTFILE", paths::CERTIFICATE_FILE),
    ("PATRONI_RESTAPI_KEYFILE", paths::KEY_FILE),
    ("PATRONI_CTL_CERTFILE", paths::CERTIFICATE_FILE),
    ("PATRONI_CTL_KEYFILE", paths::KEY_FILE),
    ("PATRONI_CTL_CACERT", paths::CA_FILE),
    ("PATRONI_CTL_INSECURE", "true"),
];

fn environment(env: &Env) -> Vec<EnvVar> {
    let plain = |name: &str, value: String| EnvVar {
        name: name.to_owned(),
        value: Some(value),
        ..EnvVar::default()
    };
    let from = |name: &str, source| EnvVar {
        name: name.to_owned(),
        value_from: Some(source),
        ..EnvVar::default()
    };
    let field = |path: &str| EnvVarSource {
        field_ref: Some(ObjectFieldSelector {
            field_path: path.to_owned(),
            ..ObjectFieldSelector::default()
        }),
        ..EnvVarSource::default()
    };
    let mut all = vec![
        from("PATRONI_NAME", field("metadata.name")),
        from("PATRONI_KUBERNETES_NAMESPACE", field("metadata.namespace")),
        from("PATRONI_KUBERNETES_POD_IP", field("status.podIP")),
        plain(
            "PATRONI_POSTGRESQL_CONNECT_ADDRESS",
            format!("$(PATRONI_KUBERNETES_POD_IP):{POSTGRES_PORT}"),
        ),
        plain(
            "PATRONI_RESTAPI_CONNECT_ADDRESS",
            format!("$(PATRONI_KUBERNETES_POD_IP):{PATRONI_PORT}"),
        ),
        plain("PATRONI_RESTAPI_USERNAME", secrets::RESTAPI_USER.to_owned()),
        plain("PGDATA", DATA_DIR.to_owned()),
        plain("PGHOST", SOCKET_DIR.to_owned()),
        plain("PGUSER", secrets::SUPERUSER.to_owned()),
    ];
    all.extend(PATRONI_TLS.map(|(name, value)| plain(name, value.to_owned())));
    all.extend(passwords(env));
    all
}

/// Those of the users that Patroni needs, from the Secret.
pub fn passwords(env: &Env) -> [EnvVar; 4] {
    SYSTEM.map(|user| credential(env, user.variable, user.key))
}

/// A password of the system's users.
fn credential(env: &Env, name: &str, key: &str) -> EnvVar {
    from_secret(name, names::credentials(env), key)
}

/// The kubelet believes any certificate.
const PROBE_SCHEME: &str = "HTTPS";

/// Whether Patroni in a pod speaks TLS; in one of an older template it does not.
pub fn patroni_speaks_tls(pod: &Pod) -> bool {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let probes = containers.filter_map(|container| container.readiness_probe.as_ref());
    probes
        .filter_map(|probe| probe.http_get.as_ref()?.scheme.as_deref())
        .any(|scheme| scheme == PROBE_SCHEME)
}

fn probe(path: &str, period: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String("patroni".to_owned()),
            scheme: Some(PROBE_SCHEME.to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period),
        timeout_seconds: Some(5),
        failure_threshold: Some(3),
        ..Probe::default()
    }
}

fn volumes(env: &Env, home: HomeSet, set: &Set) -> Vec<Volume> {
    let item = |key: String| KeyToPath { path: key.clone(), key, mode: None };
    let config = ConfigMapVolumeSource {
        name: names::patroni(env),
        items: Some(vec![item("patroni.yml".to_owned()), item(home.tags_file())]),
        ..ConfigMapVolumeSource::default()
    };
    let mut all = vec![
        scratch("run", None),
        scratch("tmp", None),
        shared_memory(set.resources.limits.memory.as_ref()),
        Volume { name: "config".to_owned(), config_map: Some(config), ..Volume::default() },
        tls_volume(env),
    ];
    if env.backup.is_some() {
        all.push(archive::config_volume(env, archive::MEMBER_FILE));
        all.push(scratch("backup-tmp", None));
    }
    if env.exporter {
        all.push(scratch(exporter::SCRATCH, None));
    }
    all
}

fn affinity(set: &Set) -> Option<Affinity> {
    let wanted: Vec<_> = set
        .node_affinity
        .iter()
        .map(|(label, values)| NodeSelectorRequirement {
            key: label.to_string(),
            operator: "In".to_owned(),
            values: Some(values.iter().map(ToString::to_string).collect()),
        })
        .collect();
    (!wanted.is_empty()).then(|| Affinity {
        node_affinity: Some(NodeAffinity {
            required_during_scheduling_ignored_during_execution: Some(NodeSelector {
                node_selector_terms: vec![NodeSelectorTerm {
                    match_expressions: Some(wanted),
                    ..NodeSelectorTerm::default()
                }],
            }),
            ..NodeAffinity::default()
        }),
        ..Affinity::default()
    })
}

fn spread(env: &Env, set: &Set) -> TopologySpreadConstraint {
    TopologySpreadConstraint {
        label_selector: Some(select(selector(env))),
        max_skew: 1,
        topology_key: set.spread.to_string(),
        when_unsatisfiable: if set.spread_required { "DoNotSchedule" } else { "ScheduleAnyway" }
            .to_owned(),
        ..TopologySpreadConstraint::default()
    }
}
