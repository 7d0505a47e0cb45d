//! Files that are replaced as a whole, and that only their owner may read.

use std::fs::File;
use std::io::{Result, Write as _};
use std::path::Path;

use anyhow::Context as _;

/// All of the content or nothing of it. Not for what a crash of the machine may
/// not lose: nothing waits for the disk.
pub fn replace(path: &Path, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
    write(path, content.as_ref(), |_| Ok(()))
}

/// The same, and it is on the disk.
pub fn replace_for_good(path: &Path, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
    write(path, content.as_ref(), File::sync_all)
}

fn write(path: &Path, content: &[u8], keep: impl Fn(&File) -> Result<()>) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        file.write_all(content)?;
        keep(file.as_file())?;
        file.persist(path)?;
        Ok::<_, std::io::Error>(())
    };
    write().with_context(|| format!("write {}", path.display()))
}
