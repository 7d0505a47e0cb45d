//! Values that are valid once they exist; each error says what to write.

use std::{fmt, ops::Deref};

use serde::{Deserialize, Serialize};

/// A string that passed `$check`.
macro_rules! checked_string {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                let check: fn(&str) -> Result<(), String> = $check;
                check(&text).map(|()| Self(text))
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(super) use checked_string;

/// Room for `-replica-0` and the revision hash that a StatefulSet appends, in a label's 63.
const NAME_LIMIT: usize = 40;

fn refuse_unless(fits: bool, text: &str, wanted: &str) -> Result<(), String> {
    if fits { Ok(()) } else { Err(format!("`{text}` does not fit: write {wanted}")) }
}

fn is_word(text: &str, first: fn(char) -> bool, rest: fn(char) -> bool) -> bool {
    text.starts_with(first) && text.chars().all(rest)
}

checked_string!(
    /// A DNS label that still is one with our suffixes.
    Name,
    |text| refuse_unless(
        text.len() <= NAME_LIMIT
            && is_word(text, |c| c.is_ascii_lowercase(), |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && !text.ends_with('-'),
        text,
        "1 to 40 of a-z, 0-9 and -, first a letter and last no -",
    )
);

checked_string!(
    /// A role or a database: also part of a Secret's name, so no underscore.
    Identifier,
    |text| refuse_unless(
        text.len() <= NAME_LIMIT
            && is_word(text, |c| c.is_ascii_lowercase(), |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && !text.ends_with('-')
            && !["postgres", "replicator", "rewind", "template0", "template1", "public", "none"].contains(&text)
            && !text.starts_with("pg-"),
        text,
        "1 to 40 of a-z, 0-9 and -, and none of the names PostgreSQL and Patroni use themselves",
    )
);

checked_string!(
    /// A key of a node label.
    Label,
    |text| refuse_unless(
        text.len() <= 253
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.ends_with(|c: char| c.is_ascii_alphanumeric())
            && text.matches('/').count() <= 1
            && text.rsplit('/').next().is_some_and(|name| name.len() <= 63),
        text,
        "a label of your nodes, such as kubernetes.io/hostname or topology.kubernetes.io/zone",
    )
);

checked_string!(
    /// An image that says which version it is.
    Image,
    |text| refuse_unless(
        !text.contains(char::is_whitespace)
            && (text.contains("@sha256:") || text.rsplit('/').next().is_some_and(|name| name.contains(':')))
            && !text.ends_with(":latest")
            && !text.ends_with(':'),
        text,
        "an image with a tag other than latest, or with a digest, such as localhost/todoozle/postgres:17",
    )
);

checked_string!(
    /// An amount of memory, storage or processor time, as Kubernetes writes it.
    Quantity,
    |text| refuse_unless(quantity_bytes(text).is_some_and(|n| n > 0.0), text, "a number with a unit, such as 8Gi, 512Mi or 250m")
);

impl Quantity {
    pub fn bytes(&self) -> u64 {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // checked to be positive; an estimate is enough
        quantity_bytes(self).map_or(0, |n| n as u64)
    }
}

fn quantity_bytes(text: &str) -> Option<f64> {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let factor = match &text[at..] {
        "m" => 0.001,
        "" => 1.0,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => 1_024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        _ => return None,
    };
    Some(text[..at].parse::<f64>().ok()? * factor)
}

checked_string!(
    /// A size as PostgreSQL writes it.
    Size,
    |text| refuse_unless(size_bytes(text).is_some_and(|n| n > 0), text, "a number and kB, MB, GB or TB, such as 512MB")
);

impl Size {
    pub fn bytes(&self) -> u64 {
        size_bytes(self).unwrap_or(0)
    }
}

pub(super) fn size_bytes(text: &str) -> Option<u64> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let shift = match text[at..].trim_start() {
        "kB" => 10,
        "MB" => 20,
        "GB" => 30,
        "TB" => 40,
        _ => return None,
    };
    text[..at].parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// A whole number from MIN to MAX.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "i64", into = "i64")]
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
impl<const MIN: i32, const MAX: i32, const DEFAULT: i32> TryFrom<i64>
    for Bounded<MIN, MAX, DEFAULT>
{
    type Error = String;

    fn try_from(value: i64) -> Result<Self, String> {
        Self::new(value)
    }
}
impl<const MIN: i32, const MAX: i32, const DEFAULT: i32> From<Bounded<MIN, MAX, DEFAULT>> for i64 {
    fn from(value: Bounded<MIN, MAX, DEFAULT>) -> Self {
        value.0.into()
    }
}
