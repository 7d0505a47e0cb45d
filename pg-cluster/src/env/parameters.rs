//! Any other PostgreSQL parameter. Those that Patroni or pg-cluster own are
//! refused with the place where they belong.

use std::{collections::BTreeMap, ops::Deref};

use serde::{Deserialize, Serialize};

use super::values::parameter_bytes;

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "BTreeMap<String, toml::Value>")]
pub struct Parameters(BTreeMap<String, String>);

impl Deref for Parameters {
    type Target = BTreeMap<String, String>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Keys of `[replication]`.
const OURS: [&str; 6] = [
    "wal_level",
    "max_wal_senders",
    "max_replication_slots",
    "synchronous_commit",
    "max_slot_wal_keep_size",
    "wal_sender_timeout",
];

/// Set by Patroni or pg-cluster, whatever one writes, and why.
const MANAGED: [(&str, &str); 31] = [
    ("archive_cleanup_command", "Patroni writes it"),
    ("archive_command", "[backup] says where the archive is"),
    ("archive_library", "[backup] says where the archive is"),
    ("archive_mode", "[backup] turns it on"),
    ("archive_timeout", "write it under [backup]"),
    ("cluster_name", "it is the cluster's name"),
    ("config_file", "Patroni writes it"),
    ("data_directory", "it is the volume"),
    ("external_pid_file", "the root file system is read-only"),
    ("fsync", "without it a crash loses acknowledged writes"),
    ("full_page_writes", "without it a crash loses pages"),
    ("hba_file", "add lines under hba instead"),
    ("hot_standby", "replicas answer reads"),
    ("ident_file", "Patroni writes it"),
    ("listen_addresses", "Services and the NetworkPolicy decide who gets in"),
    ("logging_collector", "the log goes to the container's"),
    ("password_encryption", "passwords are SCRAM"),
    ("port", "it is 5432"),
    ("primary_conninfo", "Patroni writes it"),
    ("primary_slot_name", "Patroni writes it"),
    ("promote_trigger_file", "Patroni promotes"),
    ("recovery_target_timeline", "Patroni writes it"),
    ("ssl", "TLS is always on"),
    ("ssl_ca_file", "pg-cluster makes the certificates"),
    ("ssl_cert_file", "pg-cluster makes the certificates"),
    ("ssl_key_file", "pg-cluster makes the certificates"),
    ("synchronous_standby_names", "Patroni keeps it, by replication.synchronous_mode"),
    ("unix_socket_directories", "it is a volume of the pod"),
    ("unix_socket_permissions", "the pod has one user"),
    ("wal_keep_segments", "write wal_keep_size"),
    ("wal_log_hints", "it is on, for pg_rewind"),
];

/// Least values; below them Patroni takes its own default without an error.
const LEAST: [(&str, u64); 4] = [
    ("max_connections", 25),
    ("max_locks_per_transaction", 32),
    ("max_prepared_transactions", 0),
    ("max_worker_processes", 2),
];

/// Sizes that are added up or have a bound, the unit of a number alone, and the least of each. Below
/// the least of `wal_keep_size` Patroni takes 128 MB, and below the others' PostgreSQL does not start.
const SIZES: [(&str, u64, u64); 6] = [
    ("maintenance_work_mem", KB, 0),
    ("max_wal_size", MB, LEAST_WAL),
    ("min_wal_size", MB, LEAST_WAL),
    ("shared_buffers", 8 * KB, 0),
    ("wal_keep_size", MB, 16 * MB),
    ("work_mem", KB, 0),
];
const KB: u64 = 1 << 10;
const MB: u64 = 1 << 20;
/// Two segments.
pub(super) const LEAST_WAL: u64 = 32 * MB;

impl Parameters {
    /// What one of these sizes is, if it is written here.
    pub fn bytes(&self, name: &str) -> Option<u64> {
        let (_, unit, _) = SIZES.iter().find(|(sized, ..)| *sized == name)?;
        parameter_bytes(self.get(name)?, Some(*unit))
    }
}

impl TryFrom<BTreeMap<String, toml::Value>> for Parameters {
    type Error = String;

    fn try_from(table: BTreeMap<String, toml::Value>) -> Result<Self, String> {
        table
            .into_iter()
            .map(|(name, value)| Ok((checked_name(&name)?, checked_value(&name, value)?)))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

fn checked_name(name: &str) -> Result<String, String> {
    if OURS.contains(&name) {
        return Err(format!(
            "parameters.{name} has a place of its own: write it under [replication]"
        ));
    }
    if let Some((_, why)) = MANAGED.iter().find(|(managed, _)| *managed == name) {
        return Err(format!("parameters.{name} would be replaced: {why}; leave it out"));
    }
    // With a second dot PostgreSQL reads no line of its file any more.
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let fits = name.split('.').all(part) && name.matches('.').count() <= 1;
    if !fits {
        return Err(format!(
            "parameters.{name} is not a name of a PostgreSQL parameter: write it in lower case, with _ between words, and of an extension as extension.name"
        ));
    }
    Ok(name.to_owned())
}

fn checked_value(name: &str, value: toml::Value) -> Result<String, String> {
    let value = match value {
        toml::Value::String(text) => text,
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Boolean(true) => "on".to_owned(),
        toml::Value::Boolean(false) => "off".to_owned(),
        _ => {
            return Err(format!(
                "parameters.{name} is neither text, number nor boolean: write it as PostgreSQL's manual does, in quotes"
            ));
        }
    };
    if let Some((_, least)) = LEAST.iter().find(|(limited, _)| *limited == name)
        && value.parse::<u64>().ok().is_none_or(|number| number < *least)
    {
        return Err(format!(
            "parameters.{name} is {value}, which Patroni would replace: write {least} or more"
        ));
    }
    if value.contains(|c: char| c.is_control() && c != '\t') {
        return Err(format!(
            "parameters.{name} has a line break or another control character, with which PostgreSQL would not start: write it in one line"
        ));
    }
    if let Some((_, unit, least)) = SIZES.iter().find(|(sized, ..)| *sized == name) {
        let bytes = parameter_bytes(&value, Some(*unit)).ok_or_else(|| {
            format!("parameters.{name} is {value}, which is no size: write a number and kB, MB, GB or TB, such as \"512MB\"")
        })?;
        let why = if name == "wal_keep_size" {
            "Patroni would replace"
        } else {
            "PostgreSQL does not start with"
        };
        if bytes < *least {
            return Err(format!(
                "parameters.{name} is {value}, which {why}: write \"{}MB\" or more",
                least / MB
            ));
        }
    }
    if name == "track_commit_timestamp" && !["on", "off"].contains(&value.as_str()) {
        return Err(format!(
            "parameters.track_commit_timestamp is {value}, which Patroni would replace: write true or false"
        ));
    }
    Ok(value)
}
