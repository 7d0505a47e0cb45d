//! The project's Rust files, for the tests that read them.

use std::fs;
use std::path::{Path, PathBuf};

/// What others have made is none of them.
const FOREIGN: [&str; 3] = ["target", "node_modules", "programs"];

pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Those of a folder, however deep.
pub fn rust(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of = |path: PathBuf| match path.extension() {
        _ if path.is_dir() => {
            let is_foreign = FOREIGN.iter().any(|name| path.ends_with(name));
            if is_foreign { Vec::new() } else { rust(&path) }
        }
        Some(kind) if kind == "rs" => vec![path],
        _ => Vec::new(),
    };
    entries.flat_map(of).collect()
}
