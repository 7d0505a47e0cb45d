//! A list of one's own: its key, which is its address, and what it is called. Pure, as `todo` is.

use crate::random;
use crate::todo::Title;
use crate::whole::present;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What opens a list: 128 random bits in hexadecimal, with an `r` before them where it only reads. Who
/// has it has the list. It has no `Debug`, so that it is in no log.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    text: String,
    reads: bool,
}

impl Key {
    pub fn random() -> Self {
        Self { text: random::key(), reads: false }
    }

    pub fn parse(text: &str) -> Option<Self> {
        let bits = text.strip_prefix('r').unwrap_or(text);
        let hexadecimal = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        let sound = bits.len() == 32 && bits.bytes().all(hexadecimal);
        sound.then(|| Self { text: text.to_owned(), reads: bits.len() < text.len() })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it only reads.
    pub fn reads(&self) -> bool {
        self.reads
    }

    /// The path of the list's page, which stands before all that is in the list.
    pub fn address(&self) -> String {
        format!("{LISTS}{}", self.text)
    }
}

/// What stands before a key in an address.
pub const LISTS: &str = "/lists/";

/// What a list is called, and how it looks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Look {
    pub name: String,
    #[serde(default)]
    pub colour: Colour,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colour {
    #[default]
    None,
    Red,
    Orange,
    Yellow,
    Green,
    Blue,
    Purple,
    Pink,
}

impl Colour {
    pub const EACH: [Self; 8] = [
        Self::None,
        Self::Red,
        Self::Orange,
        Self::Yellow,
        Self::Green,
        Self::Blue,
        Self::Purple,
        Self::Pink,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Red => "red",
            Self::Orange => "orange",
            Self::Yellow => "yellow",
            Self::Green => "green",
            Self::Blue => "blue",
            Self::Purple => "purple",
            Self::Pink => "pink",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::EACH.into_iter().find(|colour| colour.as_str() == text)
    }
}

/// Characters of the longest name.
pub const MAX_NAME: usize = 100;

/// Why a name is none. The messages are shown to people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookError {
    #[error("The list has no name. Give it one.")]
    NoName,
    #[error("The name is longer than {MAX_NAME} characters. Shorten it.")]
    LongName,
    #[error("The name has a control character. Remove it: a name is one line of text.")]
    Control,
    #[error("There is no such colour. The colours are {}.", Colours)]
    Colour,
}

struct Colours;

impl fmt::Display for Colours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Colour::EACH.map(Colour::as_str).join(", "))
    }
}

/// What to change of a list's look.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenLook {
    #[serde(default, deserialize_with = "present")]
    name: Option<String>,
    #[serde(default, deserialize_with = "present")]
    colour: Option<String>,
}

impl GivenLook {
    pub fn from_form<'a>(field: impl Fn(&str) -> Option<&'a str>) -> Self {
        let field = |name| field(name).map(str::to_owned);
        Self { name: field("name"), colour: field("colour") }
    }

    /// Name and colour, checked; what is not given is `None`.
    pub fn check(self) -> Result<(Option<String>, Option<Colour>), LookError> {
        let name = self.name.map(|name| checked_name(&name)).transpose()?;
        let colour = self.colour.map(|colour| Colour::parse(&colour).ok_or(LookError::Colour));
        Ok((name, colour.transpose()?))
    }
}

/// A name is a short title.
fn checked_name(text: &str) -> Result<String, LookError> {
    use crate::todo::TitleError;

    match Title::parse(text) {
        Ok(name) if name.as_str().chars().count() > MAX_NAME => Err(LookError::LongName),
        Ok(name) => Ok(name.as_str().to_owned()),
        Err(TitleError::Empty) => Err(LookError::NoName),
        Err(TitleError::TooLong(_)) => Err(LookError::LongName),
        Err(TitleError::Control(_)) => Err(LookError::Control),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_key_says_whether_it_only_reads() {
        assert!(!Key::parse(KEY).unwrap().reads());
        assert!(Key::parse(&format!("r{KEY}")).unwrap().reads());
        assert_eq!(Key::parse(KEY).unwrap().address(), format!("/lists/{KEY}"));
        for text in
            ["", "r", &KEY[1..], &format!("{KEY}0"), &format!("rr{KEY}"), &KEY.to_uppercase()]
        {
            assert!(Key::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_name_is_one_short_line() {
        let check = |name: &str| {
            let given = GivenLook { name: Some(name.to_owned()), colour: None };
            given.check().map(|(name, _)| name.unwrap())
        };
        assert_eq!(check("  Home "), Ok("Home".to_owned()));
        assert_eq!(check(" \u{200b}"), Err(LookError::NoName));
        assert_eq!(check("a\nb"), Err(LookError::Control));
        assert_eq!(check(&"ä".repeat(MAX_NAME + 1)), Err(LookError::LongName));
        assert!(check(&"ä".repeat(MAX_NAME)).is_ok());
    }

    #[test]
    fn each_colour_has_its_name() {
        for colour in Colour::EACH {
            assert_eq!(Colour::parse(colour.as_str()), Some(colour));
            assert_eq!(serde_json::to_value(colour).unwrap(), colour.as_str());
        }
        let given = GivenLook { name: None, colour: Some("mauve".to_owned()) };
        assert!(given.check().unwrap_err().to_string().contains("purple, pink"));
    }
}
