//! What can be taken back, as its form and its cookie have it.

use serde::Deserialize;
use std::fmt;

/// A deletion: what went together comes back together, for whoever has its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion(String);

impl Deletion {
    pub fn parse(text: &str) -> Option<Self> {
        bits(text).map(Self)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a page offers to take back, as its form and its cookie have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undo {
    Deletion(Deletion),
    /// All that one statement marked share its moment.
    Marking(Marking),
    Edit(Edit),
    Import(Import),
}

/// An edit: the todo as it left it. What it found is kept with the todo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edit {
    pub id: i64,
    pub version: i64,
}

impl Edit {
    /// Reads two numbers with a dash between them. The version before has a title behind them.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-');
        Some(Self { id: parts.next()?.parse().ok()?, version: parts.next()?.parse().ok()? })
    }
}

/// An import: what the keys of its todos begin with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Import(String);

impl Import {
    /// What tells its text from a deletion's.
    const MARK: char = 'i';

    fn parse(text: &str) -> Option<Self> {
        bits(text.strip_prefix(Self::MARK)?).map(Self)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// 128 bits in hexadecimal.
fn bits(text: &str) -> Option<String> {
    let fits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| text.to_owned())
}

/// When all were marked, in microseconds since 1970, and as what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marking {
    pub completed: bool,
    pub moment: i64,
}

impl Marking {
    /// Up to the year 9999: the database's own calendar ends later.
    const MOMENTS: std::ops::RangeInclusive<i64> = 0..=253_402_300_799_999_999;
}

impl Undo {
    /// Reads what [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(deletion) = Deletion::parse(text) {
            return Some(Self::Deletion(deletion));
        }
        if let Some(edit) = Edit::parse(text) {
            return Some(Self::Edit(edit));
        }
        if let Some(import) = Import::parse(text) {
            return Some(Self::Import(import));
        }
        let (completed, moment) = text.split_once('_')?;
        Some(Self::Marking(Marking {
            completed: completed.parse().ok()?,
            moment: moment.parse().ok().filter(|moment| Marking::MOMENTS.contains(moment))?,
        }))
    }
}

impl fmt::Display for Undo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deletion(deletion) => f.write_str(deletion.as_str()),
            Self::Marking(Marking { completed, moment }) => write!(f, "{completed}_{moment}"),
            Self::Edit(Edit { id, version }) => write!(f, "{id}-{version}"),
            Self::Import(import) => write!(f, "{}{}", Import::MARK, import.as_str()),
        }
    }
}

impl From<[u8; 16]> for Deletion {
    fn from(bits: [u8; 16]) -> Self {
        Self(format!("{:032x}", u128::from_be_bytes(bits)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_undone_survives_a_round_trip_and_nothing_else_is_it() {
        let marking = Marking { completed: false, moment: 1_795_654_800_123_456 };
        for undo in [
            Undo::Deletion(Deletion::from([7; 16])),
            Undo::Marking(marking),
            Undo::Edit(Edit { id: i64::MAX, version: 3 }),
            Undo::Import(Import("7".repeat(32))),
        ] {
            assert_eq!(Undo::parse(&undo.to_string()), Some(undo));
        }
        for text in [
            "",
            "7",
            &"g".repeat(32),
            &"7".repeat(33),
            &"é".repeat(16),
            "true_",
            "yes_1",
            "true_-1",
            "true_253402300800000000",
            "7-",
            "-7",
            &format!("i{}", "7".repeat(31)),
        ] {
            assert_eq!(Undo::parse(text), None, "{text}");
        }
    }
}
