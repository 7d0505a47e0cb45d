//! Moving a todo to another place of the list, by a write of one row.

use super::error::Error;
use super::listing::{ORDER, among};
use super::scope::Scope;
use super::writes::versions;
use super::{Outcome, Store, sql};
use crate::selection::{Filter, Selection};
use crate::todo::Versions;

/// Where a todo is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move<'a> {
    Before(i64),
    Behind(i64),
    Within(Step, &'a Selection),
}

/// Where a todo is moved within what somebody sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Up,
    Down,
    Top,
    Bottom,
}

impl Store {
    /// Moves a todo. [`Outcome::Stale`] says that it stays: it has another version, or there is
    /// nobody to stand beside, or no room there.
    pub async fn shift(
        &self,
        id: i64,
        to: Move<'_>,
        expected: &Versions,
    ) -> Result<Outcome, Error> {
        let mut params = vec![id.into(), versions(expected)];
        let among = match to {
            Move::Before(other) | Move::Behind(other) => {
                params.push(other.into());
                String::new()
            }
            Move::Within(_, selection) => among(selection, &mut params),
        };
        self.one(id, self.statement(|scope| statement(scope, to, &among), params)).await
    }
}

/// The shortest number between two ranks, near their middle, and none where it is longer than a rank may be
/// (`Rank::MAX_CHARS`): an index takes no rank of any length.
const SHORTEST: &str = "(SELECT r FROM (SELECT low, high, round((low + high) * 0.5, generate_series(1, 900)) AS r FROM \
     (SELECT greatest(lower.rank, CASE WHEN upper.position IS NULL THEN last.id END) AS low, \
     coalesce(upper.rank, floor(greatest(lower.rank, last.id)) + 1) AS high) AS gap) AS tried \
     WHERE r > low AND r < high LIMIT 1)";

/// Between two of the same order it gets the number between their ranks; else it takes the order of
/// its neighbour. At the end its rank stays below the id of the next todo that is added.
fn statement(scope: &Scope, to: Move, among: &str) -> String {
    let items = scope.items();
    let own = |columns| format!("(SELECT {columns} FROM {items} WHERE id = $1::bigint)");
    let beside = |which: &str| {
        format!("SELECT position, coalesce(rank, id) AS rank, id FROM {items} WHERE {which}")
    };
    let (neighbour, before) = match to {
        Move::Before(_) => (beside("id = $3::bigint AND id <> $1::bigint"), true),
        Move::Behind(_) => (beside("id = $3::bigint AND id <> $1::bigint"), false),
        Move::Within(step, selection) => {
            let (beyond, direction) = match step {
                Step::Up => (format!(" AND ({ORDER}) < {}", own(ORDER)), "DESC"),
                Step::Down => (format!(" AND ({ORDER}) > {}", own(ORDER)), "ASC"),
                Step::Top => (String::new(), "ASC"),
                Step::Bottom => (String::new(), "DESC"),
            };
            let nearest = |which: &str| {
                let order = ordered(direction);
                beside(&format!(
                    "{among}{which} AND id <> $1::bigint{beyond} ORDER BY {order} LIMIT 1"
                ))
            };
            // Each kind has an index, and stays by itself.
            let nearest = if selection.filter == Filter::Unfolded {
                let of_kind =
                    |kind| format!("({})", nearest(&format!(" AND {kind} AND {}", own(kind))));
                of_kind("NOT completed") + " UNION ALL " + &of_kind("completed")
            } else {
                nearest("")
            };
            (nearest, matches!(step, Step::Up | Step::Top))
        }
    };
    // The one on the other side of the new place.
    let (comparison, direction) = if before { ("<", "DESC") } else { (">", "ASC") };
    let (side, other_side) = if before { ("upper", "lower") } else { ("lower", "upper") };
    let order = ordered(direction);
    format!(
        "WITH beside AS ({neighbour}), \
         beyond AS (SELECT t.position, t.rank FROM beside, LATERAL (SELECT position, coalesce(rank, id) AS rank \
         FROM {items} WHERE id <> $1::bigint AND ({ORDER}) {comparison} (beside.position, beside.rank, beside.id) \
         ORDER BY {order} LIMIT 1) AS t), \
         new AS (SELECT coalesce(lower.position, upper.position) AS new_position, CASE \
         WHEN lower.position IS NULL THEN upper.rank - 1 \
         WHEN upper.position > lower.position THEN lower.rank + 1 \
         WHEN upper.rank = lower.rank THEN lower.rank \
         ELSE {SHORTEST} END AS new_rank \
         FROM beside AS {side} LEFT JOIN beyond AS {other_side} ON true, \
         (SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('{table}', 'id')::regclass), 0) AS id) AS last) \
         UPDATE {target} SET position = new_position, rank = new_rank, version = version + 1, updated_at = now() \
         FROM new WHERE {bound} AND id = $1::bigint AND new_rank IS NOT NULL AND ($2::bigint[] IS NULL OR version = ANY ($2)) RETURNING {todo}::text{transaction}",
        todo = sql::TODO,
        transaction = sql::TRANSACTION,
        table = scope.table(),
        target = scope.target(),
        bound = scope.bound(),
    )
}

/// The order of the list, or its reverse.
fn ordered(direction: &str) -> String {
    format!("position {direction}, coalesce(rank, id) {direction}, id {direction}")
}
