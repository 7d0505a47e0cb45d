//! Patroni's configuration: what is fixed for a member goes into files, what
//! may change while it runs into Patroni's own `ConfigMap` (`dynamic`).

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::{Map, Value, json};

use super::{
    ROLE_LABEL, SCOPE_LABEL, archive, exporter, home::HomeSet, meta, names, paths, selector,
};
use crate::{
    certificate::digest_of,
    env::{Env, PATRONI_PORT, POSTGRES_PORT, Slot, SynchronousMode},
};

pub fn config_map(env: &Env) -> Result<ConfigMap> {
    let yaml =
        |value: &Value| serde_saphyr::to_string(value).context("write Patroni's configuration");
    let mut data =
        std::collections::BTreeMap::from([("patroni.yml".to_owned(), yaml(&fixed(env))?)]);
    for home in [HomeSet::Main, HomeSet::Replica] {
        data.insert(
            home.tags_file(),
            yaml(&json!({ "tags": { "failover_priority": home.failover_priority() } }))?,
        );
    }
    Ok(ConfigMap {
        metadata: meta(env, names::patroni(env)),
        data: Some(data),
        ..ConfigMap::default()
    })
}

/// What somebody wants to know afterwards is in the log and in `pg_stat_statements`; the values of a
/// statement, which may be a person's, are not.
const WATCHED: [(&str, &str); 6] = [
    ("log_lock_waits", "on"),
    ("log_min_duration_statement", "1s"),
    ("log_parameter_max_length", "0"),
    ("log_temp_files", "10MB"),
    ("shared_preload_libraries", "pg_stat_statements"),
    // For pg_rewind: while clients have all others, a copy of the whole database would take its place.
    ("reserved_connections", "2"),
];

/// From then on initdb has to be told to make none.
const CHECKSUMS_BY_DEFAULT: i32 = 18;

/// A pod without a limit of huge pages is killed when it takes one, on a node that has some.
const HUGE_PAGES: [&str; 2] = ["huge_pages", "off"];

/// What a member reads when it starts, by its digest.
pub fn fixed_digest(env: &Env) -> String {
    digest_of(&settings(env).to_string())
}

/// The settings, and how a new database is made.
fn fixed(env: &Env) -> Value {
    let mut initdb = vec![
        json!({ "encoding": "UTF8" }),
        json!({ "locale": "C.UTF-8" }),
        json!({ "set": HUGE_PAGES.join("=") }),
    ];
    if env.replication.checksums {
        initdb.push(json!("data-checksums"));
    } else if env.major.get() >= CHECKSUMS_BY_DEFAULT {
        initdb.push(json!("no-data-checksums"));
    }
    let mut all = settings(env);
    all["bootstrap"] = json!({ "dcs": dynamic(env), "initdb": initdb });
    all
}

fn settings(env: &Env) -> Value {
    let tls = |user: &str| json!({ "username": user, "sslmode": "verify-ca", "sslrootcert": paths::CA_FILE });
    // To the other members it shows that it is one.
    let member = |user: &str| {
        let mut all = tls(user);
        all["sslcert"] = json!(paths::CERTIFICATE_FILE);
        all["sslkey"] = json!(paths::KEY_FILE);
        all
    };
    json!({
        "scope": &*env.name,
        "kubernetes": {
            "use_endpoints": false,
            "role_label": ROLE_LABEL,
            "scope_label": SCOPE_LABEL,
            "labels": selector(env),
        },
        "restapi": { "listen": format!("*:{PATRONI_PORT}") },
        "postgresql": {
            "data_dir": paths::DATA_DIR,
            "bin_dir": paths::programs(env),
            "listen": format!("*:{POSTGRES_PORT}"),
            "pgpass": "/tmp/pgpass",
            "use_unix_socket": true,
            "use_unix_socket_repl": true,
            "basebackup": [{ "checkpoint": "fast" }],
            "remove_data_directory_on_rewind_failure": true,
            "remove_data_directory_on_diverged_timelines": true,
            "authentication": {
                "superuser": tls("postgres"),
                "replication": member("replicator"),
                "rewind": member("rewind"),
            },
            "parameters": {
                "password_encryption": "scram-sha-256",
                "ssl": "on",
                "ssl_ca_file": paths::CA_FILE,
                "ssl_cert_file": paths::CERTIFICATE_FILE,
                "ssl_key_file": paths::KEY_FILE,
                "unix_socket_directories": paths::SOCKET_DIR,
            },
        },
    })
}

