//! The live version in a folder of the host's own, for a start while the API
//! server is away. It is checked like any other before it is served.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::deploy::release::Release;
use crate::file;

const RELEASE: &str = "release.json";

/// The folder.
pub struct Cached {
    dir: PathBuf,
}

impl Cached {
    pub fn new(data_dir: &Path) -> Result<Self> {
        let dir = data_dir.join("live");
        std::fs::create_dir_all(&dir).with_context(|| format!("make {}", dir.display()))?;
        Ok(Self { dir })
    }

    /// What was live last, if anything was.
    pub fn load(&self) -> Option<(Release, Vec<u8>)> {
        let text = std::fs::read(self.dir.join(RELEASE)).ok()?;
        let release: Release = serde_json::from_slice(&text).ok()?;
        let bytes = std::fs::read(self.component(&release)).ok()?;
        Some((release, bytes))
    }

    /// Remembers a version, and forgets the one before.
    pub fn store(&self, release: &Release, component: &[u8]) -> Result<()> {
        let before = self.load().map(|(release, _)| release);
        file::replace(&self.component(release), component)?;
        file::replace(&self.dir.join(RELEASE), &serde_json::to_vec(release)?)?;
        if let Some(before) = before.filter(|before| before.digest != release.digest) {
            std::fs::remove_file(self.component(&before)).context("remove the version before")?;
        }
        Ok(())
    }

    fn component(&self, release: &Release) -> PathBuf {
        self.dir.join(format!("{}.wasm", release.digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    fn release(generation: u64, component: &[u8]) -> Release {
        let digest = Digest::of(component);
        let config_maps = vec![];
        let (version, by, at, schema, migrations) = (None, None, None, None, None);
        Release {
            generation,
            digest,
            config_maps,
            version,
            by,
            at,
            schema,
            migrations,
            passed: false,
        }
    }

    #[test]
    fn the_last_version_is_kept_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let cached = Cached::new(dir.path()).unwrap();
        assert!(cached.load().is_none());
        for (generation, component) in [(1, b"one"), (2, b"two")] {
            cached.store(&release(generation, component), component).unwrap();
        }
        let again = Cached::new(dir.path()).unwrap();
        assert_eq!(again.load(), Some((release(2, b"two"), b"two".to_vec())));
        assert_eq!(std::fs::read_dir(dir.path().join("live")).unwrap().count(), 2);
    }

    #[test]
    fn half_a_file_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let cached = Cached::new(dir.path()).unwrap();
        cached.store(&release(1, b"one"), b"one").unwrap();
        std::fs::write(dir.path().join("live").join(RELEASE), "{").unwrap();
        assert!(cached.load().is_none());
    }
}
