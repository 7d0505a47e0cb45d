//! The jobs that take backups and try them. Backups have no rights in Kubernetes, because they ask
//! the members by TLS; a drill may write its verdict, and nothing else.

use std::collections::BTreeMap;

use anyhow::Result;

use k8s_openapi::{
    api::{
        batch::v1::{CronJob, CronJobSpec, Job, JobSpec, JobTemplateSpec},
        core::v1::{
            ConfigMap, Container, EnvVar, EphemeralVolumeSource, PersistentVolumeClaimTemplate,
            PodSpec, PodTemplateSpec, Secret, Volume,
        },
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};

use super::{Object, archive, labels, meta, names, parts, paths, pod, secrets, sets};
use crate::env::{Backup, Env, Schedule};

/// What one of the jobs is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Task {
    Full,
    Differential,
    Drill,
}

impl Task {
    pub const ALL: [Self; 3] = [Self::Full, Self::Differential, Self::Drill];

    pub fn word(self) -> &'static str {
        match self {
            Self::Full => "backup-full",
            Self::Differential => "backup-diff",
            Self::Drill => "drill",
        }
    }

    fn schedule(self, backup: &Backup) -> &Schedule {
        match self {
            Self::Full => &backup.full,
            Self::Differential => &backup.differential,
            Self::Drill => &backup.drill,
        }
    }
}

/// A failed run is tried once more; a run that hangs ends before the next day's.
const TRIES: i32 = 1;
const LIMIT_SECONDS: i64 = 20 * 3600;
const LISTED_SECONDS: i32 = 30 * 24 * 3600;
/// Long enough for who waits for it.
const DRILL_LISTED_SECONDS: i32 = 60;

pub fn own_labels(env: &Env) -> BTreeMap<String, String> {
    labels([
        ("app.kubernetes.io/name", "postgres-backup"),
        ("app.kubernetes.io/instance", &env.name),
    ])
}

pub fn cron_job(env: &Env, backup: &Backup, task: Task) -> CronJob {
    CronJob {
        metadata: meta(env, names::task(env, task.word())),
        spec: Some(CronJobSpec {
            schedule: task.schedule(backup).to_string(),
            concurrency_policy: Some("Forbid".to_owned()),
            successful_jobs_history_limit: Some(2),
            failed_jobs_history_limit: Some(2),
            job_template: JobTemplateSpec { metadata: None, spec: Some(job_spec(env, task)) },
            ..CronJobSpec::default()
        }),
        ..CronJob::default()
    }
}

/// The same work, now.
pub fn job(env: &Env, task: Task, name: String) -> Job {
    let mut spec = job_spec(env, task);
    // Nobody keeps a history of these.
    spec.ttl_seconds_after_finished.get_or_insert(LISTED_SECONDS);
    Job { metadata: meta(env, name), spec: Some(spec), ..Job::default() }
}

fn job_spec(env: &Env, task: Task) -> JobSpec {
    let (script, file) = match task {
        Task::Full => (backup_script(env, "full"), archive::RUNNER_FILE),
        Task::Differential => (backup_script(env, "diff"), archive::RUNNER_FILE),
        Task::Drill => (include_str!("recover.sh").to_owned(), archive::MEMBER_FILE),
    };
    let mut spec = if task == Task::Drill {
        drill_spec(env, &script, file)
    } else {
        spec(env, &script, Vec::new(), file, None)
    };
    parts::place(env, &mut spec.template);
    spec
}

fn drill_spec(env: &Env, script: &str, file: &str) -> JobSpec {
    let verdict = names::task(env, Task::Drill.word());
    let variables = vec![plain("MODE", "drill"), plain("VERDICT", &verdict)];
    let mut spec = spec(env, script, variables, file, Some(scratch_volume(env)));
    // Its volume goes with its pod.
    spec.ttl_seconds_after_finished = Some(DRILL_LISTED_SECONDS);
    if let Some(pod) = &mut spec.template.spec {
        pod.service_account_name = Some(verdict);
        pod.automount_service_account_token = Some(true);
    }
    spec
}

/// Where the verdict of the last drill stands.
pub fn verdict(env: &Env) -> ConfigMap {
    ConfigMap { metadata: meta(env, names::task(env, Task::Drill.word())), ..ConfigMap::default() }
}

/// What a recovery is for.
pub enum Recovery<'a> {
    /// The cluster goes back to a moment of its own archive.
    InPlace { discard: bool },
    /// It becomes a copy of `origin`, whose archive is opened by what is in `secret`.
    /// A mask in it is for the database `masked`.
    CopyOf { origin: &'a Env, secret: &'a str, masked: &'a str },
}

