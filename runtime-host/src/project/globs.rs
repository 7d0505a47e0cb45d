//! Patterns of files in a manifest, where `*` stops at a folder.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::error::misconfigured;

/// All of the patterns together. `field` is where they stand.
pub fn set(field: &str, patterns: &[String]) -> Result<GlobSet> {
    let mut builder = GlobSetBuilder::new();
    for pattern in patterns {
        let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
        let glob = GlobBuilder::new(pattern)
            .literal_separator(true)
            .build()
            .map_err(|error| misconfigured!("{field}: {error}"))?;
        builder.add(glob);
    }
    builder.build().with_context(|| format!("read {field}"))
}

/// What stands before the first wildcard: there is no match anywhere else.
pub fn fixed(pattern: &Path) -> PathBuf {
    let is_fixed = |part: &str| !part.contains(['*', '?', '[', '{']);
    pattern.components().take_while(|part| is_fixed(&part.as_os_str().to_string_lossy())).collect()
}
