//! Whose todos a statement is about: those that all share, or those of the one list that a key opens.
//! Nothing is known of a list but by its key, so that every statement is bounded to it by itself.

use crate::own_list::Key;
use spin_sdk::pg::ParameterValue;

/// The names and conditions that a statement is put together from.
pub struct Scope {
    /// The condition that finds the list in `todolist`, if there is one.
    list: Option<String>,
    /// A list that is written to stays there until that is done: else its todos could come
    /// after it has gone. It is locked before them, by everybody.
    lock: &'static str,
}

/// The digest under which a list is known; `key` is an expression in SQL.
pub fn digest(key: &str) -> String {
    format!("sha256(convert_to({key}::text, 'UTF8'))")
}

/// The key that only reads, made from the one that writes; nothing leads back from it.
pub fn read_key(key: &str) -> String {
    format!("('r' || left(encode(sha256(convert_to('read ' || {key}::text, 'UTF8')), 'hex'), 32))")
}

impl Scope {
    /// For a statement that reads. Its parameters get the key as their last.
    pub fn reading(key: Option<&Key>, params: &mut Vec<ParameterValue>) -> Self {
        let list = key.map(|key| {
            params.push(key.as_str().to_owned().into());
            let column = if key.reads() { "read_digest" } else { "write_digest" };
            format!("{column} = {}", digest(&format!("${}", params.len())))
        });
        Self { list, lock: "" }
    }

    /// The same for one that writes.
    pub fn writing(key: Option<&Key>, params: &mut Vec<ParameterValue>) -> Self {
        Self { lock: " FOR KEY SHARE", ..Self::reading(key, params) }
    }

    /// The table.
    pub fn table(&self) -> &'static str {
        if self.list.is_some() { "listitem" } else { "todoitem" }
    }

    /// The table of what was deleted.
    pub fn deleted(&self) -> &'static str {
        if self.list.is_some() { "listitem_deleted" } else { "todoitem_deleted" }
    }

    /// The todos, to read from; each row is called `todoitem`.
    pub fn items(&self) -> String {
        match self.id() {
            Some(id) => format!("(SELECT * FROM listitem WHERE list = {id}) AS todoitem"),
            None => "todoitem".to_owned(),
        }
    }

    /// The table to change rows of; each is called `todoitem`, and [`Scope::bound`] has to hold.
    pub fn target(&self) -> &'static str {
        if self.list.is_some() { "listitem AS todoitem" } else { "todoitem" }
    }

    /// What holds for the rows of either table that are in the list.
    pub fn bound(&self) -> String {
        self.id().map_or_else(|| "true".to_owned(), |id| format!("list = {id}"))
    }

    /// What holds for the list's row of `todolist`.
    pub fn found(&self) -> &str {
        self.list.as_deref().unwrap_or("false")
    }

    /// Whether there is such a list.
    pub fn is_there(&self) -> String {
        self.id().map_or_else(|| "true".to_owned(), |id| format!("{id} IS NOT NULL"))
    }

    /// What stands before the columns of a new row, and before its values.
    pub fn column(&self) -> &'static str {
        if self.list.is_some() { "list, " } else { "" }
    }

    pub fn value(&self) -> String {
        self.id().map_or_else(String::new, |id| format!("{id}, "))
    }

    /// The list's look as JSON, or null for the one that all share.
    pub fn look(&self) -> String {
        let look = |list| {
            format!(
                "(SELECT json_build_object('name', name, 'colour', colour) FROM todolist WHERE {list})"
            )
        };
        self.list.as_ref().map_or_else(|| "NULL".to_owned(), look)
    }

    fn id(&self) -> Option<String> {
        let lock = self.lock;
        self.list.as_ref().map(|list| format!("(SELECT id FROM todolist WHERE {list}{lock})"))
    }
}
