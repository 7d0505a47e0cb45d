//! From the files of a project to what can be served or pushed.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::digest::Digest;
use crate::guest::loaded::{Loaded, Loader, inspect};
use crate::guest::package::{Part, pack};
use crate::project::manifest::Manifest;

/// What the manifest names, checked as far as that goes without compiling. What is downloaded is
/// kept in the data folder.
pub async fn parts(manifest: &Manifest, data_dir: Option<&Path>) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    for component in &manifest.components {
        let bytes = component.source.read(&manifest.dir, data_dir).await?;
        let files = component
            .files
            .read(&manifest.dir)
            .with_context(|| format!("component.{}", component.id))?;
        parts.push(Part { id: component.id.clone(), component: bytes, files });
    }
    inspect(&parts).with_context(|| cannot_serve(manifest))?;
    Ok(parts)
}

/// Loads them, off the request path.
pub async fn load(manifest: &Manifest, data_dir: &Path, loader: &Loader) -> Result<Loaded> {
    let parts = parts(manifest, Some(data_dir)).await?;
    let digest = Digest::of(&pack(&parts)?);
    loader.load(digest, parts).await.with_context(|| cannot_serve(manifest))
}

fn cannot_serve(manifest: &Manifest) -> String {
    match manifest.components.as_slice() {
        [only] => format!("cannot serve {}", only.source),
        _ => format!("cannot serve the components of {}", manifest.dir.display()),
    }
}
