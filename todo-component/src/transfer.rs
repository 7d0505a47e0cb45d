//! Whole lists as files: taken along, and brought in.

mod csv;
mod json;
mod todo_txt;

use crate::error::Problem;
use crate::todo::{Change, Given, Todo};
use serde::Serialize;

/// Todos that one file may bring in.
pub const MAX_TODOS: usize = 10_000;
/// Refused ones that a report names; it counts them all.
const MAX_NAMED: usize = 100;
/// Characters of a refused one that a report shows.
const GLIMPSE: usize = 80;

/// How a list is written in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// An array of todos as the API shows them.
    Json,
    /// With the fields' names in the first line.
    Csv,
    /// One todo a line, as <https://github.com/todotxt/todo.txt> has it. Without notes and steps.
    TodoTxt,
}

impl Format {
    pub const EACH: [Self; 3] = [Self::Json, Self::Csv, Self::TodoTxt];

    /// The value of `?format=`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::TodoTxt => "txt",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Csv => "CSV",
            Self::TodoTxt => "todo.txt",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::EACH.into_iter().find(|format| format.as_str() == text)
    }

    /// Without its parameters.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv",
            Self::TodoTxt => "text/plain",
        }
    }

    /// What a text seems to be. Lines of any text are todos.
    pub fn of(text: &str) -> Self {
        let text = text.trim_start_matches('\u{feff}').trim_start();
        // `[ ] buy milk` is a line.
        let list = text.strip_prefix('[').map(str::trim_start);
        if list.is_some_and(|list| list.starts_with(['{', ']']) && !list.starts_with("] ")) {
            Self::Json
        } else if csv::has_title(text) {
            Self::Csv
        } else {
            Self::TodoTxt
        }
    }

    /// The todos of a file, each as it is given or with what is wrong with it.
    fn read(self, text: &str) -> Result<Vec<Entry>, Problem> {
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
        match self {
            Self::Json => json::read(&text),
            Self::Csv => csv::read(&text),
            Self::TodoTxt => Ok(todo_txt::read(&text)),
        }
    }

    /// Appends todos to a file that [`begin`](Self::begin) began.
    pub fn write(self, file: &mut String, todos: &[Todo]) {
        for todo in todos {
            match self {
                Self::Json => json::write(file, todo),
                Self::Csv => csv::write(file, todo),
                Self::TodoTxt => todo_txt::write(file, todo),
            }
        }
    }

    pub fn begin(self) -> String {
        match self {
            Self::Json => "[".to_owned(),
            Self::Csv => csv::HEADER.to_owned(),
            Self::TodoTxt => String::new(),
        }
    }

    pub fn end(self) -> &'static str {
        match self {
            Self::Json => "\n]\n",
            Self::Csv | Self::TodoTxt => "",
        }
    }
}

/// One todo of a file.
struct Entry {
    /// The line, or for JSON the place in the list; the first is 1.
    number: usize,
    text: String,
    given: Result<Given, String>,
}

impl Entry {
    fn new(number: usize, text: &str, given: Result<Given, String>) -> Self {
        Self { number, text: text.chars().take(GLIMPSE).collect(), given }
    }
}

/// What of a file can be brought in, and what cannot.
#[derive(Debug, PartialEq, Eq)]
pub struct Intake {
    pub todos: Vec<Change>,
    pub refused: Vec<Refused>,
    /// Among them those that are not named.
    pub refused_count: usize,
}

/// A todo of a file that was not taken.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The line, or for JSON the place in the list; the first is 1.
    pub number: usize,
    pub text: String,
    pub reason: String,
}

impl Intake {
    pub fn of(text: &str, format: Format) -> Result<Self, Problem> {
        let entries = format.read(text)?;
        if entries.len() > MAX_TODOS {
            let number = entries.len();
            return Err(unreadable(format!(
                "The file has {number} todos, and {MAX_TODOS} can be brought in at once. Cut it into parts."
            )));
        }
        let mut intake = Self { todos: Vec::new(), refused: Vec::new(), refused_count: 0 };
        for Entry { number, text, given } in entries {
            match given.and_then(check) {
                Ok(todo) => intake.todos.push(todo),
                Err(reason) => {
                    intake.refused_count += 1;
                    if intake.refused.len() < MAX_NAMED {
                        intake.refused.push(Refused { number, text, reason });
                    }
                }
            }
        }
        Ok(intake)
    }
}

/// The file's order is kept, at the end of the list; the orders in it belong to another list.
fn check(given: Given) -> Result<Change, String> {
    if given.title.is_none() {
        return Err("It has no title.".to_owned());
    }
    Given { order: None, ..given }.check().map_err(|error| error.to_string())
}

