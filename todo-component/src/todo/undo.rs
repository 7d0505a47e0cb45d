//! What can be taken back, as its form and its cookie have it.

use super::Title;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};
use std::fmt;

/// A deletion: what went together comes back together, for whoever has its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion(String);

impl Deletion {
    const LENGTH: usize = 32;

    /// Reads a key of 128 bits in hexadecimal.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == Self::LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        fits.then(|| Self(text.to_owned()))
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
}

/// A change of a title: the todo as it left it, and what the title was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub id: i64,
    pub version: i64,
    pub title: Title,
}

impl Edit {
    /// Reads a number, a number and a title, percent-encoded, with a dash between each.
    fn parse(text: &str) -> Option<Self> {
        let (id, rest) = text.split_once('-')?;
        let (version, title) = rest.split_once('-')?;
        let title = percent_decode(title.as_bytes()).decode_utf8().ok()?;
        Some(Self {
            id: id.parse().ok()?,
            version: version.parse().ok()?,
            title: Title::parse(&title).ok()?,
        })
    }
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
            Self::Edit(Edit { id, version, title }) => {
                write!(
                    f,
                    "{id}-{version}-{}",
                    utf8_percent_encode(title.as_str(), NON_ALPHANUMERIC)
                )
            }
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
    fn what_is_offered_to_take_back_is_read_again() {
        let longest = "👍".repeat(Title::MAX_CHARS);
        for title in ["buy milk", "a-b_c.d;e=f", "<ä> \"é\"", &longest] {
            let title = Title::parse(title).unwrap();
            let undo = Undo::Edit(Edit { id: i64::MAX, version: 3, title });
            let text = undo.to_string();
            assert_eq!(Undo::parse(&text), Some(undo));
            // It is the value of a cookie, after a word and a dot.
            assert!(
                text.len() < 3900
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"%-".contains(&b))
            );
        }
        for wrong in ["7-3-", "7-x-a", "7-3", "-7-3-a%00", "7-3-%ff"] {
            assert_eq!(Undo::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_can_be_undone_survives_a_round_trip_and_nothing_else_is_it() {
        let marking = Marking { completed: false, moment: 1_795_654_800_123_456 };
        for undo in [Undo::Deletion(Deletion::from([7; 16])), Undo::Marking(marking)] {
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
        ] {
            assert_eq!(Undo::parse(text), None, "{text}");
        }
    }
}
