//! Lists as CSV (RFC 4180), with the fields' names in the first line.

use super::{Entry, unreadable};
use crate::error::Problem;
use crate::text::{parting, truth};
use crate::todo::{Given, Todo, from_lines};
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// Columns beyond these are another record, which has no title.
const MAX_FIELDS: usize = 1000;

/// The first line of a file that is written here.
pub const HEADER: &str = "title,completed,due,notes,steps,created_at,updated_at\n";

/// Spreadsheets tell each other the separator in a line before the others.
const SEPARATOR: &str = "sep=";

/// Whether the first line names a title, in this or another order of columns.
pub fn has_title(text: &str) -> bool {
    let mut lines = text.split(['\r', '\n']);
    let line =
        lines.find(|line| !line.is_empty() && !line.starts_with(SEPARATOR)).unwrap_or_default();
    let separator = separator(text);
    let names = line.split(parting(separator)).map(|name| name.trim_matches('"'));
    line.contains(parting(separator)) && names.into_iter().any(|name| is_called(name, "title"))
}

/// What stands between columns, by the first line: some countries' programs write a semicolon.
fn separator(text: &str) -> char {
    let line = text.split(['\r', '\n']).next().unwrap_or_default();
    [';', '\t'].into_iter().find(|separator| line.contains(parting(*separator))).unwrap_or(',')
}

fn is_called(column: &str, name: &str) -> bool {
    column.trim().eq_ignore_ascii_case(name)
}

/// What spreadsheets take for a formula begins so; here it has [`TEXT`] before it, which they take away.
fn is_formula(field: &str) -> bool {
    let first = field.bytes().find(|first| *first != TEXT);
    matches!(first, Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r'))
}

const TEXT: u8 = b'\'';

pub fn read(text: &str) -> Result<Vec<Entry>, Problem> {
    let mut records = Records::of(text);
    let (_, mut header) = records.next().unwrap_or_default();
    if header.first().is_some_and(|column| column.starts_with(SEPARATOR)) {
        (_, header) = records.next().unwrap_or_default();
    }
    let column = |name| header.iter().position(|column| is_called(column, name));
    let Some(title) = column("title") else {
        let detail = "The file's first line names no column “title”. Give its columns the names title, completed, due, notes, steps.";
        return Err(unreadable(detail.to_owned()));
    };
    let (done, due) = (column("completed"), column("due"));
    let (notes, steps) = (column("notes"), column("steps"));
    let given = |record: &[String]| {
        let field = |at: Option<usize>| at.and_then(|at| record.get(at)).cloned();
        Ok(Given {
            title: record.get(title).cloned(),
            completed: field(done).map(|text| completed(&text)).transpose()?,
            due: field(due).map(|due| Some(due.trim().to_owned()).filter(|due| !due.is_empty())),
            notes: field(notes),
            steps: field(steps).map(|text| from_lines(&text)),
            ..Given::default()
        })
    };
    let entry = |(line, record): (usize, Vec<String>)| {
        Entry::new(line, record.get(title).map_or("", String::as_str), given(&record))
    };
    Ok(records.map(entry).collect())
}

/// The records of a text, each with the number of its first line.
struct Records<'a> {
    rest: &'a [u8],
    /// Lines that the reader has not seen.
    empty: usize,
    reader: Reader,
    fields: Vec<u8>,
    ends: Vec<usize>,
}

impl<'a> Records<'a> {
    fn of(text: &'a str) -> Self {
        // No field is longer than the text, and no line has more of them than bytes.
        let longest = text.len() + 1;
        let ends = vec![0; longest.min(MAX_FIELDS)];
        let separator = u8::try_from(separator(text)).unwrap_or(b',');
        let reader = ReaderBuilder::new().delimiter(separator).build();
        Self { rest: text.as_bytes(), empty: 0, reader, fields: vec![0; longest], ends }
    }
}

