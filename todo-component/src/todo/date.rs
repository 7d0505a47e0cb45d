//! Dates on which todos are due: days of the calendar, without a time or a zone.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// A day of the years 1 to 9999, written `2026-12-31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Date(time::Date);

/// Why a text is no [`Date`]. The message is shown to people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is no date. Write a day of the calendar as year, month and day: 2026-12-31.")]
pub struct DateError(String);

impl Date {
    pub fn parse(text: &str) -> Result<Self, DateError> {
        let shown = || DateError(text.chars().take(20).collect());
        Self::read(text).ok_or_else(shown)
    }

    fn read(text: &str) -> Option<Self> {
        let written = |(at, byte): (usize, u8)| {
            if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() }
        };
        if text.len() != 10 || !text.bytes().enumerate().all(written) {
            return None;
        }
        let year = text[..4].parse().ok().filter(|year| *year > 0)?;
        let month: u8 = text[5..7].parse().ok()?;
        let day = text[8..].parse().ok()?;
        time::Date::from_calendar_date(year, month.try_into().ok()?, day).ok().map(Self)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.0.to_calendar_date();
        write!(f, "{year:04}-{:02}-{day:02}", u8::from(month))
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_date_is_a_day_of_the_calendar() {
        for text in ["2026-12-31", "2028-02-29", "2000-02-29", "0001-01-01", "9999-12-31"] {
            assert_eq!(Date::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "2026-02-29",
            "1900-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-04-31",
            "2026-01-00",
            "0000-01-01",
            "2026-1-01",
            "26-01-01",
            "+026-01-01",
            "2026-01-01T00:00:00Z",
            " 2026-01-01",
            "2026/01/01",
            "20260101",
            "infinity",
            "today",
            "٢٠٢٦-٠١-٠١",
            "２０２６-01-01",
        ] {
            assert!(Date::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in any::<String>()) {
            if let Ok(date) = Date::parse(&text) {
                prop_assert_eq!(date.to_string(), text);
            }
        }
    }
}
