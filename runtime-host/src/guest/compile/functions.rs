//! The compiled functions of the component before. A new version is mostly
//! made of the same, and those are not compiled again.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use parking_lot::Mutex;
use wasmtime::CacheStore;

use kit::file;

/// By a hash of the function and of all that decides about its code.
type Map = HashMap<Vec<u8>, Vec<u8>>;

#[derive(Debug)]
pub struct Functions {
    file: PathBuf,
    before: Map,
    /// Those of this component.
    now: Mutex<Map>,
}

impl Functions {
    /// Those that the file holds: none if it isn't there, or of no use.
    pub fn read(file: PathBuf) -> Self {
        let bytes = std::fs::read(&file).unwrap_or_default();
        let before = postcard::from_bytes(&bytes).unwrap_or_default();
        Self { file, before, now: Mutex::default() }
    }

    /// Replaces the file by those that were asked for, so that it grows with the
    /// component, and not with every version. A component that was compiled
    /// before asks for none, and the file stays.
    pub fn write(&self) -> Result<()> {
        let now = self.now.lock();
        if now.is_empty() {
            return Ok(());
        }
        file::replace(&self.file, &postcard::to_allocvec(&*now).context("encode functions")?)
    }

    fn keep(&self, key: &[u8], function: Vec<u8>) {
        self.now.lock().insert(key.to_owned(), function);
    }
}

impl CacheStore for Functions {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        let function = self.before.get(key)?;
        self.keep(key, function.clone());
        Some(function.into())
    }

    fn insert(&self, key: &[u8], function: Vec<u8>) -> bool {
        self.keep(key, function);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_last_component_has_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("functions");
        let first = Functions::read(file.clone());
        assert!(first.get(b"a").is_none(), "there is no file yet");
        assert!(first.insert(b"a", b"code of a".to_vec()) && first.insert(b"b", vec![1]));
        first.write().unwrap();

        let second = Functions::read(file.clone());
        assert_eq!(second.get(b"a").unwrap(), &b"code of a"[..]);
        assert!(second.insert(b"c", vec![2]));
        second.write().unwrap();

        let third = Functions::read(file);
        assert_eq!(third.get(b"a").unwrap(), &b"code of a"[..]);
        assert!(third.get(b"b").is_none(), "the second component did without");
        assert_eq!(third.get(b"c").unwrap(), &[2][..]);
    }

    #[test]
    fn a_component_that_asks_for_none_leaves_the_file_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("functions");
        let first = Functions::read(file.clone());
        assert!(first.insert(b"a", vec![1]));
        first.write().unwrap();
        Functions::read(file.clone()).write().unwrap();
        assert!(Functions::read(file).get(b"a").is_some());
    }

    #[test]
    fn a_damaged_file_holds_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("functions");
        std::fs::write(&file, b"\xff\xff\xff\xff\xff\xff").unwrap();
        let functions = Functions::read(file.clone());
        assert!(functions.get(b"a").is_none());
        assert!(functions.insert(b"a", vec![1]));
        functions.write().unwrap();
        assert!(Functions::read(file).get(b"a").is_some(), "it was replaced");
    }
}
