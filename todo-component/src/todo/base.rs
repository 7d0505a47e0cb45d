//! What an edit began with: by it one tells what somebody changed from what their form only sends along.

use super::Todo;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A hash of each field that the edit page has, as its form has them.
#[derive(Debug, PartialEq, Eq)]
pub struct Base([u64; 4]);

impl Base {
    pub fn of(todo: &Todo) -> Self {
        Self(todo.texts().map(|text| hash(&text)))
    }

    /// Reads what [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| u64::from_str_radix(part, 16).ok());
        let mut next = || parts.next().flatten();
        Some(Self([next()?, next()?, next()?, next()?]))
    }

    /// Whether the field at this place of [`Todo::FIELDS`] had another text.
    pub fn differs(&self, place: usize, text: &str) -> bool {
        self.0.get(place) != Some(&hash(text))
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([title, due, notes, steps]) = self;
        write!(f, "{title:x}.{due:x}.{notes:x}.{steps:x}")
    }
}

/// Forms end lines with two characters.
fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.replace("\r\n", "\n").hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_survives_a_form_and_knows_each_field() {
        let todo = Todo { title: "a".to_owned(), notes: "b\nc".to_owned(), ..Todo::default() };
        let base = Base::of(&todo);
        assert_eq!(Base::parse(&base.to_string()), Some(Base::of(&todo)));
        for (place, text) in ["a", "", "b\r\nc", ""].into_iter().enumerate() {
            assert!(!base.differs(place, text), "{text:?}");
            assert!(base.differs(place, "d"));
        }
        for wrong in ["", "1.2.3", "1.2.3.x", "1.2..4"] {
            assert_eq!(Base::parse(wrong), None, "{wrong}");
        }
    }
}
