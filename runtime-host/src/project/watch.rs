//! `--watch`: rebuild when a file changes, then swap the new version in.

use std::collections::BTreeSet;
use std::path::{Component as Part, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use globset::GlobSet;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::error::misconfigured;
use crate::guest::loaded::Loader;
use crate::http::server::Server;
use crate::metrics::Swap;
use crate::project::manifest::{Component, Manifest};
use crate::project::source::Source;
use crate::project::{build, globs, load};

/// An editor writes a file in several steps, and `git checkout` many files.
const QUIET: Duration = Duration::from_millis(200);

/// Changes of the files that the components are built from, and of their own files.
pub struct Changes {
    seen: Arc<Seen>,
    _watcher: RecommendedWatcher,
}

/// Which components have to be looked at again.
#[derive(Default)]
struct Seen {
    components: Mutex<BTreeSet<usize>>,
    changed: Notify,
}

impl Changes {
    /// Watches what `build.watch` names; without a build command, the source.
    pub fn watch(manifest: &Manifest) -> Result<Self> {
        let mut patterns = Vec::new();
        let mut folders = BTreeSet::new();
        for component in &manifest.components {
            let (globs, own) = of(component, &manifest.dir)?;
            patterns.push(globs);
            folders.extend(own);
        }
        let seen = Arc::new(Seen::default());
        let noted = seen.clone();
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                let Ok(event) = event else { return };
                let concerned = patterns.iter().enumerate().filter(|(_, it)| is_change(&event, it));
                let concerned: Vec<usize> = concerned.map(|(place, _)| place).collect();
                if !concerned.is_empty() {
                    noted.components.lock().extend(concerned);
                    noted.changed.notify_one();
                }
            })
            .context("watch files")?;
        for (folder, deep) in folders {
            let mode = if deep { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            watcher
                .watch(&folder, mode)
                .with_context(|| format!("watch {} for changes", folder.display()))?;
        }
        Ok(Self { seen, _watcher: watcher })
    }

    /// Waits for a change, and until nothing has changed for a moment. Gives the places of the
    /// components that are concerned. What changes during a build is remembered.
    async fn next(&self) -> BTreeSet<usize> {
        self.seen.changed.notified().await;
        while tokio::time::timeout(QUIET, self.seen.changed.notified()).await.is_ok() {}
        std::mem::take(&mut *self.seen.components.lock())
    }
}

/// What of a component is watched, and the folders where that is, with whether to look into
/// subfolders.
fn of(component: &Component, dir: &Path) -> Result<(GlobSet, Vec<(PathBuf, bool)>)> {
    let patterns = match (&component.build, &component.source) {
        (Some(build), _) if !build.watch.is_empty() => absolute(&build.workdir, &build.watch),
        (Some(_), _) => {
            return Err(misconfigured!(
                "component.{0}.build.watch is empty: list there what the component is built from, \
                 or leave out --watch",
                component.id
            ));
        }
        (None, Source::File(path)) => vec![literal(path)],
        (None, Source::Url { .. }) => vec![],
    };
    let entries = component.files.entries.iter();
    let files: Vec<String> = entries.flat_map(|entry| entry.patterns(dir)).collect();
    targets(&[patterns, absolute(dir, &files)].concat())
}

/// Rebuilds and swaps for as long as it is polled. A version that cannot be
/// built or loaded leaves the live one where it is.
pub async fn run(
    changes: Changes,
    manifest: &Manifest,
    data_dir: &Path,
    loader: &Loader,
    server: &Server,
) {
    loop {
        let concerned = changes.next().await;
        let concerned = concerned.into_iter().map(|place| &manifest.components[place]);
        let renewed = async {
            for build in concerned.filter_map(|component| component.build.as_ref()) {
                build::run(build).await?;
            }
            renew(manifest, data_dir, loader, server).await
        };
        if let Err(error) = renewed.await {
            server.metrics.swaps(Swap::failed);
            tracing::error!("the version before stays, since the new one failed: {error:#}");
        }
    }
}

