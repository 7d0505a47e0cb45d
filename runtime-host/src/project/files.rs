//! A component's own files, as Spin's manifest names them: patterns and folders that keep their
//! paths, and what is placed elsewhere.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use walkdir::{DirEntry, WalkDir};

use crate::error::misconfigured;
use crate::guest::package::inside;
use crate::project::{data_dir, dotenv, globs};

/// `files` and `exclude_files` of a component.
#[derive(Debug, Default)]
pub struct Files {
    pub entries: Vec<Entry>,
    /// Patterns of what is left out.
    pub exclude: Vec<String>,
}

/// One of `files`; every path starts from the manifest's folder.
#[derive(Debug)]
pub enum Entry {
    /// A file, a folder, or a pattern. What it finds has the same path in the component.
    Pattern(String),
    /// A file or a folder, and the path that it has in the component.
    Placed { source: PathBuf, destination: PathBuf },
}

impl Files {
    /// All of them, by their paths in the component.
    pub fn read(&self, dir: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
        let exclude = globs::set("exclude_files", &self.exclude)?;
        let mut files = BTreeMap::new();
        for entry in &self.entries {
            for (source, destination) in entry.find(dir)? {
                let own = source.strip_prefix(dir).unwrap_or(&source);
                if exclude.is_match(own) {
                    continue;
                }
                let bytes = std::fs::read(&source)
                    .with_context(|| format!("read the file {}", source.display()))?;
                let Some(path) = destination.to_str() else {
                    return Err(misconfigured!(
                        "the name of the file {} is no UTF-8: rename it",
                        source.display()
                    ));
                };
                if path.is_empty() {
                    return Err(misconfigured!(
                        "files places the file {} at \"/\", which is a folder: write its name \
                         there as well",
                        source.display()
                    ));
                }
                files.insert(path.to_owned(), bytes);
            }
        }
        let is_file = |path: &&str| files.contains_key(*path);
        for path in files.keys() {
            let mut folders = path.match_indices('/').map(|(end, _)| &path[..end]);
            if let Some(file) = folders.find(is_file) {
                return Err(misconfigured!(
                    "files places one file at {file:?} and another at {path:?}: no path is a file \
                     and a folder"
                ));
            }
        }
        Ok(files)
    }
}

impl Entry {
    /// Patterns of the files that it may find, for whoever watches them.
    pub fn patterns(&self, dir: &Path) -> Vec<String> {
        match self {
            Self::Pattern(text) if dir.join(text).is_dir() => vec![format!("{text}/**/*")],
            Self::Pattern(text) => vec![text.clone()],
            Self::Placed { source, .. } => {
                let source = globset::escape(&source.to_string_lossy());
                vec![source.clone(), format!("{source}/**/*")]
            }
        }
    }

    /// Sources, and their paths in the component.
    fn find(&self, dir: &Path) -> Result<Vec<(PathBuf, PathBuf)>> {
        match self {
            Self::Pattern(text) => {
                let own = inside(Path::new(text)).ok_or_else(|| outside(text))?;
                if dir.join(&own).exists() {
                    return below(dir, &own, &own);
                }
                let pattern = globs::set("files", std::slice::from_ref(text))?;
                let fixed = globs::fixed(&own);
                let mut all = if dir.join(&fixed).is_dir() {
                    below(dir, &fixed, &fixed)?
                } else {
                    Vec::new()
                };
                all.retain(|(_, path)| pattern.is_match(path));
                if all.is_empty() {
                    return Err(misconfigured!(
                        "files names {text:?}, and there is no such file in {}: build it, or \
                         correct the manifest",
                        dir.display()
                    ));
                }
                Ok(all)
            }
            Self::Placed { source, destination } => {
                let absolute = destination.strip_prefix("/").unwrap_or(destination);
                let destination = inside(absolute).ok_or_else(|| outside(destination.display()))?;
                if !dir.join(source).exists() {
                    return Err(misconfigured!(
                        "files names {:?}, which is not in {}: build it, or correct the manifest",
                        source.display().to_string(),
                        dir.display()
                    ));
                }
                below(dir, source, &destination)
            }
        }
    }
}

