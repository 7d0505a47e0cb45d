//! Which todos a list shows, and where on it somebody is. Pure, as `todo` is.

mod cursor;
mod days;
mod search;

pub use cursor::Cursor;
pub use days::Days;
pub use search::{Search, SearchError};

use crate::own_list::Look;
use crate::todo::Todo;
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
    /// The active ones with the completed ones unfolded behind them.
    Unfolded,
}

impl Filter {
    pub const EACH: [Self; 5] =
        [Self::All, Self::Active, Self::Completed, Self::Due, Self::Unfolded];

    /// The value of `?filter=`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Active => "active",
            Self::Completed => "completed",
            Self::Due => "due",
            Self::Unfolded => "unfolded",
        }
    }

    /// Reads `?filter=`. Anything unknown shows all: a page is better than an
    /// error for a mistyped link.
    pub fn parse(text: &str) -> Self {
        Self::EACH.into_iter().find(|filter| filter.as_str() == text).unwrap_or_default()
    }
}

/// Which todos a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    pub filter: Filter,
    pub search: Search,
    pub days: Option<Days>,
}

/// Where on the list somebody is, kept across a form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    pub filter: Filter,
    pub search: Search,
    pub after: Option<Cursor>,
    /// How many pages are shown as one with the first: the list goes on as somebody scrolls.
    pub more: usize,
}

impl Place {
    /// The most of them. A page that large is read again at each change.
    pub const MAX_MORE: usize = 3;

    /// The same list from its beginning.
    pub fn first(&self) -> Self {
        Self { after: None, more: 0, ..self.clone() }
    }

    /// Reads the fields that [`fields`](Self::fields) gives, and of any others what makes sense.
    pub fn parse<'a>(field: impl Fn(&str) -> Option<&'a str>) -> Self {
        let filter = field("filter").map(Filter::parse).unwrap_or_default();
        Self {
            filter,
            search: Search::begin(field("q").unwrap_or_default()),
            after: field("after").and_then(|after| Cursor::parse(after, filter)),
            more: field("more").and_then(|more| more.parse().ok()).unwrap_or(0).min(Self::MAX_MORE),
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
            Some(self.more).filter(|more| *more > 0).map(|more| ("more", more.to_string())),
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

    /// The number itself, if it was counted to the end.
    pub fn exact(self) -> Option<usize> {
        (self.0 <= Self::MAX).then_some(self.0 as usize)
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
    /// How many of the selection stand before them.
    pub before: Count,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
    pub active: Count,
    pub completed: Count,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::todo::{Date, Rank};
    use proptest::prelude::*;

    #[test]
    fn a_count_is_exact_up_to_its_bound() {
        assert_eq!(Count(999).to_string(), "999");
        assert_eq!(Count(1000).to_string(), "999+");
    }

    #[test]
    fn a_place_is_read_from_its_own_address() {
        let due = Date::parse("2026-12-31").ok();
        let search = Search::parse("a&b=c+d é").unwrap();
        let place = Place {
            filter: Filter::Due,
            search,
            after: Some(Cursor {
                due,
                completed: false,
                order: -2,
                rank: Rank::parse("5.5").unwrap(),
                id: 6,
            }),
            more: 2,
        };
        assert_eq!(
            place.address(),
            "/?filter=due&q=a%26b%3Dc%2Bd%20%C3%A9&after=2026-12-31.-2.6~5.5&more=2"
        );
        let fields: Vec<_> = place.fields().collect();
        let field =
            |name: &str| fields.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str());
        assert_eq!(Place::parse(field), place);
        assert_eq!(Place::default().address(), "/");
        for (text, more) in [("1", 1), ("4", Place::MAX_MORE), ("-1", 0), ("x", 0)] {
            assert_eq!(Place::parse(|name| (name == "more").then_some(text)).more, more, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_what_reads_it(text in any::<String>()) {
            for filter in Filter::EACH {
                let _ = Cursor::parse(&text, filter);
            }
            let _ = (Filter::parse(&text), Days::parse(&text), Search::parse(&text));
        }
    }
}
