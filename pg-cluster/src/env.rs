//! The one reader of configuration: `config/<env>/postgres.toml` becomes an
//! `Env`, and an `Env` that exists is valid.

mod backup;
mod hba;
mod labels;
mod memory;
mod parameters;
mod pods;
mod replication;
mod schedule;
mod set;
mod slots;
mod values;

use std::{collections::BTreeMap, fs, io::ErrorKind, path::Path};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::{Deserialize, Serialize};

use self::parameters::LEAST_WAL;
pub use self::{
    backup::{Backup, Own, Word},
    hba::HbaLine,
    labels::{Label, Namespace, ObjectName},
    parameters::Parameters,
    pods::{LabelValue, Pods, ROLE_LABEL, SCOPE_LABEL, SET_LABEL, Toleration},
    replication::{Replication, SynchronousMode},
    schedule::Schedule,
    set::{Amounts, Set},
    slots::Slot,
    values::{Bounded, Cpu, Extension, Identifier, Image, Locale, Name, Quantity, Size, in_name},
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
    #[serde(default)]
    pub clients: Vec<Namespace>,
    #[serde(default)]
    pub monitors: Vec<Namespace>,
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

/// A role that can log in; its password is in the Secret `<name>-role-<role>`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Role {
    pub connection_limit: Bounded<-1, 10_000, -1>,
    /// What its Secret leads to; may be left out where it owns or reads no more than one database.
    pub database: Option<Identifier>,
    /// Databases that it may read and not change.
    pub reads: Vec<Identifier>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    pub owner: Identifier,
    /// ICU's name of the language whose order texts have, when the database is made.
    #[serde(default)]
    pub icu_locale: Option<Locale>,
    /// What the superuser makes there, in the schema `public`.
    #[serde(default)]
    pub extensions: Vec<Extension>,
}

impl Env {
    /// Reads `config/<env>/postgres.toml` below `root`.
    pub fn load(root: &Path, env: &str) -> Result<Self> {
        let path = root.join(env).join("postgres.toml");
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
        let mut parsed: Self = toml::from_str(text).map_err(|error| said(text, error))?;
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
        self.parameters
            .bytes("max_wal_size")
            .unwrap_or_else(|| (1 << 30).min(self.smallest_volume() / 8).max(LEAST_WAL))
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
        let keep = &self.replication.max_slot_wal_keep_size;
        for (set, storage) in [("main", &self.main.storage), ("replica", &self.replica.storage)] {
            ensure!(
                keep.bytes() <= storage.bytes() / 2,
                "replication.max_slot_wal_keep_size is {keep}, more than half of {set}.storage ({storage}): a member that is away \
                 could fill the disk; write less, or more storage"
            );
        }
        // Slots are cut at checkpoints only: until then as much again may come.
        let always = self.parameters.bytes("wal_keep_size").unwrap_or(0);
        let wal = (self.max_wal_size().saturating_mul(2)).saturating_add(keep.bytes().max(always));
        let volume = self.smallest_volume();
        ensure!(
            wal <= volume / 4 * 3,
            "replication.max_slot_wal_keep_size (or wal_keep_size, if that is more) and twice max_wal_size are {} MB, more than three quarters \
             of a volume of {} MB: a member that is away could fill the disk; write less of them, or more storage",
            wal >> 20,
            volume >> 20
        );
        let least = self.parameters.bytes("min_wal_size").unwrap_or(0);
        ensure!(
            least <= self.max_wal_size(),
            "parameters.min_wal_size is {} MB, more than max_wal_size ({} MB): write less of it, or more of the other",
            least >> 20,
            self.max_wal_size() >> 20
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

/// What is wrong. The parser shows the line, which is not for everybody where it holds a secret.
fn said(text: &str, error: toml::de::Error) -> anyhow::Error {
    let unknown = |name: &&str| error.message().starts_with(&format!("unknown field `{name}`"));
    let Some(name) = ["cipher", "key", "password", "secret"].into_iter().find(unknown) else {
        return error.into();
    };
    let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
    anyhow!("line {line}: there is no {name} here: write it in secrets.yaml, beside this file")
}

impl Env {
    /// The database that a role's Secret leads to: the one that its settings name, else the only
    /// one that it owns.
    pub fn database_of(&self, role: &str) -> Option<&Identifier> {
        let named = self.role(role).and_then(|settings| settings.database.as_ref());
        let of_role = || self.owned(role).first().copied().or_else(|| self.read_by(role).next());
        named.or_else(of_role)
    }

    /// An object's name has no underscore, so `my_app` and `my-app` would share a Secret.
    fn check_secrets_of_roles(&self) -> Result<()> {
        let mut holders = BTreeMap::new();
        for role in self.roles.keys() {
            if let Some(other) = holders.insert(in_name(role), role) {
                bail!("{other} and {role} would share one Secret: rename one of the roles");
            }
        }
        Ok(())
    }

    fn role(&self, role: &str) -> Option<&Role> {
        self.roles.iter().find(|(name, _)| ***name == *role).map(|(_, settings)| settings)
    }

    /// The databases that a role may read.
    pub fn read_by(&self, role: &str) -> impl Iterator<Item = &Identifier> {
        self.role(role).into_iter().flat_map(|settings| &settings.reads)
    }

    fn owned(&self, role: &str) -> Vec<&Identifier> {
        let owned = self.databases.iter().filter(|(_, database)| *database.owner == *role);
        owned.map(|(name, _)| name).collect()
    }

    /// A second database must not turn an application to another one.
    fn check_database_of(&self, role: &Identifier, settings: &Role) -> Result<()> {
        for database in &settings.reads {
            let owner = self.databases.get(database).map(|database| &database.owner);
            ensure!(
                owner.is_some(),
                "roles.{role}.reads names {database}, which is not a database here: add [databases.{database}]"
            );
            ensure!(
                owner != Some(role),
                "roles.{role}.reads names {database}, which is its own and which it may change: leave it out"
            );
        }
        if let Some(database) = &settings.database {
            ensure!(
                self.databases.contains_key(database),
                "roles.{role}.database is {database}, which is not a database here: add [databases.{database}]"
            );
            return Ok(());
        }
        let owned: Vec<_> = self.owned(role).into_iter().map(ToString::to_string).collect();
        ensure!(
            owned.len() <= 1,
            "{role} owns {}: say which its Secret leads to with roles.{role}.database = \"{}\"",
            owned.join(" and "),
            owned[0]
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests;
