//! The configuration of pgBackRest, which archives WAL and takes the backups. Members have one, and
//! the pods that take a backup another: those reach the members by TLS, and no member reaches them.

use std::collections::BTreeMap;

use anyhow::Result;
use k8s_openapi::api::core::v1::{KeyToPath, Secret, SecretVolumeSource, Volume};
use serde_json::{Value, json};

use super::{Object, meta, names, paths, secrets::SUPERUSER};
use crate::{
    env::{AzureKey, Backup, Env, PATRONI_PORT, Word},
    keys::{AccessKeys, ArchiveKeys},
};

/// Port of pgBackRest's server in every member.
pub const PORT: i32 = 8432;
/// Of the S3 server of the cluster's own.
pub const S3_PORT: i32 = 7070;
pub const S3_BUCKET: &str = "archive";
pub const S3_REGION: &str = "us-east-1";
/// What pgBackRest looks for.
pub const CONFIG_FILE: &str = "pgbackrest.conf";
/// Where a member has it.
pub const CONFIG_PATH: &str = "/etc/pgbackrest/pgbackrest.conf";
pub const MEMBER_FILE: &str = CONFIG_FILE;
/// What the archive is read by, in those files.
pub const CIPHER: &str = "repo1-cipher-pass=";
pub const RUNNER_FILE: &str = "runner.conf";

pub fn secret(env: &Env, backup: &Backup, keys: &ArchiveKeys) -> Result<Object> {
    let text = |value: &str| k8s_openapi::ByteString(value.as_bytes().to_vec());
    let mut data = BTreeMap::from([
        (MEMBER_FILE.to_owned(), text(&member(env, backup, keys))),
        (RUNNER_FILE.to_owned(), text(&runner(env, backup, keys))),
        ("cipher".to_owned(), text(keys.cipher.expose())),
    ]);
    if let Some(AccessKeys { key, secret }) = &keys.access {
        data.insert("key".to_owned(), text(key.expose()));
        data.extend(secret.as_ref().map(|secret| ("secret".to_owned(), text(secret.expose()))));
    }
    Object::of(&Secret {
        metadata: meta(env, names::backup(env)),
        type_: Some("Opaque".to_owned()),
        data: Some(data),
        ..Secret::default()
    })
}

/// A segment that takes longer is tried again: a server that is away would hold it up for minutes, and
/// whether too much waits is seen when an attempt begins.
const PUSH_SECONDS: u8 = 60;
/// Beside the data: the last segment of WAL that was given up. The file's time says when.
pub const GAP_FILE: &str = "/var/lib/postgresql/archive-gap";

/// What the last attempt to archive complained of; not there after one that went well.
pub const COMPLAINT_FILE: &str = "/tmp/archive-complaint";

/// What PostgreSQL runs for a segment of WAL that is full. pgBackRest gives up what waits for too
/// long with a warning alone, and whoever relies on the archive has to be told.
pub fn archive_command(env: &Env) -> String {
    format!(
        "said=$(timeout {PUSH_SECONDS} pgbackrest --stanza={} archive-push \"%p\" 2>&1); code=$?; \
         [ -z \"$said\" ] || echo \"$said\" >&2; \
         [ $code = 0 ] && rm -f {COMPLAINT_FILE} || echo \"$said\" > {COMPLAINT_FILE}; \
         case $said in *\"queue exceeded\"*) echo \"%f\" > {GAP_FILE};; esac; exit $code",
        env.name
    )
}

/// A segment that takes longer is tried again.
const GET_SECONDS: u8 = 20;
/// Left where an archive did not answer, which is then asked no more for a minute: a replica that starts
/// wants several files, and would wait for each.
const AWAY_FILE: &str = "/tmp/archive-away";

/// What a replica runs for each segment of WAL before it asks the primary. It asks the archive only while
/// somebody else leads and answers: who is about to lead, or waits for the next primary, would be held up by
/// a bucket, and has nothing to get there. A member that has not started again since Patroni speaks TLS
/// answers without.
pub fn restore_command(env: &Env) -> String {
    format!(
        "bash -c 'ask() {{ echo GET /leader HTTP/1.0; echo; }}; \
         tls() {{ ask | timeout 2 openssl s_client -quiet -connect localhost:{PATRONI_PORT}; }}; \
         plain() {{ exec 3<> /dev/tcp/localhost/{PATRONI_PORT} && ask >&3 && timeout 2 cat <&3; }}; \
         read -rt 2 _ code _ < <((tls || plain) 2> /dev/null) && ((code != 200))' && \
         pg_isready -q -t 1 -U nobody -d postgres -h {} && \
         [ -z \"$(find {AWAY_FILE} -mmin -1 2> /dev/null)\" ] && {{ \
         timeout {GET_SECONDS} pgbackrest --stanza={} archive-get %f \"%p\"; code=$?; \
         [ $code -le 1 ] || touch {AWAY_FILE}; [ $code = 0 ]; }}",
        names::primary_service(env),
        env.name
    )
}

