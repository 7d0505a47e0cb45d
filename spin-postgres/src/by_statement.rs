//! What is known of statements, by their texts.

use std::collections::HashMap;

use parking_lot::Mutex;

/// Statements that are kept. A component has dozens; one that writes values into its SQL has a new
/// one each time.
pub const MAX_STATEMENTS: usize = 256;
/// Bytes of a text that is kept.
const MAX_LENGTH: usize = 16 << 10;

/// Something about each of so many statements.
pub struct ByStatement<T>(Mutex<HashMap<String, T>>);

impl<T> Default for ByStatement<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> ByStatement<T> {
    pub fn get(&self, sql: &str) -> Option<T> {
        self.0.lock().get(sql).cloned()
    }

    pub fn keep(&self, sql: &str, what: &T) {
        if sql.len() > MAX_LENGTH {
            return;
        }
        let mut known = self.0.lock();
        if known.len() >= MAX_STATEMENTS {
            known.clear();
        }
        known.insert(sql.to_owned(), what.clone());
    }

    pub fn forget(&self, sql: &str) {
        self.0.lock().remove(sql);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_many_statements_nor_long_ones_fill_the_memory() {
        let known = ByStatement::default();
        for number in 0..10 * MAX_STATEMENTS {
            known.keep(&format!("SELECT {number}"), &number);
        }
        assert!(known.0.lock().len() <= MAX_STATEMENTS);
        let last = 10 * MAX_STATEMENTS - 1;
        assert_eq!(known.get(&format!("SELECT {last}")), Some(last));
        let long = "x".repeat(MAX_LENGTH + 1);
        known.keep(&long, &0);
        assert_eq!(known.get(&long), None);
    }
}
