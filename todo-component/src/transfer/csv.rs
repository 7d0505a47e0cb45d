//! Lists as CSV (RFC 4180), with the fields' names in the first line.

use super::{Entry, unreadable};
use crate::error::Problem;
use crate::todo::{Given, Todo};
use csv::{ReaderBuilder, StringRecord, WriterBuilder};

/// The first line of a file that is written here.
pub const HEADER: &str = "title,completed,due,notes,created_at,updated_at\n";

/// Whether the first line names a title, in this or another order of columns.
pub fn has_title(text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default();
    line.contains(',') && line.split(',').any(|name| is_called(name.trim_matches('"'), "title"))
}

fn is_called(column: &str, name: &str) -> bool {
    column.trim().eq_ignore_ascii_case(name)
}

pub fn read(text: &str) -> Result<Vec<Entry>, Problem> {
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().cloned().unwrap_or_default();
    let column = |name| header.iter().position(|column| is_called(column, name));
    let Some(title) = column("title") else {
        let detail = "The file's first line names no column “title”. Give its columns the names title, completed, due, notes.";
        return Err(unreadable(detail.to_owned()));
    };
    let (completed, due, notes) = (column("completed"), column("due"), column("notes"));
    let given = |record: &StringRecord| {
        let field = |at: Option<usize>| at.and_then(|at| record.get(at)).map(str::to_owned);
        Ok(Given {
            title: record.get(title).map(str::to_owned),
            completed: field(completed).map(|text| truth(&text)).transpose()?,
            due: field(due).map(|due| Some(due).filter(|due| !due.is_empty())),
            notes: field(notes),
            ..Given::default()
        })
    };
    let entry = |record: Result<StringRecord, csv::Error>| match record {
        Ok(record) => {
            let line = record.position().map_or(0, |position| position.line());
            let line = usize::try_from(line).unwrap_or(usize::MAX);
            Entry::new(line, record.get(title).unwrap_or_default(), given(&record))
        }
        Err(error) => Entry::new(0, "", Err(error.to_string())),
    };
    Ok(reader.into_records().map(entry).collect())
}

fn truth(text: &str) -> Result<bool, String> {
    match text.trim().to_lowercase().as_str() {
        "true" | "1" | "yes" | "x" => Ok(true),
        "false" | "0" | "no" | "" => Ok(false),
        _ => Err("`completed` is true or false.".to_owned()),
    }
}

pub fn write(file: &mut String, todo: &Todo) {
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    let due = todo.due.map(|due| due.to_string()).unwrap_or_default();
    let completed = if todo.completed { "true" } else { "false" };
    let record = [&todo.title, completed, &due, &todo.notes, &todo.created_at, &todo.updated_at];
    // Text into memory cannot fail.
    if writer.write_record(record).is_ok()
        && let Ok(line) = writer.into_inner()
    {
        file.push_str(&String::from_utf8_lossy(&line));
    }
}
