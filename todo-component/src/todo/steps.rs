//! Steps: what a todo is made of, one level deep.

use super::title::{Title, TitleError};
use crate::whole::Whole;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// A step as clients give it and as the store reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub struct Step {
    pub title: String,
    #[serde(default)]
    pub completed: bool,
}

/// 0 to 50 steps, each with what may be a todo's title.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Steps(pub(super) Vec<Step>);

/// Why steps are none. The messages are shown to people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepsError {
    #[error("There are {0} steps. Leave {max} or fewer.", max = Steps::MAX)]
    TooMany(usize),
    #[error("Step {number}: {error}")]
    Title { number: usize, error: TitleError },
}

/// A step to complete, or to open again: that of a title in its place, so that no other is hit when
/// somebody has changed them meanwhile.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct Tick {
    /// The first is 0.
    pub number: Whole<u8>,
    #[serde(deserialize_with = "title")]
    pub title: String,
    pub completed: bool,
}

impl Tick {
    /// Reads what [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let number = parts.next().filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()))?;
        Some(Self {
            number: Whole(number.parse().ok()?),
            completed: parts.next()?.parse().ok()?,
            title: parts.next().filter(|title| Title::parse(title).is_ok())?.to_owned(),
        })
    }
}

/// What may be a step's title: the database takes no other.
fn title<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let title = String::deserialize(deserializer)?;
    Title::parse(&title).map(|_| title).map_err(D::Error::custom)
}

impl fmt::Display for Tick {
    /// As the buttons of the list have it: `0.true.flour`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.number.0, self.completed, self.title)
    }
}

/// Before the title of a completed step, where steps are lines of text.
const COMPLETED: [&str; 2] = ["[x]", "[X]"];
const OPEN: &str = "[ ]";

impl Steps {
    pub const MAX: usize = 50;

    pub fn check(steps: &[Step]) -> Result<Self, StepsError> {
        if steps.len() > Self::MAX {
            return Err(StepsError::TooMany(steps.len()));
        }
        let check = |(at, step): (usize, &Step)| {
            let title = Title::parse(&step.title)
                .map_err(|error| StepsError::Title { number: at + 1, error })?;
            Ok(Step { title: title.as_str().to_owned(), completed: step.completed })
        };
        steps.iter().enumerate().map(check).collect::<Result<_, _>>().map(Self)
    }
}

/// Reads steps from lines; empty ones are none.
pub fn from_lines(text: &str) -> Vec<Step> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let step = |line: &str| {
        let completed = COMPLETED.iter().find_map(|mark| line.strip_prefix(mark));
        let title = completed.or_else(|| line.strip_prefix(OPEN)).unwrap_or(line);
        Step { title: title.trim().to_owned(), completed: completed.is_some() }
    };
    lines.map(step).collect()
}

/// Writes steps as [`from_lines`] reads them.
pub fn to_lines(steps: &[Step]) -> String {
    let looks_marked =
        |title: &str| COMPLETED.iter().chain([&OPEN]).any(|mark| title.starts_with(mark));
    let line = |step: &Step| match step.completed {
        true => format!("{} {}", COMPLETED[0], step.title),
        false if looks_marked(&step.title) => format!("{OPEN} {}", step.title),
        false => step.title.clone(),
    };
    steps.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(title: &str, completed: bool) -> Step {
        Step { title: title.to_owned(), completed }
    }

    #[test]
    fn steps_are_read_from_the_lines_that_they_are_written_as() {
        let steps = [step("flour", false), step("two eggs", true), step("[x] is a title", false)];
        assert_eq!(to_lines(&steps), "flour\n[x] two eggs\n[ ] [x] is a title");
        assert_eq!(from_lines(&to_lines(&steps)), steps);
        let lines = " flour \r\n\n[X]two eggs\n[ ] [x] is a title\n";
        assert_eq!(from_lines(lines), steps);
        assert_eq!(from_lines(" \n\t"), []);
    }

    #[test]
    fn a_tick_is_read_from_the_button_that_it_is_on() {
        let tick = Tick { number: Whole(49), title: "1.5 l of milk.".to_owned(), completed: false };
        assert_eq!(Tick::parse(&tick.to_string()), Some(tick));
        for wrong in [
            "",
            "0",
            "0.true",
            "x.true.a",
            "+0.true.a",
            "-1.true.a",
            "256.true.a",
            "0.yes.a",
            "0.true.\0",
            "0.true.",
        ] {
            assert_eq!(Tick::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_named() {
        assert_eq!(Steps::check(&[step(" a ", true)]).unwrap().0, [step("a", true)]);
        assert!(Steps::check(&vec![step("a", false); 50]).is_ok());
        assert_eq!(Steps::check(&vec![step("a", false); 51]), Err(StepsError::TooMany(51)));
        for title in ["", "[x]", "a\0", &"x".repeat(257)] {
            let steps = [step("a", false), step(title, false)];
            let refused = Steps::check(&steps);
            let right =
                title == "[x]" || matches!(refused, Err(StepsError::Title { number: 2, .. }));
            assert!(right, "{title:?}");
        }
    }
}
