//! Values that are valid once they exist; each error says what to write.

use serde::{Deserialize, Serialize};

/// A string that passed `$check`.
macro_rules! checked_string {
    ($name:ident, $check:path) => {
        #[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                $check(&text).map(|()| Self(text))
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
        impl std::ops::Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(super) use checked_string;

/// Room for `-replica-0` and the revision hash that a `StatefulSet` appends, in a label's 63.
const NAME_LIMIT: usize = 40;

pub(super) fn refuse_unless(fits: bool, text: &str, wanted: &str) -> Result<(), String> {
    if fits { Ok(()) } else { Err(format!("`{text}` does not fit: write {wanted}")) }
}

/// A DNS label that still is one with our suffixes.
fn is_name(text: &str) -> bool {
    text.len() <= NAME_LIMIT
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// What PostgreSQL, Patroni and pg-cluster call their own roles and databases.
const RESERVED: [&str; 7] =
    ["none", "postgres", "public", "replicator", "rewind", "template0", "template1"];

fn check_name(text: &str) -> Result<(), String> {
    refuse_unless(is_name(text), text, "1 to 40 of a-z, 0-9 and -, first a letter and last no -")
}

fn check_identifier(text: &str) -> Result<(), String> {
    let free = !RESERVED.contains(&text) && !text.starts_with("pg-") && !text.starts_with("pg_");
    let fits = is_name(&in_name(text));
    let wanted = "1 to 40 of a-z, 0-9, - and _, first a letter, and none of the names PostgreSQL and Patroni use";
    refuse_unless(fits && free, text, wanted)
}

fn check_extension(text: &str) -> Result<(), String> {
    let part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    let fits = text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(part);
    refuse_unless(fits, text, "the name of an extension, such as pg_trgm or uuid-ossp")
}

/// PostgreSQL asks ICU whether there is such a language. A part that is too long would be left out.
fn check_locale(text: &str) -> Result<(), String> {
    let part = |part: &str| {
        (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric())
    };
    let fits = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.split('-').all(part);
    refuse_unless(fits, text, "a language as ICU names it, such as de, en-US or de-u-co-phonebk")
}

// The name of a cluster, which begins the names of its objects.
checked_string!(Name, check_name);
// A role or a database.
checked_string!(Identifier, check_identifier);
// An extension of PostgreSQL's: `pg_trgm`, `uuid-ossp`.
checked_string!(Extension, check_extension);
// A language as ICU names it: `de`, `sv-SE`, `en-u-kn`.
checked_string!(Locale, check_locale);
/// A role or a database as a part of an object's name, which has no underscore.
pub fn in_name(identifier: &str) -> String {
    identifier.replace('_', "-")
}

/// A whole number from MIN to MAX.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "toml::Value", into = "i64")]
pub struct Bounded<const MIN: i32, const MAX: i32, const DEFAULT: i32>(i32);

impl<const MIN: i32, const MAX: i32, const DEFAULT: i32> Bounded<MIN, MAX, DEFAULT> {
    pub fn new(value: impl Into<i64>) -> Result<Self, String> {
        let value = value.into();
        i32::try_from(value).ok().filter(|n| (MIN..=MAX).contains(n)).map(Self).ok_or_else(|| {
            format!("{value} is out of bounds: write {MIN} to {MAX} (the default is {DEFAULT})")
        })
    }

    pub fn get(self) -> i32 {
        self.0
    }
}
impl<const MIN: i32, const MAX: i32, const DEFAULT: i32> Default for Bounded<MIN, MAX, DEFAULT> {
    fn default() -> Self {
        Self(DEFAULT)
    }
}
impl<const MIN: i32, const MAX: i32, const DEFAULT: i32> TryFrom<toml::Value>
    for Bounded<MIN, MAX, DEFAULT>
{
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        let number = value.as_integer().ok_or_else(|| {
            format!("{value} is no whole number: write {MIN} to {MAX} (the default is {DEFAULT})")
        })?;
        Self::new(number)
    }
}
impl<const MIN: i32, const MAX: i32, const DEFAULT: i32> From<Bounded<MIN, MAX, DEFAULT>> for i64 {
    fn from(value: Bounded<MIN, MAX, DEFAULT>) -> Self {
        value.0.into()
    }
}
