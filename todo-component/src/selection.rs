//! Which todos a list shows, and where on it somebody is. Pure, as `todo` is.

use crate::list::Look;
use crate::todo::{Date, Rank, Todo};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::fmt;

/// Which todos a list shows by what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Filter {
    #[default]
    All,
    Active,
    Completed,
    /// Active with a date on which it is due, the earliest first.
    Due,
}

impl Filter {
    pub const EACH: [Self; 4] = [Self::All, Self::Active, Self::Completed, Self::Due];

    /// The value of `?filter=`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Active => "active",
            Self::Completed => "completed",
            Self::Due => "due",
        }
    }

    /// Reads `?filter=`. Anything unknown shows all: a page is better than an
    /// error for a mistyped link.
    pub fn parse(text: &str) -> Self {
        Self::EACH.into_iter().find(|filter| filter.as_str() == text).unwrap_or_default()
    }
}

/// Words that each have to be somewhere in a todo's title or notes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search(String);

/// A search of more words than the database is asked for at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("A search has {words} words and {chars} characters at most. Leave some out.", words = Search::MAX_WORDS, chars = Search::MAX_CHARS)]
pub struct SearchError;

impl Search {
    pub const MAX_CHARS: usize = 256;
    const MAX_WORDS: usize = 10;

    /// Reads `?q=`; white space and control characters stand between words.
    pub fn parse(text: &str) -> Result<Self, SearchError> {
        let search = Self::begin(text);
        let words = words(text).collect::<Vec<_>>().join(" ");
        if search.0 == words { Ok(search) } else { Err(SearchError) }
    }

    /// As many of the words as fit: somebody who types is shown a list and no error.
    pub fn begin(text: &str) -> Self {
        let words: Vec<_> = words(text).take(Self::MAX_WORDS).collect();
        Self(
            words.join(" ").chars().take(Self::MAX_CHARS).collect::<String>().trim_end().to_owned(),
        )
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn words(&self) -> impl Iterator<Item = &str> {
        words(&self.0)
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let between = |c: char| c.is_whitespace() || c.is_control();
    text.split(between).filter(|word| !word.is_empty())
}

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

/// Which todos a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    pub filter: Filter,
    pub search: Search,
    pub days: Option<Days>,
}

/// The place after which a page of the list begins, written `<order>.<id>`, with the date and a dot
/// before it where the list goes by dates, and `~<rank>` behind it for a todo that was moved.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cursor {
    pub due: Option<Date>,
    pub order: i32,
    pub rank: Rank,
    pub id: i64,
}

impl Cursor {
    /// The place behind `todo` in a list of that filter.
    pub fn behind(todo: &Todo, filter: Filter) -> Self {
        let due = todo.due.filter(|_| filter == Filter::Due);
        Self { due, order: todo.order, rank: todo.rank.clone(), id: todo.id }
    }

    /// Reads what [`Display`](fmt::Display) writes, if it is a place in a list of that filter.
    pub fn parse(text: &str, filter: Filter) -> Option<Self> {
        let (due, place) = match filter {
            Filter::Due => {
                let (due, place) = text.split_once('.')?;
                (Some(Date::parse(due).ok()?), place)
            }
            _ => (None, text),
        };
        let (order, id) = place.split_once('.')?;
        let (id, rank) = id.split_once('~').map_or((id, None), |(id, rank)| (id, Some(rank)));
        let id = id.parse().ok()?;
        let rank = rank.map_or_else(|| Some(Rank::of(id)), Rank::parse)?;
        Some(Self { due, order: order.parse().ok()?, rank, id })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(due) = self.due {
            write!(f, "{due}.")?;
        }
        write!(f, "{}.{}", self.order, self.id)?;
        if self.rank != Rank::of(self.id) {
            write!(f, "~{}", self.rank)?;
        }
        Ok(())
    }
}

/// Where on the list somebody is, kept across a form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    pub filter: Filter,
    pub search: Search,
    pub after: Option<Cursor>,
}

impl Place {
    /// The same list from its beginning.
    pub fn first(&self) -> Self {
        Self { after: None, ..self.clone() }
    }

