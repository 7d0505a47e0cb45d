//! The statements that list todos, put together from what is asked for.

use super::scope::Scope;
use super::sql;
use crate::own_list::Key;
use crate::selection::{Count, Cursor, Days, Filter, Selection};
use spin_sdk::pg::ParameterValue;

/// Todos as one JSON array.
struct Rows {
    scope: Scope,
    sql: String,
    /// What is true of those before the page, of each kind of them.
    before: Vec<String>,
    params: Vec<ParameterValue>,
}

/// The order of the list, as its indexes have it.
pub const ORDER: &str = "position, coalesce(rank, id), id";

/// The rows of a filter. `true` cannot use a partial index and `completed = $n` could not either, so
/// that each filter is a statement of its own.
fn predicate(filter: Filter) -> &'static str {
    match filter {
        Filter::All | Filter::Unfolded => "true",
        Filter::Active => "NOT completed",
        Filter::Completed => "completed",
        Filter::Due => "due IS NOT NULL AND NOT completed",
    }
}

/// The rows of a filter and a search.
pub fn among(selection: &Selection, params: &mut Vec<ParameterValue>) -> String {
    let mut among = vec![predicate(selection.filter).to_owned()];
    for word in selection.search.words() {
        params.push(word.to_owned().into());
        let word = params.len();
        among.push(format!("todo_bare_words(task, notes) LIKE todo_bare_pattern(${word}::text)"));
    }
    among.join(" AND ")
}

/// A statement and its parameters.
pub type Statement = (String, Vec<ParameterValue>);

/// At most `rows` todos of `selection`, behind `after`.
/// No row where there is no such list.
pub fn list(
    key: Option<&Key>,
    selection: &Selection,
    after: Option<&Cursor>,
    rows: usize,
) -> Statement {
    let Rows { scope, sql, params, .. } = Rows::of(key, selection, after, rows);
    (format!("SELECT {sql}::text WHERE {}", scope.is_there()), params)
}

/// The same with the list's look and the counts of the whole list. Counting stops one past what a page
/// shows exactly.
pub fn page(
    key: Option<&Key>,
    selection: &Selection,
    after: Option<&Cursor>,
    rows: usize,
) -> Statement {
    let mut found = Rows::of(key, selection, after, rows);
    let bound = found.bind(i64::from(Count::MAX + 1));
    let count = |which: &str| {
        format!(
            "(SELECT count(*) FROM (SELECT FROM {items} WHERE {which} LIMIT {bound}::bigint) AS c)",
            items = found.scope.items(),
        )
    };
    let (active, completed) = (count("NOT completed"), count("completed"));
    let mut before = "0".to_owned();
    for which in &found.before {
        before = before + " + " + &count(which);
    }
    let sql = format!(
        "SELECT json_build_object('list', {look}, 'todos', {todos}, 'before', {before}, 'active', {active}, \
         'completed', {completed})::text WHERE {is_there}",
        look = found.scope.look(),
        todos = found.sql,
        is_there = found.scope.is_there(),
    );
    (sql, found.params)
}

impl Rows {
    fn of(key: Option<&Key>, selection: &Selection, after: Option<&Cursor>, rows: usize) -> Self {
        let mut params = Vec::new();
        let scope = Scope::reading(key, &mut params);
        let mut list = Self { scope, sql: String::new(), before: vec![], params };
        let order = match selection.filter {
            Filter::Due => "due, position, coalesce(rank, id), id",
            Filter::Unfolded => "completed, position, coalesce(rank, id), id",
            _ => ORDER,
        };
        let mut predicates = vec![among(selection, &mut list.params)];
        if let Some(days) = selection.days {
            let (comparison, date) = match days {
                Days::Before(date) => ("<", date),
                Days::On(date) => ("=", date),
                Days::After(date) => (">", date),
            };
            let date = list.bind(date.to_string());
            predicates.push(format!("due {comparison} {date}::text::date"));
        }
        if let Some(after) = after {
            let first = match (after.due, selection.filter) {
                (Some(due), _) => list.bind(due.to_string()) + "::text::date, ",
                (None, Filter::Unfolded) => list.bind(after.completed) + "::boolean, ",
                (None, _) => String::new(),
            };
            let position = list.bind(after.order);
            let (rank, id) = (list.bind(after.rank.to_string()), list.bind(after.id));
            let rest = format!("{position}::integer, {rank}::text::numeric, {id}::bigint");
            let among = predicates.join(" AND ");
            // The planner weighs the first column of a row alone, by which each of two kinds looks
            // like half of the list.
            let (kind, columns, first_of) = match (selection.filter, after.completed) {
                (Filter::Unfolded, true) => {
                    list.before.push(among.clone() + " AND NOT completed");
                    (" AND completed", ORDER, "")
                }
                (Filter::Unfolded, false) => (" AND NOT completed", ORDER, ""),
                _ => ("", order, first.as_str()),
            };
            list.before.push(format!("{among}{kind} AND ({columns}) <= ({first_of}{rest})"));
            predicates.push(format!("({order}) > ({first}{rest})"));
        }
        let limit = list.bind(i64::try_from(rows).unwrap_or(i64::MAX));
        list.sql = format!(
            "(SELECT coalesce(json_agg({todo} ORDER BY {order}), '[]') FROM (SELECT * FROM {items} \
             WHERE {predicates} ORDER BY {order} LIMIT {limit}::bigint) AS page)",
            todo = sql::TODO,
            items = list.scope.items(),
            predicates = predicates.join(" AND "),
        );
        list
    }

    /// A new parameter's name.
    fn bind(&mut self, value: impl Into<ParameterValue>) -> String {
        self.params.push(value.into());
        format!("${}", self.params.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selection::Search;
    use crate::todo::{Date, Rank};

    #[test]
    fn each_parameter_is_named_and_no_text_from_outside_is_in_the_statement() {
        let date = Date::parse("2026-12-31").unwrap();
        let selection = Selection {
            filter: Filter::Due,
            search: Search::parse("milk' %").unwrap(),
            days: Some(Days::Before(date)),
        };
        let after =
            Some(Cursor { due: Some(date), completed: false, order: 1, rank: Rank::of(2), id: 2 });
        let (sql, params) = page(None, &selection, after.as_ref(), 50);
        assert_eq!(params.len(), 9);
        for number in 1..=8 {
            assert!(sql.contains(&format!("${number}:")), "${number} in {sql}");
        }
        assert_eq!(sql.matches("$9:").count(), 3, "all counts have one bound");
        assert!(!sql.contains("milk") && !sql.contains("2026"), "{sql}");
    }
}
