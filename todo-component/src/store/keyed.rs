//! Lists of one's own: made, looked at, changed, given new keys and taken away.

use super::error::Error;
use super::listing::Statement;
use super::reads::Read;
use super::scope::{Scope, digest, read_key};
use super::writes::ONE;
use super::{Store, sql};
use crate::own_list::{Colour, Key, Look};
use serde::Deserialize;

/// A list's look, and the key that only reads, for whoever may write.
#[derive(Debug, Deserialize)]
pub struct Links {
    pub look: Look,
    pub read_key: Option<String>,
}

impl Store {
    /// Makes a list that `key` opens.
    pub async fn create_list(&self, key: &Key, look: &Look) -> Result<Links, Error> {
        let sql = format!(
            "INSERT INTO todolist (name, colour, write_digest, read_digest) \
             VALUES ($1::text, $2::text, {}, {}) RETURNING {}{}",
            digest("$3"),
            digest(&read_key("$3")),
            links(&read_key("$3")),
            sql::TRANSACTION,
        );
        let colour = look.colour.as_str().to_owned();
        let params = vec![look.name.clone().into(), colour.into(), key.as_str().to_owned().into()];
        self.some(ONE, (sql, params)).await
    }

    /// What there is to say of this list.
    pub async fn links(&self) -> Result<Links, Error> {
        let reads = self.key().is_some_and(Key::reads);
        let read_key = if reads { "NULL".to_owned() } else { read_key("$1") };
        let sql = |found: &str| format!("SELECT {} FROM todolist WHERE {found}", links(&read_key));
        let mut params = vec![];
        let sql = sql(Scope::reading(self.key(), &mut params).found());
        self.read(Read::new((sql, params))).await?.ok_or(Error::NoSuchList)
    }

    /// Changes name and colour, or what of them is given.
    pub async fn change_list(
        &self,
        name: Option<String>,
        colour: Option<Colour>,
    ) -> Result<Links, Error> {
        let colour = colour.map(|colour| colour.as_str().to_owned());
        let set = "name = coalesce($1::text, name), colour = coalesce($2::text, colour)";
        let statement = self.statement(
            |scope| changing(set, scope.found(), "$3"),
            vec![name.into(), colour.into()],
        );
        self.some(ONE, statement).await
    }

    /// Gives the list another key; the ones before open nothing any more.
    pub async fn rekey(&self, key: &Key) -> Result<Links, Error> {
        let (write, read) = (digest("$1"), digest(&read_key("$1")));
        let set = format!("write_digest = {write}, read_digest = {read}");
        let statement = self.statement(
            |scope| changing(&set, scope.found(), "$1"),
            vec![key.as_str().to_owned().into()],
        );
        self.some(ONE, statement).await
    }

    /// Takes the list away with all that is in it.
    pub async fn delete_list(&self) -> Result<(), Error> {
        let statement: Statement = self.statement(
            |scope| {
                let (found, transaction) = (scope.found(), sql::TRANSACTION);
                format!("DELETE FROM todolist WHERE {found} RETURNING '1'{transaction}")
            },
            vec![],
        );
        self.some(ONE, statement).await.map(|_: u64| ())
    }
}

/// Changes the row that is `found`; `key` is the parameter with the key that writes from then on.
fn changing(set: &str, found: &str, key: &str) -> String {
    let links = links(&read_key(key));
    format!("UPDATE todolist SET {set} WHERE {found} RETURNING {links}{}", sql::TRANSACTION)
}

/// [`Links`] as JSON.
fn links(read_key: &str) -> String {
    let look = "json_build_object('name', name, 'colour', colour)";
    format!("json_build_object('look', {look}, 'read_key', {read_key})::text")
}