impl Iterator for Records<'_> {
    type Item = (usize, Vec<String>);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(rest) = self.rest.strip_prefix(b"\n") {
            self.rest = rest;
            self.empty += 1;
        }
        let line = usize::try_from(self.reader.line()).unwrap_or(usize::MAX) + self.empty;
        let (mut written, mut ended) = (0, 0);
        loop {
            let (result, read, wrote, ends) = self.reader.read_record(
                self.rest,
                &mut self.fields[written..],
                &mut self.ends[ended..],
            );
            self.rest = &self.rest[read..];
            (written, ended) = (written + wrote, ended + ends);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::End => return None,
                ReadRecordResult::Record
                | ReadRecordResult::OutputFull
                | ReadRecordResult::OutputEndsFull => break,
            }
        }
        let starts = std::iter::once(&0).chain(&self.ends);
        let field = |(start, end): (&usize, &usize)| {
            let field = String::from_utf8_lossy(&self.fields[*start..*end]);
            let text = field.strip_prefix(char::from(TEXT)).filter(|text| is_formula(text));
            text.unwrap_or(&field).to_owned()
        };
        Some((line, starts.zip(&self.ends[..ended]).map(field).collect()))
    }
}

fn completed(text: &str) -> Result<bool, String> {
    match text.trim() {
        "" => Ok(false),
        "x" | "X" => Ok(true),
        text => truth(text).ok_or_else(|| "`completed` is true or false.".to_owned()),
    }
}

pub fn write(file: &mut String, todo: &Todo) {
    let (due, steps) = (todo.due_text(), todo.steps_text());
    let completed = if todo.completed { "true" } else { "false" };
    let fields =
        [&todo.title, completed, &due, &todo.notes, &steps, &todo.created_at, &todo.updated_at];
    for (at, field) in fields.into_iter().enumerate() {
        if at > 0 {
            file.push(',');
        }
        // Some countries' spreadsheets part columns at the others as well.
        let quote = if field.contains([',', ';', '\t', '"', '\n', '\r']) { "\"" } else { "" };
        file.push_str(quote);
        if is_formula(field) {
            file.push(char::from(TEXT));
        }
        file.push_str(&field.replace('"', "\"\""));
        file.push_str(quote);
    }
    file.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_separator_in_quotes_is_none() {
        for (header, separator) in [
            ("title,\"x;y\"", ','),
            ("\"a,b\";title", ';'),
            ("title\t\"x;y\"", '\t'),
            ("title,\"x\"\";y\"", ','),
        ] {
            assert_eq!(super::separator(header), separator, "{header}");
            assert!(has_title(header), "{header}");
        }
        assert!(!has_title("\"a,title\",b"));
    }

    #[test]
    fn no_field_is_a_formula_in_a_spreadsheet_and_each_is_read_as_it_was() {
        for title in ["=1+1", "+1", "-milk", "@x", "'=1", "''-", "'quoted'", "=\"a,b\"", "a=1"] {
            let todo = Todo { title: title.to_owned(), notes: title.to_owned(), ..Todo::default() };
            let mut file = HEADER.to_owned();
            write(&mut file, &todo);
            let line = file.strip_prefix(HEADER).unwrap().trim_start_matches('"');
            assert!(!line.starts_with(['=', '+', '-', '@']), "{line}");
            let given = read(&file).ok().unwrap().remove(0).given.unwrap();
            assert_eq!((given.title, given.notes), (Some(todo.title), Some(todo.notes)));
        }
    }

    #[test]
    fn a_spreadsheet_s_line_about_the_separator_is_no_todo() {
        let text = "sep=;\r\ntitle;due\r\na;2026-01-01\r\n";
        assert!(has_title(text));
        let read = read(&text.replace('\r', "")).ok().unwrap();
        assert_eq!((read.len(), read[0].number), (1, 3));
    }

    #[test]
    fn a_date_may_have_spaces_around_it() {
        let read = read("title,due\na, 2026-01-01 \nb,  \n").ok().unwrap();
        let dues: Vec<_> = read.into_iter().map(|entry| entry.given.unwrap().due).collect();
        assert_eq!(dues, [Some(Some("2026-01-01".to_owned())), Some(None)]);
    }
}
