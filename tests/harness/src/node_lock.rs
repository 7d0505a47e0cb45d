//! Who has the node of `tests/cluster`, across programs. xtask has this file as well, and depends on nothing.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// To be locked; `root` is the repository's.
pub fn open(root: &str) -> io::Result<File> {
    let folder = Path::new(root).join("target");
    fs::create_dir_all(&folder)?;
    File::options().create(true).append(true).open(folder.join("node.lock"))
}