    /// Reads the fields that [`fields`](Self::fields) gives, and of any others what makes sense.
    pub fn parse<'a>(field: impl Fn(&str) -> Option<&'a str>) -> Self {
        let filter = field("filter").map(Filter::parse).unwrap_or_default();
        Self {
            filter,
            search: Search::begin(field("q").unwrap_or_default()),
            after: field("after").and_then(|after| Cursor::parse(after, filter)),
        }
    }

    pub fn selection(&self) -> Selection {
        Selection { filter: self.filter, search: self.search.clone(), days: None }
    }

    /// The names and values that say it, in addresses and in forms; none for the whole list.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, String)> {
        let filter = Some(self.filter).filter(|filter| *filter != Filter::All);
        let search = Some(&self.search).filter(|search| !search.is_empty());
        [
            filter.map(|filter| ("filter", filter.as_str().to_owned())),
            search.map(|search| ("q", search.as_str().to_owned())),
            self.after.as_ref().map(|after| ("after", after.to_string())),
        ]
        .into_iter()
        .flatten()
    }

    /// `?filter=active&after=2.6`, or nothing.
    pub fn query(&self) -> String {
        let mut query = String::new();
        for (name, value) in self.fields() {
            query.push(if query.is_empty() { '?' } else { '&' });
            query.push_str(name);
            query.push('=');
            match name {
                "q" => query.extend(utf8_percent_encode(&value, NON_ALPHANUMERIC)),
                _ => query.push_str(&value),
            }
        }
        query
    }

    pub fn address(&self) -> String {
        format!("/{}", self.query())
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
    /// The look of a list of one's own.
    pub list: Option<Look>,
    pub todos: Vec<Todo>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
    pub active: Count,
    pub completed: Count,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_count_is_exact_up_to_its_bound() {
        assert_eq!(Count(999).to_string(), "999");
        assert_eq!(Count(1000).to_string(), "999+");
    }

    #[test]
    fn a_search_is_its_words() {
        let words = |text| {
            Search::parse(text).map(|search| search.words().map(str::to_owned).collect::<Vec<_>>())
        };
        assert_eq!(words(" Milk\u{3000}100%\0\n"), Ok(vec!["Milk".to_owned(), "100%".to_owned()]));
        assert_eq!(words(" "), Ok(vec![]));
        assert_eq!(words("a b c d e f g h i j k"), Err(SearchError));
        assert_eq!(words(&"x".repeat(257)), Err(SearchError));
        assert_eq!(Search::begin("a b c d e f g h i j k").as_str(), "a b c d e f g h i j");
        assert_eq!(Search::begin(&"x".repeat(257)).as_str().len(), 256);
    }

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

    #[test]
    fn a_place_is_read_from_its_own_address() {
        let due = Date::parse("2026-12-31").ok();
        let search = Search::parse("a&b=c+d é").unwrap();
        let place = Place {
            filter: Filter::Due,
            search,
            after: Some(Cursor { due, order: -2, rank: Rank::parse("5.5").unwrap(), id: 6 }),
        };
        assert_eq!(
            place.address(),
            "/?filter=due&q=a%26b%3Dc%2Bd%20%C3%A9&after=2026-12-31.-2.6~5.5"
        );
        let fields: Vec<_> = place.fields().collect();
        let field =
            |name: &str| fields.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str());
        assert_eq!(Place::parse(field), place);
        assert_eq!(Place::default().address(), "/");
    }

    #[test]
    fn a_cursor_of_another_list_is_none() {
        assert_eq!(Cursor::parse("2026-12-31.2.6", Filter::All), None);
        assert_eq!(Cursor::parse("2.6", Filter::Due), None);
    }

    proptest! {
        #[test]
        fn a_cursor_survives_a_round_trip(order in any::<i32>(), id in any::<i64>()) {
            let cursor = Cursor { due: None, order, rank: Rank::of(id), id };
            prop_assert_eq!(Cursor::parse(&cursor.to_string(), Filter::All), Some(cursor));
        }

        #[test]
        fn no_text_breaks_what_reads_it(text in any::<String>()) {
            for filter in Filter::EACH {
                let _ = Cursor::parse(&text, filter);
            }
            let _ = (Filter::parse(&text), Days::parse(&text), Search::parse(&text));
        }
    }
}
