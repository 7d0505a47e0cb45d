//! The folder for what the host keeps between runs.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Beside the manifest.
pub const DEFAULT: &str = ".todoozle";

/// Makes the folder, and has git leave it alone. Gives its absolute path.
pub fn prepare(project: &Path, given: Option<&Path>) -> Result<PathBuf> {
    let dir = match given {
        Some(dir) => std::path::absolute(dir).context("resolve --data-dir")?,
        None => project.join(DEFAULT),
    };
    if !dir.exists() {
        std::fs::create_dir_all(&dir)
            .and_then(|()| std::fs::write(dir.join(".gitignore"), "*\n"))
            // The database's user must get through, whatever the umask says.
            .and_then(|()| std::fs::set_permissions(&dir, Permissions::from_mode(0o755)))
            .with_context(|| {
                format!("make the data folder {}: choose another with --data-dir", dir.display())
            })?;
    }
    dir.canonicalize().with_context(|| format!("find the data folder {}", dir.display()))
}
