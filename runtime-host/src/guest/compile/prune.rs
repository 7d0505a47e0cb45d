//! Keeps the compiled code within its volume. wasmtime's own clean-up runs once an hour, in a
//! process that lives longer than the child that compiles.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Bytes of compiled code that are kept: half of what the chart gives the cache.
pub const LIMIT: u64 = 128 << 20;

/// Removes the files that were written first until the rest is below `limit`. What cannot be
/// read or removed stays: code that is missing is compiled again, and nothing else depends on it.
pub fn keep_below(folder: &Path, limit: u64) {
    let mut files = Vec::new();
    gather(folder, &mut files);
    files.sort();
    let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
    for (_, size, path) in files {
        if total <= limit {
            return;
        }
        if fs::remove_file(&path).is_ok() {
            total -= size;
        }
    }
}

fn gather(folder: &Path, files: &mut Vec<(SystemTime, u64, PathBuf)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            gather(&entry.path(), files);
        } else if !entry.file_name().to_string_lossy().starts_with("compiling-") {
            let written = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            files.push((written, metadata.len(), entry.path()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_first_and_what_is_being_compiled_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join("modules").join(name);
        fs::create_dir(folder.path().join("modules")).unwrap();
        for (age, name) in ["compiling-x.wasm", "oldest", "older", "new"].iter().enumerate() {
            fs::write(path(name), [0; 100]).unwrap();
            let written = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(age as u64);
            fs::File::options()
                .write(true)
                .open(path(name))
                .unwrap()
                .set_modified(written)
                .unwrap();
        }
        keep_below(folder.path(), 200);
        let left: Vec<_> =
            ["compiling-x.wasm", "oldest", "older", "new"].map(|name| path(name).exists()).into();
        assert_eq!(left, [true, false, true, true]);
        keep_below(folder.path(), 0);
        assert!(path("compiling-x.wasm").exists() && !path("new").exists());
        keep_below(&folder.path().join("nowhere"), 0);
    }
}
