//! Where the archive is, how often a backup is taken, and how long it is kept.

use anyhow::{Result, ensure};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{Bounded, Image, Quantity, Schedule, set::fixed, values::checked_string};

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// A bucket of somebody else's, which a key opens …
    pub s3: Option<S3>,
    /// … or of Google's, opened by who the pods are there (Workload Identity) …
    pub gcs: Option<Gcs>,
    /// … or a container of Azure's, which a key opens …
    pub azure: Option<Azure>,
    /// … or a small S3 server of the cluster's own, beside it.
    pub own: Option<Own>,
    #[serde(default = "weekly")]
    pub full: Schedule,
    #[serde(default = "daily")]
    pub differential: Schedule,
    /// When the newest backup is restored, to see that it can be.
    #[serde(default = "midweek")]
    pub drill: Schedule,
    /// Full backups that are kept, with all that builds on them.
    #[serde(default)]
    pub keep: Bounded<1, 1000, 2>,
    /// Seconds after which WAL that is not full is archived all the same.
    #[serde(default)]
    pub archive_timeout: Bounded<10, 3600, 60>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    pub bucket: Word,
    pub endpoint: Word,
    pub region: Word,
    /// Default: the namespace and the name.
    pub prefix: Option<Word>,
    /// For servers that know a bucket by the path and not by a host of its own.
    #[serde(default)]
    pub path_style: bool,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Gcs {
    pub bucket: Word,
    /// Default: the namespace and the name.
    pub prefix: Option<Word>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Azure {
    pub account: Word,
    pub container: Word,
    /// Default: the namespace and the name.
    pub prefix: Option<Word>,
    /// Of a cloud other than the public one.
    pub endpoint: Option<Word>,
    #[serde(default)]
    pub key: AzureKey,
}

/// What kind of key opens it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AzureKey {
    /// The account's.
    #[default]
    Shared,
    /// A shared access signature.
    Sas,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Own {
    pub image: Image,
    pub storage: Quantity,
}

impl Backup {
    pub fn check(&self) -> Result<()> {
        let places =
            [self.s3.is_some(), self.gcs.is_some(), self.azure.is_some(), self.own.is_some()];
        ensure!(
            places.into_iter().filter(|named| *named).count() == 1,
            "[backup] needs one place to write to: s3 = {{ … }}, gcs = {{ … }}, azure = {{ … }}, or own = {{ … }} for a small server beside the database"
        );
        Ok(())
    }
}

impl Backup {
    /// Whether the archive stays when the cluster goes.
    pub fn outlives_cluster(&self) -> bool {
        self.own.is_none()
    }

    /// The longest that lies between two backups when all goes well.
    pub fn often(&self) -> SignedDuration {
        Schedule::period(&[&self.full, &self.differential])
    }
}

// Backups while little happens, and the drill well after one has ended.
fn weekly() -> Schedule {
    fixed("0 1 * * 0")
}

fn daily() -> Schedule {
    fixed("0 1 * * 1-6")
}

fn midweek() -> Schedule {
    fixed("0 3 * * 3")
}

fn check_word(text: &str) -> Result<(), String> {
    let fits = !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_graphic() && !b"=#[]\"'\\".contains(&b));
    if fits {
        return Ok(());
    }
    Err(format!("`{text}` does not fit: write it without spaces, quotes, brackets, = and #"))
}

// What stands in pgBackRest's configuration, which knows no quotes.
checked_string!(Word, check_word);
