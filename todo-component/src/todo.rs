//! What a todo is: the values that the API, the pages and the store share.
//!
//! Everything here is pure. A value that exists is valid: text from outside
//! becomes a [`Title`], a [`Cursor`] or a [`Filter`] here or nowhere.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};
use serde::Deserialize;
use std::fmt;

/// One row of `todoitem`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
pub struct Todo {
    pub id: i64,
    pub title: String,
    pub completed: bool,
    /// Where the todo stands in the list; equal orders follow the id.
    pub order: i32,
    /// Grows by one with each change; the `ETag` and the hidden form field.
    pub version: i64,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// RFC 3339, UTC.
    pub updated_at: String,
}

/// A title as the table takes it: trimmed, 1 to 256 Unicode scalar values, no
/// control character. Direction marks are kept; pages isolate titles instead.
#[derive(Debug, Clone, PartialEq, Eq)]
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
pub struct ControlChar(char);

impl fmt::Display for ControlChar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "U+{:04X}", u32::from(self.0))
    }
}

impl Title {
    /// The width of the old application's column, counted as PostgreSQL does.
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
/// default ignorable, and the two letters that are drawn empty.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Which todos a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Filter {
    #[default]
    All,
    Active,
    Completed,
}

impl Filter {
    pub const EACH: [Self; 3] = [Self::All, Self::Active, Self::Completed];

    /// The value of `?filter=`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Active => "active",
            Self::Completed => "completed",
        }
    }

    /// Reads `?filter=`. Anything unknown shows all: a page is better than an
    /// error for a mistyped link.
    pub fn parse(text: &str) -> Self {
        Self::EACH.into_iter().find(|filter| filter.as_str() == text).unwrap_or_default()
    }
}

/// The place after which a page of the list begins, written `<order>.<id>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    pub order: i32,
    pub id: i64,
}

impl Cursor {
    /// Reads what [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (order, id) = text.split_once('.')?;
        Some(Self { order: order.parse().ok()?, id: id.parse().ok()? })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.order, self.id)
    }
}

impl From<&Todo> for Cursor {
    fn from(todo: &Todo) -> Self {
        Self { order: todo.order, id: todo.id }
    }
}

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

/// How many todos there are, counted up to [`Count::MAX`] so that a page costs
/// the same with a million rows as with ten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(transparent)]
pub struct Count(u32);

impl Count {
    /// The largest exact count.
    pub const MAX: u32 = 999;

    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether the noun that follows is singular.
    pub fn is_one(self) -> bool {
        self.0 == 1
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > Self::MAX { write!(f, "{}+", Self::MAX) } else { write!(f, "{}", self.0) }
    }
}

/// One page of the list, and what the page around it tells of the whole.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Page {
    pub todos: Vec<Todo>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
    pub active: Count,
    pub completed: Count,
}

/// The versions of a todo that a write asks for, or must not find.
#[derive(Debug, PartialEq, Eq)]
pub enum Versions {
    Any,
    OneOf(Vec<i64>),
}

impl Versions {
    pub fn has(&self, version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(&version),
        }
    }
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
        ] {
            assert_eq!(Title::parse(text), Err(TitleError::Empty), "{text:?}");
        }
        assert!(Title::parse("\u{200b}x").is_ok());
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

    #[test]
    fn a_count_is_exact_up_to_its_bound() {
        assert_eq!(Count(999).to_string(), "999");
        assert_eq!(Count(1000).to_string(), "999+");
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

        #[test]
        fn a_cursor_survives_a_round_trip(order in any::<i32>(), id in any::<i64>()) {
            let cursor = Cursor { order, id };
            prop_assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        }

        #[test]
        fn no_text_breaks_the_cursor_or_the_filter(text in any::<String>()) {
            let _ = (Cursor::parse(&text), Filter::parse(&text));
        }
    }
}
