//! Lists as JSON: an array of todos as the API shows them.

use super::{Entry, unreadable};
use crate::error::Problem;
use crate::json::reason;
use crate::todo::Todo;
use crate::whole::Object;
use serde_json::value::RawValue;

pub fn read(text: &str) -> Result<Vec<Entry>, Problem> {
    let values: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| {
        let reason = reason(&error);
        unreadable(format!("The file is no JSON list of todos: {reason}."))
    })?;
    let entry = |(at, value): (usize, &RawValue)| {
        let given = serde_json::from_slice(value.get().as_bytes());
        let given = given.map(|Object(given)| given);
        Entry::new(at + 1, value.get(), given.map_err(|error| reason(&error)))
    };
    Ok(values.into_iter().enumerate().map(entry).collect())
}

pub fn write(file: &mut String, todo: &Todo) {
    file.push_str(if file.len() > 1 { ",\n" } else { "\n" });
    // Texts and numbers cannot fail to serialize.
    file.push_str(&serde_json::to_string(todo).unwrap_or_default());
}
