//! Notes: what there is to say of a todo beside its title.

use super::title::ControlChar;
use serde::Serialize;

/// Text of several lines, 0 to 4,000 Unicode scalar values, without trailing white space. Lines end
/// with `\n`, and there is no control character but that and the tab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notes(pub(super) String);

/// Why a text is no [`Notes`]. The messages are shown to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotesError {
    #[error("The notes have {0} characters. Shorten them to {max} or fewer.", max = Notes::MAX_CHARS)]
    TooLong(usize),
    #[error("The notes have a control character ({0}). Remove it.")]
    Control(ControlChar),
}

impl Notes {
    /// As many as fit into a request's body, each in the longest of its spellings.
    pub const MAX_CHARS: usize = 4000;

    pub fn parse(text: &str) -> Result<Self, NotesError> {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let text = text.trim_end();
        if let Some(c) = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            return Err(NotesError::Control(ControlChar(c)));
        }
        match text.chars().count() {
            n if n > Self::MAX_CHARS => Err(NotesError::TooLong(n)),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_and_end_alike() {
        for (text, kept) in [
            ("", ""),
            (" \n\t ", ""),
            ("a\r\n\tb\rc \n\n", "a\n\tb\nc"),
            ("  indented", "  indented"),
            ("<b>\u{202e}", "<b>\u{202e}"),
        ] {
            assert_eq!(Notes::parse(text).unwrap().0, kept);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(Notes::parse(&"👍".repeat(4000)).is_ok());
        assert_eq!(Notes::parse(&"é".repeat(4001)), Err(NotesError::TooLong(4001)));
        for text in ["a\0", "\u{1b}[31m", "\u{85}b"] {
            assert!(matches!(Notes::parse(text), Err(NotesError::Control(_))), "{text:?}");
        }
    }
}
