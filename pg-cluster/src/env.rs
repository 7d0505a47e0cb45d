//! The one reader of configuration: `config/<env>/postgres.toml` becomes an
//! `Env`, and an `Env` that exists is valid.

mod amounts;
mod backup;
mod hba;
mod kubernetes;
mod memory;
mod parameters;
mod pods;
mod replication;
mod roles;
mod schedule;
mod set;
mod slots;
mod values;

use std::{collections::BTreeMap, fs, io::ErrorKind, path::Path};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

pub use self::{
    amounts::{Cpu, Quantity, Size},
    backup::{AzureKey, Backup, Own, Word},
    hba::HbaLine,
    kubernetes::{Image, Label, LabelValue, Namespace, ObjectName},
    parameters::Parameters,
    pods::{PATRONI_ANNOTATION, Pods, ROLE_LABEL, SCOPE_LABEL, SET_LABEL, Toleration},
    replication::{Replication, SynchronousMode},
    roles::{Database, Role},
    schedule::Schedule,
    set::{Amounts, Set},
    slots::Slot,
    values::{Bounded, Extension, Identifier, Locale, Name, in_name},
};

/// Port of PostgreSQL, and of Patroni's REST API, in every pod.
pub const POSTGRES_PORT: i32 = 5432;
pub const PATRONI_PORT: i32 = 8008;

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Env {
    pub name: Name,
    #[serde(default)]
    pub context: String,
    #[serde(default)]
    pub namespace: Option<Namespace>,
    pub image: Image,
    /// The major version of PostgreSQL that runs. The image may have more than one.
    #[serde(default)]
    pub major: Bounded<17, 18, 17>,
    #[serde(default)]
    pub clients: Vec<Namespace>,
    #[serde(default)]
    pub monitors: Vec<Namespace>,
    /// Whether a sidecar tells them what PostgreSQL says of itself.
    #[serde(default)]
    pub exporter: bool,
    #[serde(default)]
    pub main: Set,
    #[serde(default)]
    pub replica: Set,
    #[serde(default)]
    pub replication: Replication,
    #[serde(default)]
    pub parameters: Parameters,
    /// None: nothing is archived, and a backup is a dump that somebody asks for.
    #[serde(default)]
    pub backup: Option<Backup>,
    #[serde(default)]
    pub pods: Pods,
    #[serde(default)]
    pub hba: Vec<HbaLine>,
    #[serde(default)]
    pub roles: BTreeMap<Identifier, Role>,
    #[serde(default)]
    pub databases: BTreeMap<Identifier, Database>,
    #[serde(default)]
    pub slots: BTreeMap<Identifier, Slot>,
}

impl Env {
    /// Reads `config/<env>/postgres.toml` below `root`.
    pub fn load(root: &Path, env: &str) -> Result<Self> {
        let path = root.join(env).join("postgres.toml");
        ensure!(!env.trim().is_empty(), "the environment has no name: write one with --env");
        let text = fs::read_to_string(&path).map_err(|error| {
            let missing = error.kind() == ErrorKind::NotFound;
            let advice = if missing {
                ": make it from config/dev/postgres.toml, or name another environment with --env"
            } else {
                ""
            };
            anyhow::Error::new(error).context(format!("read {}{advice}", path.display()))
        })?;
        Self::parse(&text, env).with_context(|| format!("read {}", path.display()))
    }