fn unreadable(detail: String) -> Problem {
    Problem::invalid("file", detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::todo::{Date, Step};

    fn todos() -> Vec<Todo> {
        let todo = |title: &str, completed, due, notes: &str| Todo {
            title: title.to_owned(),
            completed,
            due: Date::parse(due).ok(),
            notes: notes.to_owned(),
            steps: due
                .split('-')
                .map(|title| Step { title: title.to_owned(), completed })
                .filter(|step| !step.title.is_empty())
                .collect(),
            created_at: "2026-01-02T03:04:05.678Z".to_owned(),
            updated_at: "2026-02-03T04:05:06.789Z".to_owned(),
            ..Todo::default()
        };
        vec![
            todo("buy milk", false, "", ""),
            todo("\"quoted\", with; signs", true, "2026-12-31", "two\nlines, \"here\""),
            todo("x is not done", false, "2027-01-01", ""),
            todo("2026-01-01 is a title", false, "", ""),
            todo("x 2026-01-01 done", true, "", ""),
            todo("(A) +project @home 牛乳 key:value", false, "", ""),
        ]
    }

    #[test]
    fn what_is_taken_along_can_be_brought_in() {
        for format in Format::EACH {
            let mut file = format.begin();
            format.write(&mut file, &todos());
            file.push_str(format.end());
            assert_eq!(Format::of(&file), format, "{file}");
            let intake = Intake::of(&file, format).unwrap();
            assert_eq!(intake.refused, [], "{file}");
            let notes = |todo: &Todo| (format != Format::TodoTxt).then(|| todo.notes.clone());
            let steps = |todo: &Todo| (format != Format::TodoTxt).then(|| todo.steps.clone());
            let expected: Vec<_> = todos()
                .iter()
                .map(|todo| Given {
                    title: Some(todo.title.clone()),
                    completed: Some(todo.completed),
                    due: Some(todo.due.map(|due| due.to_string())),
                    notes: notes(todo),
                    steps: steps(todo),
                    ..Given::default()
                })
                .map(|given| given.check().unwrap())
                .collect();
            let read: Vec<_> = intake
                .todos
                .into_iter()
                .map(|todo| Change { due: todo.due.or(Some(None)), ..todo })
                .collect();
            assert_eq!(read, expected, "{file}");
        }
    }

    #[test]
    fn what_cannot_be_taken_is_named_and_the_rest_is_taken() {
        for (file, taken, refused) in [
            (
                "[{\"title\":\"a\"},{\"title\":\" \"},7,{},{\"title\":\"b\",\"due\":\"soon\"}]",
                1,
                &[2, 3, 4, 5][..],
            ),
            ("Title,Due\na,\n,2026-01-01\nb,soon\nc,2026-01-01\n", 2, &[3, 4]),
            ("Due;TITLE\r\n2026-01-01;a, b\r\n;\r\n", 1, &[3]),
            ("notes\ttitle\nx\ta\n", 1, &[]),
            ("title,due\n\n\na,\n\n\"\",\n", 1, &[6]),
            ("due,title\r,a\r,\r2026-01-01,b\r", 2, &[3]),
            ("a\rb\u{1}\r\rc", 2, &[2]),
            ("[{\"title\":\"a\"}, [\"b\"], [\"c\",true]]", 1, &[2, 3]),
            ("a\n\nb\u{1}\nc due:2026-02-30\nx 2026-01-01 d due:2026-01-01\n", 3, &[3]),
        ] {
            let intake = Intake::of(file, Format::of(file)).unwrap();
            assert_eq!(intake.todos.len(), taken, "{file}");
            let numbers: Vec<_> = intake.refused.iter().map(|refused| refused.number).collect();
            assert_eq!(numbers, refused, "{file}");
        }
    }

    #[test]
    fn a_text_is_taken_for_what_it_looks_like() {
        for (text, format) in [
            ("[]", Format::Json),
            (" [\n{\"title\":\"a\"}]", Format::Json),
            ("[\n]\n", Format::Json),
            ("title,due\n", Format::Csv),
            ("\"Due\";\"Title\"\n", Format::Csv),
            ("[ ] buy milk", Format::TodoTxt),
            ("[x] buy milk", Format::TodoTxt),
            ("title", Format::TodoTxt),
            ("buy milk, eggs", Format::TodoTxt),
        ] {
            assert_eq!(Format::of(text), format, "{text}");
        }
    }

    #[test]
    fn a_file_that_is_none_is_refused_as_a_whole() {
        for (file, format) in [
            ("{}", Format::Json),
            ("[", Format::Json),
            ("name,age\na,7\n", Format::Csv),
            ("title\n\"open\n", Format::Csv),
        ] {
            let read = Intake::of(file, format);
            assert!(read.is_err() || file.contains("open"), "{file}: {read:?}");
        }
        assert!(Intake::of(&"a\n".repeat(MAX_TODOS + 1), Format::TodoTxt).is_err());
        assert!(Intake::of(&"a\n".repeat(MAX_TODOS), Format::TodoTxt).is_ok());
    }
}