/// How Patroni makes a replica: from the newest backup where that is the shorter way, else from the primary.
pub fn replica_methods() -> [(&'static str, Value); 2] {
    let command = format!("python3 -c '{}'", include_str!("new_replica.py"));
    [
        ("create_replica_methods", json!(["pgbackrest", "basebackup"])),
        ("pgbackrest", json!({ "command": command })),
    ]
}

fn member(env: &Env, backup: &Backup, keys: &ArchiveKeys) -> String {
    let own = names::primary_service(env);
    let mut lines = vec!["[global]".to_owned()];
    lines.extend(place(env, backup, keys));
    lines.extend([
        "log-level-console=warn".to_owned(),
        // No more than slots may keep: what waits for a bucket that is away must not fill the volume.
        format!("archive-push-queue-max={}", env.replication.max_slot_wal_keep_size.bytes()),
        "tls-server-address=*".to_owned(),
        format!("tls-server-auth={own}={}", env.name),
        format!("tls-server-ca-file={}", paths::CA_FILE),
        format!("tls-server-cert-file={}", paths::CERTIFICATE_FILE),
        format!("tls-server-key-file={}", paths::KEY_FILE),
        format!("[{}]", env.name),
    ]);
    lines.extend(database(1));
    lines.join("\n") + "\n"
}

fn runner(env: &Env, backup: &Backup, keys: &ArchiveKeys) -> String {
    let mut lines = vec!["[global]".to_owned()];
    lines.extend(place(env, backup, keys));
    lines.extend([
        "log-level-console=info".to_owned(),
        format!("repo1-retention-full={}", backup.keep.get()),
        "repo1-bundle=y".to_owned(),
        "start-fast=y".to_owned(),
        "backup-standby=prefer".to_owned(),
        format!("[{}]", env.name),
    ]);
    for (number, member) in (1..).zip(names::pods(env)) {
        let host = format!("{member}.{}.{}.svc", names::members_service(env), env.namespace());
        lines.extend([
            format!("pg{number}-host={host}"),
            format!("pg{number}-host-type=tls"),
            format!("pg{number}-host-port={PORT}"),
            format!("pg{number}-host-ca-file={}", paths::CA_FILE),
            format!("pg{number}-host-cert-file={}", paths::CERTIFICATE_FILE),
            format!("pg{number}-host-key-file={}", paths::KEY_FILE),
        ]);
        lines.extend(database(number));
    }
    lines.join("\n") + "\n"
}

fn database(number: usize) -> [String; 3] {
    [
        format!("pg{number}-path={}", paths::DATA_DIR),
        format!("pg{number}-socket-path={}", paths::SOCKET_DIR),
        format!("pg{number}-user={SUPERUSER}"),
    ]
}

fn place(env: &Env, backup: &Backup, keys: &ArchiveKeys) -> Vec<String> {
    let path = |prefix: Option<&Word>| match prefix {
        Some(prefix) => format!("repo1-path=/{}", prefix.trim_matches('/')),
        None => format!("repo1-path=/{}/{}", env.namespace(), env.name),
    };
    let mut lines = match backup {
        Backup { s3: Some(s3), .. } => {
            let mut lines = vec![
                "repo1-type=s3".to_owned(),
                path(s3.prefix.as_ref()),
                format!("repo1-s3-bucket={}", s3.bucket),
                format!("repo1-s3-endpoint={}", s3.endpoint),
                format!("repo1-s3-region={}", s3.region),
            ];
            if s3.path_style {
                lines.push("repo1-s3-uri-style=path".to_owned());
            }
            lines
        }
        Backup { gcs: Some(gcs), .. } => vec![
            "repo1-type=gcs".to_owned(),
            path(gcs.prefix.as_ref()),
            format!("repo1-gcs-bucket={}", gcs.bucket),
            // The node's metadata server says who the pod's ServiceAccount is.
            "repo1-gcs-key-type=auto".to_owned(),
        ],
        Backup { azure: Some(azure), .. } => {
            let mut lines = vec![
                "repo1-type=azure".to_owned(),
                path(azure.prefix.as_ref()),
                format!("repo1-azure-account={}", azure.account),
                format!("repo1-azure-container={}", azure.container),
                match azure.key {
                    AzureKey::Shared => "repo1-azure-key-type=shared",
                    AzureKey::Sas => "repo1-azure-key-type=sas",
                }
                .to_owned(),
            ];
            lines.extend(azure.endpoint.iter().map(|it| format!("repo1-azure-endpoint={it}")));
            lines
        }
        Backup { .. } => vec![
            "repo1-type=s3".to_owned(),
            path(None),
            format!("repo1-s3-bucket={S3_BUCKET}"),
            format!("repo1-s3-endpoint={}.{}.svc", names::repository(env), env.namespace()),
            format!("repo1-storage-port={S3_PORT}"),
            format!("repo1-storage-ca-file={}", paths::CA_FILE),
            format!("repo1-s3-region={S3_REGION}"),
            "repo1-s3-uri-style=path".to_owned(),
        ],
    };
    match &keys.access {
        Some(AccessKeys { key, secret: Some(secret) }) => {
            lines.push(format!("repo1-s3-key={}", key.expose()));
            lines.push(format!("repo1-s3-key-secret={}", secret.expose()));
        }
        // The portal shows a SAS as the query that it is in a URL.
        Some(AccessKeys { key, secret: None }) => {
            lines.push(format!("repo1-azure-key={}", key.expose().trim_start_matches('?')));
        }
        None => {}
    }
    lines.extend([
        "repo1-cipher-type=aes-256-cbc".to_owned(),
        format!("{CIPHER}{}", keys.cipher.expose()),
        // What hangs is tried again; it must not hold up the archiver for minutes.
        "io-timeout=20".to_owned(),
        "compress-type=zst".to_owned(),
        "log-level-file=off".to_owned(),
        "lock-path=/tmp/pgbackrest".to_owned(),
    ]);
    lines
}

/// pgBackRest's configuration, as the file it looks for.
pub fn config_volume(env: &Env, file: &str) -> Volume {
    Volume {
        name: "backup".to_owned(),
        secret: Some(SecretVolumeSource {
            secret_name: Some(names::backup(env)),
            default_mode: Some(0o440),
            items: Some(vec![KeyToPath {
                key: file.to_owned(),
                path: CONFIG_FILE.to_owned(),
                mode: None,
            }]),
            ..SecretVolumeSource::default()
        }),
        ..Volume::default()
    }
}
