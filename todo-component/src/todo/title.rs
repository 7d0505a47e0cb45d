//! Titles.

use serde::Serialize;
use std::fmt;

/// A title as the table takes it: trimmed, 1 to 256 Unicode scalar values, no
/// control character. Direction marks are kept; pages isolate titles instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Title(String);

/// Why a text is no [`Title`]. The messages are shown to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TitleError {
    #[error("The title is empty. Write what there is to do.")]
    Empty,
    #[error("The title has {0} characters. Shorten it to {max} or fewer.", max = Title::MAX_CHARS)]
    TooLong(usize),
    #[error("The title has a control character ({0}). Remove it: a title is one line of text.")]
    Control(ControlChar),
}

/// A control character, printed as `U+000A`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlChar(pub(super) char);

impl fmt::Display for ControlChar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "U+{:04X}", u32::from(self.0))
    }
}

impl Title {
    /// The width of the old application's column, counted as PostgreSQL does. A step's title has it, too:
    /// `request::MAX_BODY` and the columns `task` of four tables follow from it.
    pub const MAX_CHARS: usize = 256;

    /// Trims `text` and checks it.
    pub fn parse(text: &str) -> Result<Self, TitleError> {
        let text = text.trim();
        if text.chars().all(is_invisible) {
            return Err(TitleError::Empty);
        }
        if let Some(c) =
            text.chars().find(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
        {
            return Err(TitleError::Control(ControlChar(c)));
        }
        match text.chars().count() {
            n if n > Self::MAX_CHARS => Err(TitleError::TooLong(n)),
            _ => Ok(Self(text.to_owned())),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a character alone shows nothing and is read out by nobody: spaces, what Unicode calls
/// default ignorable, marks of where something begins and ends, and the letters that are drawn empty.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{13430}'..='\u{13442}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_title_keeps_markup_and_direction_marks() {
        for text in ["<b>x</b>", "\u{202e}abc\u{200f}", "a\u{a0}b", "👩‍👩‍👧"] {
            assert_eq!(Title::parse(text).map(|t| t.0), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_title_is_counted_in_scalar_values() {
        assert!(Title::parse(&"é".repeat(256)).is_ok());
        assert!(Title::parse(&"👍".repeat(256)).is_ok());
        assert_eq!(Title::parse(&"👍".repeat(257)), Err(TitleError::TooLong(257)));
        assert!(Title::parse(&format!("  {}\n", "x".repeat(256))).is_ok());
    }

    #[test]
    fn an_error_names_the_control_character() {
        let error = Title::parse("a\nb").unwrap_err();
        assert!(error.to_string().contains("U+000A"), "{error}");
        for text in ["a\0b", "a\u{7f}b", "a\u{85}b"] {
            assert!(matches!(Title::parse(text), Err(TitleError::Control(_))), "{text:?}");
        }
        for text in ["a\u{2028}b", "a\u{2029}b"] {
            assert!(matches!(Title::parse(text), Err(TitleError::Control(_))), "{text:?}");
        }
    }

    #[test]
    fn a_title_that_nobody_can_see_is_empty() {
        for text in [
            " \t\u{3000}",
            "\u{200b}",
            "\u{2800}\u{3164}\u{feff}",
            "\u{ad} \u{2060}",
            "\u{202e}\u{fe0f}",
            "\u{fff9}\u{fffb}",
            "\u{1d159}",
            "\u{13430}\u{13441}",
        ] {
            assert_eq!(Title::parse(text), Err(TitleError::Empty), "{text:?}");
        }
        assert!(Title::parse("\u{200b}x").is_ok());
    }

    proptest! {
        #[test]
        fn parsing_a_title_never_panics_and_is_idempotent(text in any::<String>()) {
            if let Ok(title) = Title::parse(&text) {
                prop_assert!(!title.0.is_empty() && title.0.chars().count() <= Title::MAX_CHARS);
                prop_assert_eq!(title.0.trim(), &title.0);
                prop_assert_eq!(Title::parse(&title.0), Ok(title.clone()));
            }
        }
    }
}