    pub fn parse(text: &str, env: &str) -> Result<Self> {
        let mut parsed: Self =
            toml::from_str(text).map_err(|error| without_secrets(text, &error))?;
        if parsed.context.is_empty() {
            env.clone_into(&mut parsed.context);
        }
        parsed.check()?;
        Ok(parsed)
    }

    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or(&self.name)
    }

    /// How many members the cluster has in all.
    pub fn members(&self) -> i32 {
        self.main.count.get() + self.replica.count.get()
    }

    /// Bytes of the smaller of the two volumes.
    pub fn smallest_volume(&self) -> u64 {
        self.main.storage.bytes().min(self.replica.storage.bytes())
    }

    /// WAL between two checkpoints, in bytes: PostgreSQL's 1 GB, or an eighth of the volume if that
    /// is less, so that it fits beside what slots keep.
    pub fn max_wal_size(&self) -> u64 {
        let default = || (1 << 30).min(self.smallest_volume() / 8).max(parameters::LEAST_WAL);
        self.parameters.size("max_wal_size").unwrap_or_else(default)
    }

    /// A member that is away must not fill the disk.
    fn check_wal(&self) -> Result<()> {
        let keep = &self.replication.max_slot_wal_keep_size;
        for (set, storage) in [("main", &self.main.storage), ("replica", &self.replica.storage)] {
            ensure!(
                keep.bytes() <= storage.bytes() / 2,
                "replication.max_slot_wal_keep_size is {keep}, more than half of {set}.storage ({storage}): a member that is away \
                 could fill the disk; write less, or more storage"
            );
        }
        let most = self.max_wal_size();
        let least = self.parameters.size("min_wal_size").unwrap_or(0);
        ensure!(
            least <= most,
            "parameters.min_wal_size is {} MB, more than max_wal_size ({} MB): write less",
            least >> 20,
            most >> 20
        );
        // What wal_keep_size keeps and what slots keep is the same WAL. Slots are cut at checkpoints only:
        // until then twice as much as lies between two may come.
        let kept = keep.bytes().max(self.parameters.size("wal_keep_size").unwrap_or(0));
        let wal = kept.saturating_add(most.saturating_mul(2));
        let volume = self.smallest_volume();
        ensure!(
            wal <= volume / 4 * 3,
            "replication.max_slot_wal_keep_size (or parameters.wal_keep_size, if that is more) and twice max_wal_size are {} MB, more than \
             three quarters of a volume of {} MB: a member that is away could fill the disk; write less of either, or more storage",
            wal >> 20,
            volume >> 20
        );
        Ok(())
    }

    /// The same cluster with another number of replicas.
    pub fn with_replicas(mut self, count: i32) -> Result<Self> {
        self.replica.count = Bounded::new(count).map_err(anyhow::Error::msg)?;
        self.check()?;
        Ok(self)
    }

    /// What no single key can say about itself.
    fn check(&self) -> Result<()> {
        ensure!(
            self.main.count.get() == 1,
            "main.count is {}, but main has one member: write 1, and add members under [replica]",
            self.main.count.get()
        );
        self.main.check("main")?;
        self.replica.check("replica")?;
        self.replication.check()?;
        let members = self.members();
        let senders = self.replication.max_wal_senders.get();
        ensure!(
            senders > members,
            "replication.max_wal_senders is {senders}: {members} members need {} or more, one each and one for a new copy",
            members + 1
        );
        self.check_wal()?;
        ensure!(
            !self.exporter || !self.monitors.is_empty(),
            "exporter is true, and nobody may ask it: write the namespace of Prometheus into monitors"
        );
        if let Some(backup) = &self.backup {
            backup.check()?;
        }
        self.pods.check()?;
        self.check_slots()?;
        self.check_secrets_of_roles()?;
        for (role, settings) in &self.roles {
            self.check_database_of(role, settings)?;
        }
        for (database, Database { owner, .. }) in &self.databases {
            if !self.roles.contains_key(owner) {
                bail!(
                    "databases.{database}.owner is {owner}, which is not a role here: add [roles.{owner}]"
                );
            }
        }
        Ok(())
    }
}

/// The parser shows the line around an error. Where that may be a secret, its number must do.
fn without_secrets(text: &str, error: &toml::de::Error) -> anyhow::Error {
    const WORDS: [&str; 4] = ["cipher", "key", "password", "secret"];
    let Some(before) = error.span().and_then(|span| text.get(..span.start)) else {
        return error.clone().into();
    };
    let number = before.matches('\n').count();
    let line = text.lines().nth(number).unwrap_or_default();
    if !WORDS.iter().any(|word| line.to_lowercase().contains(word)) {
        return error.clone().into();
    }
    let message = error.message();
    let unknown = WORDS.iter().any(|word| message.starts_with(&format!("unknown field `{word}")));
    let advice =
        if unknown { "; passwords and keys belong in secrets.yaml (make secrets)" } else { "" };
    anyhow::anyhow!("line {}: {message}{advice}", number + 1)
}

#[cfg(test)]
mod tests;
