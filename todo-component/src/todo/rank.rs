//! Where todos of the same order stand.

use crate::text::is_number;
use serde::Deserialize;
use std::fmt;

/// A decimal number as the database writes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(transparent)]
pub struct Rank(String);

impl Rank {
    /// A move makes none that has more than 900 of them behind the point.
    const MAX_CHARS: usize = 1000;

    /// That of a todo which was never moved.
    pub fn of(id: i64) -> Self {
        Self(id.to_string())
    }

    /// Reads what [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        let positive = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = positive.split_once('.').unwrap_or((positive, "0"));
        let fits = text.len() <= Self::MAX_CHARS && is_number(whole) && is_number(fraction);
        fits.then(|| Self(text.to_owned()))
    }
}

impl Default for Rank {
    fn default() -> Self {
        Self::of(0)
    }
}

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_is_a_decimal_number() {
        for text in ["0", "7", "-1", "5.50", "-0.125", "123456789012345678901234567890.5"] {
            assert_eq!(Rank::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "-",
            ".5",
            "5.",
            "1e5",
            "NaN",
            "infinity",
            "1.2.3",
            "--1",
            " 1",
            "٧",
            &"9".repeat(1001),
        ] {
            assert_eq!(Rank::parse(text), None, "{text}");
        }
    }
}
