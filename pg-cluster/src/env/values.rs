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

fn check_image(text: &str) -> Result<(), String> {
    let (name, digest) = text.split_once('@').map_or((text, None), |(name, it)| (name, Some(it)));
    // A colon before the last slash is a registry's port.
    let at = name.rfind('/').map_or(0, |at| at + 1);
    let (path, tag) = match name[at..].split_once(':') {
        Some((last, tag)) => (&name[..at + last.len()], Some(tag)),
        None => (name, None),
    };
    let lower = |part: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        part.chars().all(inner) && part.starts_with(edge) && part.ends_with(edge)
    };
    let (first, rest) = path.split_once('/').map_or((path, None), |(first, it)| (first, Some(it)));
    let host = |text: &str| {
        let (host, port) = text.split_once(':').unwrap_or((text, "1"));
        lower(&host.to_ascii_lowercase()) && port.parse::<u16>().is_ok()
    };
    let named = match rest {
        None => lower(first),
        Some(rest) => host(first) && rest.split('/').all(lower),
    };
    let tagged = |tag: &str| {
        tag.len() <= 128
            && tag.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && tag.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
    };
    let digested = |digest: &str| {
        let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        digest.strip_prefix("sha256:").is_some_and(|it| it.len() == 64 && it.chars().all(hex))
    };
    let fits = named
        && tag.is_none_or(tagged)
        && digest.map_or(tag.is_some_and(|tag| tag != "latest"), digested);
    refuse_unless(fits, text, "an image with a tag other than latest, or with a digest")
}

fn check_quantity(text: &str) -> Result<(), String> {
    // `m` is a thousandth of a byte, and the best-known slip.
    let whole = |amount: f64| amount >= 1.0 && amount.fract() == 0.0 && !text.ends_with('m');
    let fits = quantity_bytes(text).is_some_and(whole);
    refuse_unless(fits, text, "whole bytes with a unit, such as 8Gi or 512Mi")
}

fn check_cpu(text: &str) -> Result<(), String> {
    let fits = if let Some(thousandths) = text.strip_suffix('m') {
        thousandths.parse::<u32>().is_ok_and(|count| count > 0)
    } else {
        let fraction = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        text.chars().all(|c| c.is_ascii_digit() || c == '.')
            && fraction <= 3
            && text.parse::<f64>().is_ok_and(|cores| cores > 0.0)
    };
    refuse_unless(fits, text, "processors, or thousandths of one, such as 2, 0.5 or 250m")
}

fn check_extension(text: &str) -> Result<(), String> {
    let part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    let fits = text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(part);
    refuse_unless(fits, text, "the name of an extension, such as pg_trgm or uuid-ossp")
}

fn check_locale(text: &str) -> Result<(), String> {
    let fits = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    refuse_unless(fits, text, "a language as ICU names it, such as de or en-US")
}

fn check_size(text: &str) -> Result<(), String> {
    let fits = size_bytes(text).is_some_and(|size| size > 0);
    refuse_unless(fits, text, "a number and kB, MB, GB or TB, such as 512MB")
}

// The name of an object, or a part of one.
checked_string!(Name, check_name);
// A role or a database.
checked_string!(Identifier, check_identifier);
// An extension of PostgreSQL's: `pg_trgm`, `uuid-ossp`.
checked_string!(Extension, check_extension);
// A language as ICU names it: `de`, `sv-SE`, `en-u-kn`.
checked_string!(Locale, check_locale);
checked_string!(Image, check_image);
// An amount of memory or storage, as Kubernetes writes it.
checked_string!(Quantity, check_quantity);
// An amount of processor time, as Kubernetes writes it.
checked_string!(Cpu, check_cpu);
// A size as PostgreSQL writes it.
checked_string!(Size, check_size);

/// A role or a database as a part of an object's name, which has no underscore.
pub fn in_name(identifier: &str) -> String {
    identifier.replace('_', "-")
}

impl Quantity {
    pub fn bytes(&self) -> u64 {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // checked to be positive; an estimate is enough
        quantity_bytes(self).map_or(0, |n| n as u64)
    }
}

impl Cpu {
    /// Thousandths of a processor.
    pub fn thousandths(&self) -> f64 {
        match self.strip_suffix('m') {
            Some(number) => number.parse().unwrap_or(0.0),
            None => self.parse::<f64>().unwrap_or(0.0) * 1000.0,
        }
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

impl Size {
    pub fn bytes(&self) -> u64 {
        size_bytes(self).unwrap_or(0)
    }
}

/// A size with its unit, as the other sizes of this file are written.
fn size_bytes(text: &str) -> Option<u64> {
    parameter_bytes(text, None)
}

/// A size as PostgreSQL reads it, where a number alone counts in `unit`. One with a nought before it is
/// refused: PostgreSQL takes it for octal.
pub(super) fn parameter_bytes(text: &str, unit: Option<u64>) -> Option<u64> {
    let text = text.trim();
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let unit = match text[at..].trim_start() {
        "" => unit?,
        "B" => 1,
        "kB" => 1 << 10,
        "MB" => 1 << 20,
        "GB" => 1 << 30,
        "TB" => 1 << 40,
        _ => return None,
    };
    let number = &text[..at];
    if number.starts_with('0') && number[1..].starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    match number.parse::<u64>() {
        Ok(whole) => whole.checked_mul(unit),
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss
        )]
        // no sign can be read, and an estimate is enough
        Err(_) => {
            number.contains('.').then_some((number.parse::<f64>().ok()? * unit as f64) as u64)
        }
    }
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
