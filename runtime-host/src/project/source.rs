//! Where a component's code is: a file of the project, or one that is downloaded once.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::digest::Digest;
use crate::download::{aside, get, shown};
use crate::project::data_dir;
use crate::terminal::progress;
use kit::file;

/// Bytes of what is downloaded.
const MAX_DOWNLOAD: u64 = 64 << 20;

/// `source` of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    File(PathBuf),
    Url { url: String, digest: Digest },
}

impl Source {
    /// Says how to make a component that is not there.
    pub fn check_exists(&self) -> Result<()> {
        match self {
            Self::File(path) if !path.exists() => {
                bail!("the component {} does not exist: build it with --build", path.display())
            }
            _ => Ok(()),
        }
    }

    /// The bytes of the file, or of what was downloaded and kept in the data folder.
    pub async fn read(&self, project: &Path, data_dir: Option<&Path>) -> Result<Vec<u8>> {
        self.check_exists()?;
        let path = match self {
            Self::File(path) => path.clone(),
            Self::Url { url, digest } => {
                download(url, *digest, &data_dir::prepare(project, data_dir)?).await?
            }
        };
        tokio::fs::read(&path)
            .await
            .with_context(|| format!("read the component {}", path.display()))
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Url { url, .. } => shown(url).fmt(f),
        }
    }
}

/// The file's path. Its name is its digest, so it is the right one whenever it came.
async fn download(url: &str, digest: Digest, folder: &Path) -> Result<PathBuf> {
    let path = folder.join("downloads").join(format!("{digest}.wasm"));
    if path.exists() {
        return Ok(path);
    }
    let shown = shown(url);
    let step = progress::step(format!("Downloading {shown}"));
    let from = url.to_owned();
    let bytes = aside(move || get(&from, MAX_DOWNLOAD)).await?;
    let found = Digest::of(&bytes);
    if found != digest {
        bail!(
            "{shown} has the digest {}, and the manifest wants {}: somebody changed the one or the \
             other",
            found.full(),
            digest.full()
        );
    }
    std::fs::create_dir_all(path.parent().unwrap_or(folder))
        .with_context(|| format!("make a folder for {}", path.display()))?;
    file::replace(&path, &bytes)?;
    step.done(&format!("Downloaded {shown}"));
    Ok(path)
}