/// A file, or all files of a folder.
fn below(dir: &Path, source: &Path, destination: &Path) -> Result<Vec<(PathBuf, PathBuf)>> {
    let source = dir.join(source);
    let mut found = Vec::new();
    // What the host has beside the manifest, its secrets above all, is no file of a component's,
    // unless by its own name.
    let secrets = dir.join(dotenv::NAME);
    let is_its_own = |entry: &DirEntry| {
        entry.file_name() != data_dir::DEFAULT && (entry.depth() == 0 || entry.path() != secrets)
    };
    let all = WalkDir::new(&source).follow_links(true).into_iter();
    for entry in all.filter_entry(is_its_own) {
        let entry = entry.with_context(|| format!("look for files in {}", source.display()))?;
        if !entry.file_type().is_file() {
            continue;
        }
        let rest = entry.path().strip_prefix(&source).unwrap_or(Path::new(""));
        // Joined with nothing, a path would end in a slash.
        let path = if rest.as_os_str().is_empty() {
            destination.to_owned()
        } else {
            destination.join(rest)
        };
        found.push((entry.path().to_owned(), path));
    }
    Ok(found)
}

fn outside(path: impl std::fmt::Display) -> anyhow::Error {
    misconfigured!("files names {path}, which leads out of its folder: write a path without ..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &Files) -> Result<Vec<String>> {
        let dir = tempfile::tempdir().unwrap();
        for path in [
            ".todoozle/x",
            ".env",
            "web/.hidden",
            "a.txt",
            "web/index.html",
            "web/css/site.css",
            "web/css/old.css",
            "w.wasm",
        ] {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, path.to_str().unwrap()).unwrap();
        }
        Ok(files.read(dir.path())?.into_keys().collect())
    }

    fn pattern(text: &str) -> Files {
        Files { entries: vec![Entry::Pattern(text.to_owned())], exclude: vec![] }
    }

    fn placed(source: &str, destination: &str) -> Files {
        let (source, destination) = (source.into(), destination.into());
        Files { entries: vec![Entry::Placed { source, destination }], exclude: vec![] }
    }

    #[test]
    fn patterns_and_folders_keep_their_paths() {
        for (text, paths) in [
            ("a.txt", vec!["a.txt"]),
            ("./a.txt", vec!["a.txt"]),
            ("web/*", vec!["web/.hidden", "web/index.html"]),
            ("*", vec!["a.txt", "w.wasm"]),
            (
                "web/**/*",
                vec!["web/.hidden", "web/css/old.css", "web/css/site.css", "web/index.html"],
            ),
            (".env", vec![".env"]),
            ("**/.*", vec!["web/.hidden"]),
            ("{a,w}.*", vec!["a.txt", "w.wasm"]),
            ("[a]*", vec!["a.txt"]),
            ("web/css/[!o]*", vec!["web/css/site.css"]),
            ("web/css", vec!["web/css/old.css", "web/css/site.css"]),
            ("**/*.css", vec!["web/css/old.css", "web/css/site.css"]),
        ] {
            assert_eq!(found(&pattern(text)).unwrap(), paths, "{text}");
        }
    }

    #[test]
    fn what_is_placed_has_another_path() {
        for (source, destination, paths) in [
            ("web", "/", vec![".hidden", "css/old.css", "css/site.css", "index.html"]),
            (".env", "/settings", vec!["settings"]),
            ("web/css", "style", vec!["style/old.css", "style/site.css"]),
            ("a.txt", "/b/c.txt", vec!["b/c.txt"]),
            (
                "",
                "/x",
                vec![
                    "x/a.txt",
                    "x/w.wasm",
                    "x/web/.hidden",
                    "x/web/css/old.css",
                    "x/web/css/site.css",
                    "x/web/index.html",
                ],
            ),
        ] {
            assert_eq!(found(&placed(source, destination)).unwrap(), paths, "{source}");
        }
    }

    #[test]
    fn some_are_left_out() {
        let files = Files { exclude: vec!["**/old.*".into()], ..placed("web", "/") };
        assert_eq!(found(&files).unwrap(), [".hidden", "css/site.css", "index.html"]);
    }

    #[test]
    fn what_is_not_there_or_leads_out_is_named() {
        let mut both = placed("a.txt", "/b");
        both.entries.append(&mut placed("w.wasm", "/b/c/d").entries);
        for (files, says) in [
            (pattern("x/*"), "\"x/*\""),
            (pattern("../a"), "leads out"),
            (pattern("[a"), "files: "),
            (placed("x", "/"), "\"x\""),
            (placed("a.txt", "/../b"), "leads out"),
            (placed("a.txt", "/"), "write its name"),
            (placed("a.txt", "."), "write its name"),
            (both, "no path is a file and a folder"),
        ] {
            let error = found(&files).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
