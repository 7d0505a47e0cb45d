//! Files of loaded components, in folders that go with them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use nix::sys::signal::kill;
use nix::unistd::Pid;
use tempfile::TempDir;

/// Where this process has them.
pub struct Folder(PathBuf);

impl Folder {
    /// Also removes what processes before this one left behind, unless another one is at it.
    pub fn new(data_dir: &Path) -> Self {
        let all = data_dir.join("files");
        let own = std::process::id().to_string();
        for entry in std::fs::read_dir(&all).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let alive = |pid| kill(Pid::from_raw(pid), None).is_ok();
            if (name == own || !name.parse().is_ok_and(alive))
                && let Err(error) = std::fs::remove_dir_all(entry.path())
            {
                tracing::debug!("{} cannot be removed: {error}", entry.path().display());
            }
        }
        Self(all.join(own))
    }

    /// Writes files, by paths that start from the folder; `None` where there are none.
    pub fn put(&self, files: BTreeMap<String, Vec<u8>>) -> Result<Option<TempDir>> {
        if files.is_empty() {
            return Ok(None);
        }
        let folder = std::fs::create_dir_all(&self.0)
            .and_then(|()| tempfile::tempdir_in(&self.0))
            .with_context(|| format!("make a folder for files in {}", self.0.display()))?;
        for (path, content) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(folder.path()))
                .and_then(|()| std::fs::write(&path, content))
                .with_context(|| format!("write the file {}", path.display()))?;
        }
        Ok(Some(folder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_go_with_their_component_and_with_the_process() {
        let data = tempfile::tempdir().unwrap();
        let left = data.path().join("files/999999999/x");
        std::fs::create_dir_all(&left).unwrap();
        let folder = Folder::new(data.path());
        assert!(!left.exists());
        assert!(folder.put(BTreeMap::new()).unwrap().is_none());
        let files = folder.put([("a/b".to_owned(), b"c".to_vec())].into()).unwrap().unwrap();
        let path = files.path().join("a/b");
        assert_eq!(std::fs::read(&path).unwrap(), b"c");
        drop(files);
        assert!(!path.exists());
    }
}
