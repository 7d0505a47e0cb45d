//! Versions in a folder of the host's own: the last one that passed, for a start while the API
//! server is away, and the one that is being tried, in case it ends the process.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::deploy::release::Release;
use crate::digest::Digest;
use kit::file;

const RELEASE: &str = "release.json";
const ATTEMPT: &str = "attempt";
/// So many starts of the process may a version end before it has passed.
const MAX_STARTS: u32 = 2;

/// The folder.
pub struct Cached {
    dir: PathBuf,
}

/// A version that is being tried.
#[derive(Serialize, Deserialize)]
struct Attempt {
    generation: u64,
    /// How many processes began to, and came to no end.
    starts: u32,
}

impl Cached {
    pub fn new(data_dir: &Path) -> Result<Self> {
        let dir = data_dir.join("live");
        std::fs::create_dir_all(&dir).with_context(|| format!("make {}", dir.display()))?;
        Ok(Self { dir })
    }

    /// What passed last, if anything has. It is checked like any other before it is served.
    pub fn load(&self) -> Option<(Release, Vec<u8>)> {
        let release = self.release()?;
        let bytes = std::fs::read(self.component(release.digest)).ok()?;
        Some((release, bytes))
    }

    fn release(&self) -> Option<Release> {
        serde_json::from_slice(&std::fs::read(self.dir.join(RELEASE)).ok()?).ok()
    }

    /// Whether this version ended the process too often, in this generation.
    pub fn ends_the_process(&self, release: &Release) -> bool {
        self.starts(release) >= MAX_STARTS
    }

    fn starts(&self, release: &Release) -> u32 {
        let attempt = read_attempt(&self.attempt(release.digest));
        attempt.filter(|it| it.generation == release.generation).map_or(0, |it| it.starts)
    }

    /// A version is about to be tried.
    pub fn begin(&self, release: &Release, component: &[u8]) -> Result<()> {
        let attempt = Attempt { generation: release.generation, starts: self.starts(release) + 1 };
        file::replace(&self.attempt(release.digest), &serde_json::to_vec(&attempt)?)?;
        file::replace(&self.component(release.digest), component)
    }

    /// The version passed: it is what the next start may take, and the one before is forgotten.
    pub fn keep(&self, release: &Release) -> Result<()> {
        let before = self.release();
        file::replace(&self.dir.join(RELEASE), &serde_json::to_vec(release)?)?;
        self.end(release.digest);
        if let Some(before) = before.filter(|before| before.digest != release.digest) {
            remove(&self.component(before.digest));
        }
        Ok(())
    }

    /// What was tried came to an end, and not the process with it.
    pub fn end(&self, digest: Digest) {
        remove(&self.attempt(digest));
        if self.release().is_none_or(|kept| kept.digest != digest) {
            remove(&self.component(digest));
        }
    }

    /// The process is told to end, which accuses no version that has not ended one already.
    pub fn stop(&self) {
        let entries = std::fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let files = entries.map(|entry| entry.path());
        for file in files.filter(|file| file.extension().is_some_and(|it| it == ATTEMPT)) {
            if read_attempt(&file).is_none_or(|attempt| attempt.starts < MAX_STARTS) {
                remove(&file);
            }
        }
    }

    fn attempt(&self, digest: Digest) -> PathBuf {
        self.dir.join(format!("{digest}.{ATTEMPT}"))
    }

    fn component(&self, digest: Digest) -> PathBuf {
        self.dir.join(format!("{digest}.wasm"))
    }
}

fn read_attempt(file: &Path) -> Option<Attempt> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

fn remove(file: &Path) {
    if let Err(error) = std::fs::remove_file(file)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::debug!("{} cannot be removed: {error}", file.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::release::tests::release;

    #[test]
    fn the_last_version_that_passed_is_kept_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let cached = Cached::new(dir.path()).unwrap();
        assert!(cached.load().is_none());
        let (one, two, three) = (release(1, "one"), release(2, "two"), release(3, "three"));
        for (release, bytes) in [(&one, b"one"), (&two, b"two")] {
            cached.begin(release, bytes).unwrap();
            cached.keep(release).unwrap();
        }
        cached.begin(&three, b"bad").unwrap();
        let again = Cached::new(dir.path()).unwrap();
        assert_eq!(again.load(), Some((two.clone(), b"two".to_vec())));
        again.end(three.digest);
        again.end(two.digest);
        assert_eq!(again.load(), Some((two, b"two".to_vec())));
        assert_eq!(std::fs::read_dir(dir.path().join("live")).unwrap().count(), 2);
    }

    #[test]
    fn starts_of_one_version_in_one_generation_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        let cached = || Cached::new(dir.path()).unwrap();
        let (bad, again, other) = (release(1, "bad"), release(2, "bad"), release(1, "other"));
        let starts = || [&bad, &again, &other].map(|release| cached().starts(release));
        cached().begin(&bad, b"").unwrap();
        cached().begin(&other, b"").unwrap();
        cached().begin(&bad, b"").unwrap();
        assert_eq!(starts(), [2, 0, 1]);
        assert!(cached().ends_the_process(&bad) && !cached().ends_the_process(&other));
        cached().keep(&other).unwrap();
        assert_eq!(starts(), [2, 0, 0]);
        cached().stop();
        assert_eq!(starts(), [2, 0, 0], "it ended two by itself");
        cached().begin(&again, b"").unwrap();
        assert_eq!(starts(), [0, 1, 0]);
        cached().stop();
        assert_eq!(starts(), [0, 0, 0]);
    }

    #[test]
    fn half_a_file_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let cached = Cached::new(dir.path()).unwrap();
        let one = release(1, "one");
        cached.begin(&one, b"one").unwrap();
        cached.keep(&one).unwrap();
        cached.begin(&one, b"one").unwrap();
        for file in [cached.dir.join(RELEASE), cached.attempt(one.digest)] {
            std::fs::write(file, "{").unwrap();
        }
        assert!(cached.load().is_none());
        assert_eq!(cached.starts(&one), 0);
    }
}
