//! Where a page of a list begins.

use super::Filter;
use crate::todo::{Date, Rank, Todo};
use std::fmt;

/// The place after which a page of the list begins, written `<order>.<id>`, with the date and a dot
/// before it where the list goes by dates, `completed.` where it has those at its end and is among
/// them, and `~<rank>` behind it for a todo that was moved.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cursor {
    pub due: Option<Date>,
    pub completed: bool,
    pub order: i32,
    pub rank: Rank,
    pub id: i64,
}

/// What a place among the completed ones begins with.
const COMPLETED: &str = "completed.";

impl Cursor {
    /// The place behind `todo` in a list of that filter.
    pub fn behind(todo: &Todo, filter: Filter) -> Self {
        let due = todo.due.filter(|_| filter == Filter::Due);
        let completed = todo.completed && filter == Filter::Unfolded;
        Self { due, completed, order: todo.order, rank: todo.rank.clone(), id: todo.id }
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
        let behind = place.strip_prefix(COMPLETED).filter(|_| filter == Filter::Unfolded);
        let (completed, place) = (behind.is_some(), behind.unwrap_or(place));
        let (order, id) = place.split_once('.')?;
        let (id, rank) = id.split_once('~').map_or((id, None), |(id, rank)| (id, Some(rank)));
        let id = id.parse().ok()?;
        let rank = rank.map_or_else(|| Some(Rank::of(id)), Rank::parse)?;
        Some(Self { due, completed, order: order.parse().ok()?, rank, id })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(due) = self.due {
            write!(f, "{due}.")?;
        }
        if self.completed {
            f.write_str(COMPLETED)?;
        }
        write!(f, "{}.{}", self.order, self.id)?;
        if self.rank != Rank::of(self.id) {
            write!(f, "~{}", self.rank)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cursor_of_another_list_is_none() {
        assert_eq!(Cursor::parse("2026-12-31.2.6", Filter::All), None);
        assert_eq!(Cursor::parse("2.6", Filter::Due), None);
        assert_eq!(Cursor::parse("completed.2.6", Filter::Completed), None);
    }

    proptest! {
        #[test]
        fn a_cursor_survives_a_round_trip(order in any::<i32>(), id in any::<i64>()) {
            for completed in [false, true] {
                let cursor = Cursor { due: None, completed, order, rank: Rank::of(id), id };
                prop_assert_eq!(Cursor::parse(&cursor.to_string(), Filter::Unfolded), Some(cursor));
            }
        }
    }
}
