//! Slots of logical decoding that go along with the primary.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::{Env, Identifier, replication::WalLevel};

/// A slot that Patroni makes, and keeps on the standbys as well.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    pub database: Identifier,
    /// PostgreSQL's name of the output plugin.
    #[serde(default = "pgoutput")]
    pub plugin: String,
}

fn pgoutput() -> String {
    "pgoutput".to_owned()
}

impl Env {
    pub(super) fn check_slots(&self) -> Result<()> {
        let replication = &self.replication;
        for (slot, Slot { database, plugin }) in &self.slots {
            ensure!(
                replication.wal_level == WalLevel::Logical,
                "slots.{slot} needs more in the WAL: write wal_level = \"logical\" under [replication]"
            );
            let named = |text: &str| {
                let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
                !text.is_empty() && text.chars().all(fits)
            };
            ensure!(
                named(slot) && named(plugin),
                "slots.{slot} with plugin = {plugin:?}: write both names with a-z, 0-9 and _, such as cdc and pgoutput"
            );
            ensure!(
                self.databases.contains_key(database),
                "slots.{slot}.database is {database}, which is not a database here: add [databases.{database}]"
            );
            // Patroni calls the slots of members so.
            let of_members = format!("{}_", self.name.replace('-', "_"));
            ensure!(
                !slot.starts_with(&of_members),
                "slots.{slot} could be the slot of a member: write a name that does not begin with {of_members}"
            );
        }
        let needed = self.members() + i32::try_from(self.slots.len())?;
        let slots = replication.max_replication_slots.get();
        ensure!(
            slots >= needed,
            "replication.max_replication_slots is {slots}: {} members and {} slots need {needed} or more",
            self.members(),
            self.slots.len()
        );
        Ok(())
    }
}
