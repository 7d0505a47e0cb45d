//! Lists as todo.txt: `x 2026-02-03 2026-01-02 Buy milk due:2026-12-31`.

use super::Entry;
use crate::todo::{Date, Given, Todo};

const DUE: &str = "due:";
/// After [`DUE`], where a title has words that look like a date and the todo has none.
const NONE: &str = "none";

pub fn read(text: &str) -> Vec<Entry> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(at, line)| Entry::new(at + 1, line, Ok(todo(line)))).collect()
}

/// Any line is a todo. What looks like a date and is none stays part of the title.
fn todo(line: &str) -> Given {
    let line = line.trim();
    let (completed, rest) = line.strip_prefix("x ").map_or((false, line), |rest| (true, rest));
    // There are no priorities here: one stays in the title.
    let (priority, rest) = rest.split_at(if has_priority(rest) { 4 } else { 0 });
    // When it was completed, then when it was added.
    let mut rest = without_date(rest);
    if completed {
        rest = without_date(rest);
    }
    let mut words: Vec<_> = rest.split(' ').collect();
    let due = words.iter().rposition(|word| due_of(word).is_some());
    let due = due.and_then(|at| due_of(words.remove(at)));
    Given {
        title: Some(priority.to_owned() + &words.join(" ")),
        completed: Some(completed),
        due: due.flatten().map(|due| Some(due.to_string())),
        ..Given::default()
    }
}

fn has_priority(text: &str) -> bool {
    matches!(text.as_bytes(), [b'(', b'A'..=b'Z', b')', b' ', ..])
}

/// The date that a word gives, or that it gives none.
#[expect(clippy::option_option, reason = "a word may give no date, or that there is none")]
fn due_of(word: &str) -> Option<Option<Date>> {
    let text = word.strip_prefix(DUE)?;
    if text == NONE { Some(None) } else { Date::parse(text).ok().map(Some) }
}

fn without_date(text: &str) -> &str {
    match text.split_once(' ') {
        Some((date, rest)) if Date::parse(date).is_ok() => rest,
        _ => text,
    }
}

/// With its dates, so that no title is taken for one, nor for the mark of a completed todo.
pub fn write(file: &mut String, todo: &Todo) {
    let day = |moment: &str| moment.get(..10).unwrap_or_default().to_owned() + " ";
    if todo.completed {
        file.push_str("x ");
        file.push_str(&day(&todo.updated_at));
    }
    file.push_str(&day(&todo.created_at));
    file.push_str(&todo.title);
    // The last date counts.
    if todo.due.is_some() || todo.title.split(' ').any(|word| due_of(word).is_some()) {
        file.push(' ');
        file.push_str(DUE);
        file.push_str(&todo.due.map_or(NONE.to_owned(), |due| due.to_string()));
    }
    file.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(line: &str) -> (bool, String, Option<String>) {
        let given = todo(line);
        (given.completed.unwrap(), given.title.unwrap(), given.due.flatten())
    }

    #[test]
    fn dates_stand_behind_a_priority_and_are_no_part_of_the_title() {
        for (line, completed, title) in [
            ("(A) 2026-01-02 Call Mom", false, "(A) Call Mom"),
            ("(A) Call Mom", false, "(A) Call Mom"),
            ("2026-01-02 Call Mom", false, "Call Mom"),
            ("x (B) 2026-02-03 2026-01-02 y", true, "(B) y"),
            ("x 2026-02-03 2026-01-02 y", true, "y"),
            ("2026-01-02 2026-01-01 y", false, "2026-01-01 y"),
            ("2026-01-02 (A) 2026-01-01 y", false, "(A) 2026-01-01 y"),
            ("(a) 2026-01-02 y", false, "(a) 2026-01-02 y"),
            ("(Ä) 2026-01-02 y", false, "(Ä) 2026-01-02 y"),
            ("(A)", false, "(A)"),
            ("x", false, "x"),
        ] {
            assert_eq!(read_one(line), (completed, title.to_owned(), None), "{line}");
        }
        let due = Some("2026-12-31".to_owned());
        assert_eq!(read_one("due:2026-12-31 pay +bank"), (false, "pay +bank".to_owned(), due));
    }

    #[test]
    fn what_is_written_is_read_as_it_was() {
        for title in [
            "pay",
            "pay due:2026-01-01",
            "due:2026-01-01",
            "due:none",
            "due:none due:2026-01-01 due:none",
            "due:soon",
            "a  due:2026-01-01  b",
            "(A) 2026-01-01 pay",
            "x (B) 2026-01-01 pay",
        ] {
            for (completed, date) in [
                (false, None),
                (true, None),
                (false, Some("2026-12-31")),
                (true, Some("2026-12-31")),
            ] {
                let mut file = String::new();
                let due = date.map(|date| Date::parse(date).unwrap());
                let created_at = "2026-01-02T03:04:05.678Z".to_owned();
                let updated_at = created_at.clone();
                let of = title.to_owned();
                write(
                    &mut file,
                    &Todo { title: of, completed, due, created_at, updated_at, ..Todo::default() },
                );
                let expected = (completed, title.to_owned(), date.map(str::to_owned));
                assert_eq!(read_one(&file), expected, "{file}");
            }
        }
    }
}
