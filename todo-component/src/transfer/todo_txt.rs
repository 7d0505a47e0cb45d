//! Lists as todo.txt: `x 2026-02-03 2026-01-02 Buy milk due:2026-12-31`.

use super::Entry;
use crate::todo::{Date, Given, Todo};

const DUE: &str = "due:";

pub fn read(text: &str) -> Vec<Entry> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(at, line)| Entry::new(at + 1, line, Ok(todo(line)))).collect()
}

/// Any line is a todo. What looks like a date and is none stays part of the title.
fn todo(line: &str) -> Given {
    let line = line.trim();
    let (completed, rest) = line.strip_prefix("x ").map_or((false, line), |rest| (true, rest));
    // When it was completed, then when it was added.
    let mut rest = without_date(rest);
    if completed {
        rest = without_date(rest);
    }
    let due = rest.split(' ').find_map(|word| Date::parse(word.strip_prefix(DUE)?).ok());
    let is_due = |word: &&str| word.strip_prefix(DUE).is_none_or(|date| Date::parse(date).is_err());
    let title: Vec<_> = rest.split(' ').filter(is_due).collect();
    Given {
        title: Some(title.join(" ")),
        completed: Some(completed),
        due: due.map(|due| Some(due.to_string())),
        ..Given::default()
    }
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
    if let Some(due) = todo.due {
        file.push(' ');
        file.push_str(DUE);
        file.push_str(&due.to_string());
    }
    file.push('\n');
}
