//! Roles and databases, and which belong together.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::{Bounded, Env, Extension, Identifier, Locale, in_name};

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
    /// The database that a role's Secret leads to: the one that its settings name, else the only
    /// one that it owns.
    pub fn database_of(&self, role: &str) -> Option<&Identifier> {
        let named = self.role(role).and_then(|settings| settings.database.as_ref());
        let of_role = || self.owned(role).first().copied().or_else(|| self.read_by(role).next());
        named.or_else(of_role)
    }

    /// An object's name has no underscore, so `my_app` and `my-app` would share a Secret.
    pub(super) fn check_secrets_of_roles(&self) -> Result<()> {
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
    pub(super) fn check_database_of(&self, role: &Identifier, settings: &Role) -> Result<()> {
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
