//! Folders of programs that all tests of a process share, and that end with it: nobody is left to remove them.

use crate::target;
use std::fs::{self, File};
use std::path::PathBuf;

/// A folder that is nobody else's while the file is open, which the program inherits, so that it
/// is until the program is gone, even when this process dies first.
pub(crate) fn of_this_run(name: &str) -> (PathBuf, File) {
    for number in 0.. {
        let folder = target().join(format!("tmp/{name}-{number}"));
        fs::create_dir_all(&folder).expect("make the folder");
        let lock = File::create(folder.join("lock")).expect("make the lock file");
        if lock.try_lock().is_ok() {
            return (folder, lock);
        }
    }
    unreachable!("there is always another number")
}