/// Brings main's volume to a moment of an archive; `target` is pgBackRest's arguments for it.
pub fn recovery(env: &Env, name: String, target: &str, recovery: &Recovery) -> Job {
    let volume = parts::data_volume(format!("{}-{}-0", paths::DATA_VOLUME, names::main(env)));
    let script = include_str!("recover.sh");
    let mut variables = vec![plain("TARGET", target), plain("MAJOR", &env.major.get().to_string())];
    let mut spec = match recovery {
        Recovery::InPlace { discard } => {
            variables.push(plain("MODE", "restore"));
            variables.push(plain("DISCARD", if *discard { "1" } else { "" }));
            spec(env, script, variables, archive::MEMBER_FILE, Some(volume))
        }
        Recovery::CopyOf { origin, secret, masked } => {
            variables.push(plain("MASKED", masked));
            variables.push(plain("MODE", "clone"));
            variables.extend(pod::passwords(env));
            let mut spec = spec(origin, script, variables, archive::MEMBER_FILE, Some(volume));
            let pod = spec.template.spec.get_or_insert_default();
            // The origin's bucket has to know the copy.
            pod.service_account_name =
                pod.service_account_name.is_some().then(|| names::patroni(env));
            for volume in pod.volumes.iter_mut().flatten() {
                let holder = volume.secret.as_mut();
                if let Some(holder) = holder {
                    holder.secret_name = Some((*secret).to_owned());
                    holder.items = None;
                }
            }
            spec
        }
    };
    // A second try would take the half of the first for what was there before.
    spec.backoff_limit = Some(0);
    spec.active_deadline_seconds = None;
    parts::place(env, &mut spec.template);
    Job { metadata: meta(env, name), spec: Some(spec), ..Job::default() }
}

/// What opens another cluster's archive, for as long as it is copied.
pub fn key_of_origin(
    env: &Env,
    name: String,
    config: String,
    authority: String,
    mask: Option<String>,
) -> Result<Object> {
    let mut data = BTreeMap::from([
        (archive::CONFIG_FILE.to_owned(), config),
        (secrets::CA.to_owned(), authority),
    ]);
    data.extend(mask.map(|mask| ("mask.sql".to_owned(), mask)));
    Object::of(&Secret { metadata: meta(env, name), string_data: Some(data), ..Secret::default() })
}

fn backup_script(env: &Env, kind: &str) -> String {
    format!("exec pgbackrest --stanza={} --type={kind} backup", env.name)
}

pub(super) fn plain(name: &str, value: &str) -> EnvVar {
    EnvVar { name: name.to_owned(), value: Some(value.to_owned()), ..EnvVar::default() }
}

fn spec(
    env: &Env,
    script: &str,
    mut variables: Vec<EnvVar>,
    file: &str,
    data: Option<Volume>,
) -> JobSpec {
    variables.push(plain("STANZA", &env.name));
    variables.push(plain("PGDATA", paths::DATA_DIR));
    let mut mounts = vec![
        parts::read("backup", "/etc/pgbackrest"),
        parts::read("tls", "/etc/tls"),
        parts::mount("tmp", "/tmp"),
    ];
    let mut volumes = vec![
        archive::config_volume(env, file),
        parts::tls_volume(env),
        parts::scratch("tmp", None),
    ];
    if let Some(data) = data {
        mounts.push(parts::mount(paths::DATA_VOLUME, paths::DATA_MOUNT));
        mounts.push(parts::mount("shm", "/dev/shm"));
        volumes.push(data);
        volumes.push(parts::scratch("shm", Some("Memory")));
    }
    let container = Container {
        name: "pgbackrest".to_owned(),
        image: Some(env.image.to_string()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        command: Some(parts::shell(script)),
        env: Some(variables),
        resources: Some(parts::requests("20m", "64Mi")),
        security_context: Some(parts::security()),
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        volume_mounts: Some(mounts),
        ..Container::default()
    };
    JobSpec {
        backoff_limit: Some(TRIES),
        active_deadline_seconds: Some(LIMIT_SECONDS),
        template: PodTemplateSpec {
            metadata: Some(ObjectMeta { labels: Some(own_labels(env)), ..ObjectMeta::default() }),
            spec: Some(PodSpec {
                service_account_name: known_to_bucket(env),
                automount_service_account_token: Some(false),
                restart_policy: Some("Never".to_owned()),
                security_context: Some(parts::pod_security()),
                containers: vec![container],
                volumes: Some(volumes),
                ..PodSpec::default()
            }),
        },
        ..JobSpec::default()
    }
}

/// Who a pod is to Google's bucket; without its token it is nobody to Kubernetes.
fn known_to_bucket(env: &Env) -> Option<String> {
    let gcs = env.backup.as_ref().is_some_and(|backup| backup.gcs.is_some());
    gcs.then(|| names::patroni(env))
}

/// As large as a member's, and gone with its pod.
fn scratch_volume(env: &Env) -> Volume {
    let claim = sets::claim_of(env, &env.main.storage, env.main.storage_class.as_deref());
    Volume {
        name: paths::DATA_VOLUME.to_owned(),
        ephemeral: Some(EphemeralVolumeSource {
            volume_claim_template: Some(PersistentVolumeClaimTemplate {
                metadata: None,
                spec: claim.spec.unwrap_or_default(),
            }),
        }),
        ..Volume::default()
    }
}
