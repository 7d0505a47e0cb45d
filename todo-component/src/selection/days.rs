//! The days on which todos are due.

use crate::todo::Date;
use std::fmt;

/// The days on which todos are due, `before:2026-12-31` for instance. The day itself is not within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Days {
    Before(Date),
    On(Date),
    After(Date),
}

impl Days {
    /// Reads what [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (which, date) = text.split_once(':')?;
        let date = Date::parse(date).ok()?;
        match which {
            "before" => Some(Self::Before(date)),
            "on" => Some(Self::On(date)),
            "after" => Some(Self::After(date)),
            _ => None,
        }
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before(date) => write!(f, "before:{date}"),
            Self::On(date) => write!(f, "on:{date}"),
            Self::After(date) => write!(f, "after:{date}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_as_they_are_written() {
        for text in ["before:2026-12-31", "on:2028-02-29", "after:0001-01-01"] {
            assert_eq!(Days::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "2026-12-31",
            "before:",
            "before:2026-02-30",
            "until:2026-12-31",
            "Before:2026-12-31",
        ] {
            assert_eq!(Days::parse(text), None, "{text}");
        }
    }
}