async fn renew(
    manifest: &Manifest,
    data_dir: &Path,
    loader: &Loader,
    server: &Server,
) -> Result<()> {
    let new = load::load(manifest, data_dir, loader).await?;
    let live = server.live.load().as_ref().map(|live| live.digest);
    if live == Some(new.digest) {
        tracing::info!("nothing to swap: the component is still {}", new.digest);
        return Ok(());
    }
    let digest = new.digest;
    server.live.store(Some(Arc::new(new)));
    server.metrics.swaps(Swap::done);
    tracing::info!("swapped {} for {digest}", live.map_or("nothing".into(), |old| old.to_string()));
    Ok(())
}

/// The globs as paths from the root.
fn absolute(base: &Path, patterns: &[String]) -> Vec<String> {
    let absolute = |pattern| normalize(&base.join(pattern)).to_string_lossy().into_owned();
    patterns.iter().map(absolute).collect()
}

/// The globs, and the folders under which their matches are, with whether to look into
/// subfolders.
fn targets(patterns: &[String]) -> Result<(GlobSet, Vec<(PathBuf, bool)>)> {
    let mut folders = Vec::new();
    for pattern in patterns {
        let path = Path::new(pattern);
        let fixed = globs::fixed(path);
        let folder = if fixed == path {
            (fixed.parent().unwrap_or(Path::new("/")).to_owned(), false)
        } else {
            (fixed, true)
        };
        if !folder.0.is_dir() {
            return Err(misconfigured!(
                "the manifest has {pattern:?} watched, but {} is not a folder: correct the pattern",
                folder.0.display()
            ));
        }
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    Ok((globs::set("build.watch", patterns)?, folders))
}

fn literal(path: &Path) -> String {
    globset::escape(&path.to_string_lossy())
}

/// Without `.` and `..`, which the watcher's paths do not have either.
fn normalize(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Part::CurDir => {}
            Part::ParentDir => {
                clean.pop();
            }
            part => clean.push(part),
        }
    }
    clean
}

fn is_change(event: &notify::Event, globs: &GlobSet) -> bool {
    !matches!(event.kind, EventKind::Access(_))
        && event.paths.iter().any(|path| globs.is_match(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(patterns: &[&str], path: &str) -> bool {
        let patterns: Vec<String> = patterns
            .iter()
            .map(|p| normalize(&Path::new("/app").join(p)).display().to_string())
            .collect();
        globs::set("watch", &patterns).unwrap().is_match(path)
    }

    #[test]
    fn globs_are_relative_and_stop_at_folders() {
        assert!(matches(&["src/**/*.rs"], "/app/src/a/b.rs"));
        assert!(matches(&["src/**/*.rs"], "/app/src/b.rs"));
        assert!(!matches(&["src/*.rs"], "/app/src/a/b.rs"));
        assert!(matches(&["./Cargo.toml"], "/app/Cargo.toml"));
        assert!(matches(&["../lib/*.rs"], "/lib/a.rs"));
        assert!(!matches(&["src/**/*.rs"], "/other/src/b.rs"));
    }

    #[test]
    fn only_the_folders_of_the_globs_are_watched() {
        let base = std::env::temp_dir().join(format!("runtime-host-watch-{}", std::process::id()));
        std::fs::create_dir_all(base.join("src/deep")).unwrap();
        let patterns =
            ["src/**/*.rs".to_owned(), "Cargo.toml".to_owned(), "src/deep/*.x".to_owned()];
        let (_, folders) = targets(&absolute(&base, &patterns)).unwrap();
        assert_eq!(
            folders,
            [(base.join("src"), true), (base.clone(), false), (base.join("src/deep"), true)]
        );
        let error = targets(&absolute(&base, &["nowhere/*".to_owned()])).unwrap_err().to_string();
        assert!(error.contains("is not a folder"), "{error}");
    }
}
