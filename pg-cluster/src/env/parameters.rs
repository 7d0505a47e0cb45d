//! Any other PostgreSQL parameter. Those that Patroni or pg-cluster own are
//! refused with the place where they belong.

use std::{collections::BTreeMap, ops::Deref};

use serde::{Deserialize, Serialize};

use super::amounts::{SIZE_WANTED, size_bytes};

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

/// Nobody's but Patroni's or pg-cluster's, and why.
const MANAGED: [(&str, &str); 34] = [
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
    ("recovery_end_command", "a replica that is promoted runs nothing of its own"),
    ("recovery_min_apply_delay", "a replica that waits would hold a failover up"),
    ("recovery_target", "`restore` and `clone` go back to a moment"),
    ("restore_command", "[backup] says where the archive is"),
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
    (MAX_CONNECTIONS, 25),
    ("max_locks_per_transaction", 32),
    ("max_prepared_transactions", 0),
    ("max_worker_processes", 2),
];

const KB: u32 = 1 << 10;
const MB: u32 = 1 << 20;

/// Sizes that are added up here: bytes of their unit where none is written, and the least. PostgreSQL
/// starts with no less than two segments of WAL, and below one Patroni takes its own `wal_keep_size`.
const SIZES: [(&str, u32, u64); 6] = [
    ("maintenance_work_mem", KB, 0),
    ("max_wal_size", MB, LEAST_WAL),
    ("min_wal_size", MB, LEAST_WAL),
    ("shared_buffers", 8 * KB, 0),
    ("wal_keep_size", MB, 16 << 20),
    ("work_mem", KB, 0),
];
pub(super) const LEAST_WAL: u64 = 32 << 20;

const MAX_CONNECTIONS: &str = "max_connections";

impl Parameters {
    /// Bytes of a size that is one of `SIZES`, if the file has it.
    pub(super) fn size(&self, name: &str) -> Option<u64> {
        let (_, unit, _) = SIZES.iter().find(|(size, ..)| *size == name)?;
        size_bytes(self.get(name)?, Some(*unit))
    }

    pub(super) fn max_connections(&self) -> u64 {
        self.get(MAX_CONNECTIONS).and_then(|text| number(text)).unwrap_or(100)
    }
}

/// A whole number, in which PostgreSQL would read a leading 0 as the mark of an octal one.
fn number(text: &str) -> Option<u64> {
    let octal = text.len() > 1 && text.starts_with('0');
    text.parse().ok().filter(|_| !octal)
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
    // Patroni hands it on to every replica, which would stop there for good.
    let kind = if name.starts_with("recovery_target_") { "recovery_target" } else { name };
    if let Some((_, why)) = MANAGED.iter().find(|(managed, _)| *managed == kind) {
        return Err(format!("parameters.{name} is not to be set here: {why}; leave it out"));
    }
    // Patroni hands on a name with a dot unseen, and PostgreSQL doesn't start with one that it can't read.
    if name.matches('.').count() > 1 || !name.split('.').all(is_word) {
        return Err(format!(
            "parameters.{name} is not a name of a PostgreSQL parameter: write it in lower case, with _ between words, and an extension's as \
             extension.name"
        ));
    }
    Ok(name.to_owned())
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
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
    // A value is a part of one line, and Patroni doesn't look.
    if value.contains(|c: char| c.is_control() && c != '\t') {
        return Err(format!(
            "parameters.{name} has a line break, or another character that cannot be seen: PostgreSQL would not start with it; write it in one line"
        ));
    }
    if let Some((_, least)) = LEAST.iter().find(|(limited, _)| *limited == name)
        && number(&value).is_none_or(|number| number < *least)
    {
        return Err(format!(
            "parameters.{name} is {value}, which Patroni would replace: write {least} or more"
        ));
    }
    if let Some((_, unit, least)) = SIZES.iter().find(|(size, ..)| *size == name) {
        let Some(bytes) = size_bytes(&value, Some(*unit)) else {
            return Err(format!("parameters.{name} is {value}: write {SIZE_WANTED}"));
        };
        if bytes < *least {
            return Err(format!(
                "parameters.{name} is {value}, which PostgreSQL or Patroni would not take: write \"{}MB\" or more",
                least >> 20
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_postgresql_reads() {
        for name in ["work_mem", "auto_explain.log_min_duration", "_a._1"] {
            assert_eq!(checked_name(name), Ok(name.to_owned()));
        }
        for name in ["", "a.b.c", "a..b", ".x", "x.", "1x.y", "x.1y", "1x", "a-b", "Work_mem", "."]
        {
            assert!(checked_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn recovery_is_no_setting_of_a_cluster_that_serves() {
        let names = ["recovery_target", "recovery_target_time", "recovery_target_action"];
        for name in names.into_iter().chain(["recovery_min_apply_delay", "restore_command"]) {
            assert!(checked_name(name).unwrap_err().contains("leave it out"), "{name}");
        }
        assert_eq!(checked_name("recovery_prefetch"), Ok("recovery_prefetch".to_owned()));
    }

    #[test]
    fn a_value_is_one_line() {
        let checked = |text: &str| checked_value("log_line_prefix", text.to_owned().into());
        assert_eq!(checked("%m\t[%p] "), Ok("%m\t[%p] ".to_owned()));
        for text in ["a\nb", "%m [%p]\n", "a\0b", "a\rb"] {
            assert!(checked(text).unwrap_err().contains("in one line"), "{text:?}");
        }
    }

    #[test]
    fn a_size_is_one_that_is_taken() {
        for (name, value) in [
            ("max_wal_size", "32"),
            ("min_wal_size", "32MB"),
            ("wal_keep_size", "128"),
            ("wal_keep_size", "0.5GB"),
            ("work_mem", "64"),
        ] {
            assert_eq!(
                checked_value(name, value.to_owned().into()),
                Ok(value.to_owned()),
                "{name}"
            );
        }
        for (name, value, advice) in [
            ("max_wal_size", "16MB", "write \"32MB\" or more"),
            ("min_wal_size", "31", "write \"32MB\" or more"),
            ("wal_keep_size", "0", "write \"16MB\" or more"),
            ("max_wal_size", "010GB", "without a leading 0"),
            ("shared_buffers", "a lot", "such as 512MB"),
            ("max_connections", "0100", "write 25 or more"),
        ] {
            let error = checked_value(name, value.to_owned().into()).unwrap_err();
            assert!(error.contains(advice), "{error}");
        }
    }
}