/// What Patroni keeps for all members; `init` brings it up to date.
pub fn dynamic(env: &Env) -> Value {
    let r = &env.replication;
    let mut postgresql = json!({
        "use_slots": true,
        "use_pg_rewind": true,
        "parameters": dynamic_parameters(env),
        "pg_hba": hba(env),
    });
    if env.backup.is_some() {
        let command = archive::restore_command(env);
        postgresql["recovery_conf"] = json!({ "restore_command": command });
        for (key, value) in archive::replica_methods() {
            postgresql[key] = value;
        }
    }
    json!({
        "ttl": r.ttl,
        "loop_wait": r.loop_wait,
        "retry_timeout": r.retry_timeout,
        "maximum_lag_on_failover": maximum_lag(env),
        "primary_start_timeout": r.primary_start_timeout,
        "member_slots_ttl": format!("{}min", r.member_slots_ttl_minutes.get()),
        "synchronous_mode": r.synchronous_mode,
        "synchronous_mode_strict": r.synchronous_mode_strict,
        "synchronous_node_count": r.synchronous_node_count,
        "failsafe_mode": r.failsafe_mode,
        "slots": slots(env),
        // Those that somebody made for logical decoding are theirs: Patroni drops what it wasn't told of.
        "ignore_slots": [{ "type": "logical" }],
        "postgresql": postgresql,
    })
}

/// A slot that is named here is there again after a switchover or a failover, with what was not read yet.
fn slots(env: &Env) -> Map<String, Value> {
    let slot = |slot: &Slot| json!({ "type": "logical", "database": slot.database, "plugin": slot.plugin });
    env.slots.iter().map(|(name, it)| (name.to_string(), slot(it))).collect()
}

/// A synchronous standby has every acknowledged write, however far it is behind with the rest:
/// holding it back would leave nobody to take over in the middle of a bulk load.
fn maximum_lag(env: &Env) -> u64 {
    const NONE: u64 = 1 << 50;
    let replication = &env.replication;
    if replication.synchronous_mode == SynchronousMode::Off {
        replication.maximum_lag_on_failover.bytes()
    } else {
        NONE
    }
}

fn dynamic_parameters(env: &Env) -> Map<String, Value> {
    let r = &env.replication;
    let mut parameters = Map::from_iter([
        ("wal_level".to_owned(), json!(r.wal_level)),
        ("max_wal_senders".to_owned(), json!(r.max_wal_senders)),
        ("max_replication_slots".to_owned(), json!(r.max_replication_slots)),
        ("synchronous_commit".to_owned(), json!(r.synchronous_commit)),
        ("max_slot_wal_keep_size".to_owned(), json!(r.max_slot_wal_keep_size)),
        ("wal_sender_timeout".to_owned(), json!(format!("{}s", r.wal_sender_timeout.get()))),
        ("wal_log_hints".to_owned(), json!("on")),
        (HUGE_PAGES[0].to_owned(), json!(HUGE_PAGES[1])),
        // WAL shares the volume: what a query or a burst of writes may take of it is bounded.
        ("max_wal_size".to_owned(), json!(megabytes(env.max_wal_size()))),
        ("temp_file_limit".to_owned(), json!(megabytes(env.smallest_volume() / 4))),
    ]);
    parameters.extend(WATCHED.map(|(name, value)| (name.to_owned(), json!(value))));
    if let Some(backup) = &env.backup {
        parameters.extend([
            ("archive_mode".to_owned(), json!("on")),
            ("archive_command".to_owned(), json!(archive::archive_command(env))),
            ("archive_timeout".to_owned(), json!(format!("{}s", backup.archive_timeout.get()))),
        ]);
    }
    parameters.extend(env.parameters.iter().map(|(name, value)| (name.clone(), json!(value))));
    parameters
}

fn megabytes(bytes: u64) -> String {
    format!("{}MB", bytes >> 20)
}

/// The image's own user needs no password in its pod. So a new one for the superuser locks nobody out:
/// neither Patroni, which still has the old one, nor `pg-cluster`.
pub const SUPERUSERS_SOCKET: &str = "local all postgres peer";

/// Who reads all there is, by replication or by `pg_rewind`, shows the members' certificate beside a password.
pub const FOR_MEMBERS: &str =
    "hostssl all,replication replicator,rewind all scram-sha-256 clientcert=verify-ca";
/// What stands there as long as a member runs that shows none.
pub const FOR_OLD_MEMBERS: &str = "hostssl replication replicator all scram-sha-256";

/// TLS and SCRAM for everybody; the superuser only from inside the pod, which
/// is where port-forwards and `pg-cluster` itself come from.
fn hba(env: &Env) -> Vec<String> {
    let mut lines = vec![SUPERUSERS_SOCKET.to_owned()];
    if env.exporter {
        lines.push(exporter::SOCKET.to_owned());
    }
    lines.extend([
        "local all all scram-sha-256".to_owned(),
        "local replication replicator scram-sha-256".to_owned(),
    ]);
    lines.extend(env.hba.iter().map(ToString::to_string));
    lines.extend(
        [
            "hostssl all postgres samehost scram-sha-256",
            "host all postgres all reject",
            FOR_MEMBERS,
            "hostssl all all all scram-sha-256",
        ]
        .map(str::to_owned),
    );
    lines
}
