//! What differs between two JSON documents, by path.

use std::fmt;

use serde_json::Value;

#[derive(Debug, PartialEq)]
pub enum Change {
    /// The object is not there yet.
    New,
    Field {
        path: String,
        before: Option<Value>,
        after: Option<Value>,
    },
}

/// Where something differs.
pub fn paths(changes: &[Change]) -> Vec<String> {
    let path = |change: &Change| match change {
        Change::New => None,
        Change::Field { path, .. } => Some(path.trim_start_matches('.').to_owned()),
    };
    changes.iter().filter_map(path).collect()
}

/// What the server keeps for itself.
const IGNORED: [&str; 4] =
    [".metadata.managedFields", ".metadata.resourceVersion", ".metadata.generation", ".status"];

pub fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    compare(String::new(), Some(before), Some(after), &mut found);
    found
}

fn compare(path: String, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Change>) {
    if before == after || IGNORED.contains(&path.as_str()) {
        return;
    }
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let added = new.keys().filter(|key| !old.contains_key(*key));
            for key in old.keys().chain(added) {
                compare(format!("{path}.{key}"), old.get(key), new.get(key), found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            for index in 0..old.len().max(new.len()) {
                compare(format!("{path}[{index}]"), old.get(index), new.get(index), found);
            }
        }
        _ => found.push(Change::Field { path, before: before.cloned(), after: after.cloned() }),
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => f.write_str("new"),
            Self::Field { path, before: None, after: Some(after) } => {
                write!(f, "{path}: + {after}")
            }
            Self::Field { path, before: Some(before), after: None } => {
                write!(f, "{path}: - {before}")
            }
            Self::Field { path, before, after } => {
                write!(
                    f,
                    "{path}: {} → {}",
                    before.as_ref().unwrap_or(&Value::Null),
                    after.as_ref().unwrap_or(&Value::Null)
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_names_each_field_and_leaves_out_the_server_s_own() {
        let before = json!({ "metadata": { "resourceVersion": "1" }, "spec": { "a": 1, "b": [1, 2] }, "status": 1 });
        let after = json!({ "metadata": { "resourceVersion": "2" }, "spec": { "a": 2, "b": [1], "c": true }, "status": 2 });
        let lines: Vec<_> = changes(&before, &after).iter().map(ToString::to_string).collect();
        assert_eq!(lines, [".spec.a: 1 → 2", ".spec.b[1]: - 2", ".spec.c: + true"]);
        assert_eq!(paths(&changes(&before, &after)), ["spec.a", "spec.b[1]", "spec.c"]);
        assert!(changes(&before, &before).is_empty());
    }
}
