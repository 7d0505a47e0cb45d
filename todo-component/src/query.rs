//! The query of `/todos`: which todos, and how many of them.

use crate::error::Problem;
use crate::request::Pairs;
use crate::selection::{Cursor, Days, Filter, Search, Selection};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 100;

/// The query of a list.
pub struct Query {
    pub selection: Selection,
    pub after: Option<Cursor>,
    pub limit: usize,
}

impl Query {
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let pairs = Pairs::parse(text.as_bytes())?;
        let selection = selection(&pairs)?;
        let after = pairs.get("after").map(|text| {
            Cursor::parse(text, selection.filter).ok_or_else(|| {
                refused("`after` is not a cursor of this list. Follow the Link header, or leave it out.")
            })
        });
        let limit = pairs.get("limit").map(|text| {
            text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or_else(|| {
                Problem::bad_request("query", format!("`limit` is a number from 1 to {MAX_LIMIT}."))
            })
        });
        Ok(Self {
            selection,
            after: after.transpose()?,
            limit: limit.transpose()?.unwrap_or(DEFAULT_LIMIT),
        })
    }

    /// The query of the page that begins after `next`.
    pub fn following(&self, next: &Cursor) -> String {
        let Selection { filter, search, days } = &self.selection;
        let completed = match filter {
            Filter::Active => "&completed=false",
            Filter::Completed => "&completed=true",
            Filter::All | Filter::Due | Filter::Unfolded => "",
        };
        let mut query = format!("after={next}&limit={}{completed}", self.limit);
        if !search.is_empty() {
            query.push_str("&q=");
            query.extend(utf8_percent_encode(search.as_str(), NON_ALPHANUMERIC));
        }
        if let Some(days) = days {
            query.push_str("&due=");
            query.push_str(&days.to_string());
        }
        query
    }
}

/// Which todos the query asks for.
pub fn selection(pairs: &Pairs) -> Result<Selection, Problem> {
    let twice = |name: &&str| pairs.iter().filter(|(other, _)| other == name).nth(1).is_some();
    if ["completed", "due", "q", "after", "limit", "format"].iter().any(twice) {
        let detail = "`completed`, `due`, `q`, `after`, `limit` and `format` are there once each.";
        return Err(refused(detail));
    }
    let filter = match pairs.get("completed") {
        None => Filter::All,
        Some("true") => Filter::Completed,
        Some("false") => Filter::Active,
        Some(_) => return Err(refused("`completed` is `true` or `false`.")),
    };
    let days = pairs.get("due").map(|text| {
        Days::parse(text).ok_or_else(|| {
            refused("`due` is `before:`, `on:` or `after:` and a day: `before:2026-12-31`.")
        })
    });
    let search = Search::parse(pairs.get("q").unwrap_or_default())?;
    Ok(Selection { filter, search, days: days.transpose()? })
}

fn refused(detail: &'static str) -> Problem {
    Problem::bad_request("query", detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::todo::Rank;

    #[test]
    fn a_query_names_the_next_page() {
        let query = Query::parse("completed=false&limit=7&q=a%26b++c&due=on:2026-12-31").unwrap();
        let next = Cursor { due: None, completed: false, order: -1, rank: Rank::of(9), id: 9 };
        let following = query.following(&next);
        assert_eq!(following, "after=-1.9&limit=7&completed=false&q=a%26b%20c&due=on:2026-12-31");
        let read = Query::parse(&following).unwrap();
        assert_eq!((read.after, read.selection), (Some(next), query.selection));
    }

    #[test]
    fn a_query_out_of_bounds_is_refused() {
        for text in [
            "limit=0",
            "limit=101",
            "limit=x",
            "after=1",
            "after=1.x",
            "completed=1",
            "due=2026-12-31",
            "q=1+2+3+4+5+6+7+8+9+10+11",
            "due=after:2026-01-01&due=before:2026-12-31",
            "limit=2&l%69mit=2",
        ] {
            assert!(Query::parse(text).is_err(), "{text}");
        }
    }
}
