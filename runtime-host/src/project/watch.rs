//! `--watch`: rebuild when a file changes, then swap the new version in.

use std::path::{Component as Part, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use crate::error::misconfigured;
use crate::guest::loaded::Loader;
use crate::http::server::Server;
use crate::project::build;
use crate::project::manifest::Component;

/// An editor writes a file in several steps, and `git checkout` many files.
const QUIET: Duration = Duration::from_millis(200);

/// Changes of the files that a component is built from.
pub struct Changes {
    receiver: mpsc::Receiver<()>,
    _watcher: RecommendedWatcher,
}

impl Changes {
    /// Watches what `build.watch` names; without a build command, the source.
    pub fn watch(component: &Component) -> Result<Self> {
        let (globs, folders) = match &component.build {
            Some(build) if !build.watch.is_empty() => targets(&build.workdir, &build.watch)?,
            Some(_) => {
                return Err(misconfigured!(
                    "component.{0}.build.watch is empty: list there what the component is built \
                     from, or leave out --watch",
                    component.id
                ));
            }
            None => {
                let folder = component.source.parent().unwrap_or(Path::new("/"));
                (set(&[literal(&component.source)])?, vec![(folder.to_owned(), false)])
            }
        };
        // One place: a change during a build is remembered, more make no difference.
        let (sender, receiver) = mpsc::channel(1);
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                if event.is_ok_and(|event| is_change(&event, &globs)) {
                    let _ = sender.try_send(());
                }
            })
            .context("watch files")?;
        for (folder, deep) in folders {
            let mode = if deep { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            watcher
                .watch(&folder, mode)
                .with_context(|| format!("watch {} for changes", folder.display()))?;
        }
        Ok(Self { receiver, _watcher: watcher })
    }

    /// Waits for a change, and until nothing has changed for a moment.
    async fn next(&mut self) -> Option<()> {
        self.receiver.recv().await?;
        while let Ok(Some(())) = tokio::time::timeout(QUIET, self.receiver.recv()).await {}
        Some(())
    }
}

/// Rebuilds and swaps for as long as it is polled. A version that cannot be
/// built or loaded leaves the live one where it is.
pub async fn run(mut changes: Changes, component: &Component, loader: &Loader, server: &Server) {
    while changes.next().await.is_some() {
        if let Err(error) = renew(component, loader, server).await {
            server.metrics.swaps("failed");
            tracing::error!("the version before stays, since the new one failed: {error:#}");
        }
    }
}

async fn renew(component: &Component, loader: &Loader, server: &Server) -> Result<()> {
    if let Some(build) = &component.build {
        build::run(build).await?;
    }
    let new = loader.load_file(&component.source).await?;
    let live = server.live.load().as_ref().map(|live| live.digest);
    if live == Some(new.digest) {
        tracing::info!("nothing to swap: the component is still {}", new.digest);
        return Ok(());
    }
    let digest = new.digest;
    server.live.store(Some(Arc::new(new)));
    server.metrics.swaps("done");
    tracing::info!("swapped {} for {digest}", live.map_or("nothing".into(), |old| old.to_string()));
    Ok(())
}

/// The globs, made absolute, and the folders under which their matches are,
/// with whether to look into subfolders.
fn targets(base: &Path, patterns: &[String]) -> Result<(GlobSet, Vec<(PathBuf, bool)>)> {
    let mut folders = Vec::new();
    let mut absolute = Vec::new();
    for pattern in patterns {
        let path = normalize(&base.join(pattern));
        let fixed: PathBuf = path
            .components()
            .take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{']))
            .collect();
        let folder = if fixed == path {
            (fixed.parent().unwrap_or(base).to_owned(), false)
        } else {
            (fixed, true)
        };
        if !folder.0.is_dir() {
            return Err(misconfigured!(
                "build.watch names {pattern:?}, but {} is not a folder: correct the pattern",
                folder.0.display()
            ));
        }
        if !folders.contains(&folder) {
            folders.push(folder);
        }
        // What stands before the first wildcard is meant as it is.
        absolute.push(path.to_string_lossy().into_owned());
    }
    Ok((set(&absolute)?, folders))
}

fn set(patterns: &[String]) -> Result<GlobSet> {
    let mut builder = GlobSetBuilder::new();
    for pattern in patterns {
        let glob = GlobBuilder::new(pattern)
            .literal_separator(true)
            .build()
            .map_err(|error| misconfigured!("build.watch: {error}"))?;
        builder.add(glob);
    }
    builder.build().context("read build.watch")
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
        set(&patterns).unwrap().is_match(path)
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
        let (_, folders) = targets(&base, &patterns).unwrap();
        assert_eq!(
            folders,
            [(base.join("src"), true), (base.clone(), false), (base.join("src/deep"), true)]
        );
        let error = targets(&base, &["nowhere/*".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("is not a folder"), "{error}");
    }
}
