//! Files that are replaced as a whole.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

/// All of the content or nothing of it. Not for what a crash of the machine may
/// not lose: nothing waits for the disk.
pub fn replace(path: &Path, content: &[u8]) -> Result<()> {
    let folder = path.parent().context("find the folder of the file")?;
    let mut file = tempfile::NamedTempFile::new_in(folder)
        .with_context(|| format!("write to {}", folder.display()))?;
    file.write_all(content).with_context(|| format!("write to {}", folder.display()))?;
    file.persist(path).with_context(|| format!("write {}", path.display()))?;
    Ok(())
}
