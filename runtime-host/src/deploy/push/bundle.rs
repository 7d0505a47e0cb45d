//! What travels: components with their files, and migrations.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use k8s_openapi::api::core::v1::ConfigMap;

use super::target::Target;
use crate::database::migrate;
use crate::deploy::release::migrations::Files;
use crate::deploy::release::{Release, parts};
use crate::digest::Digest;
use crate::guest::package::pack;
use crate::project::load;
use crate::project::manifest::Manifest;

/// A package that could be pushed is at most this large.
const MAX_PACKAGE: usize = 64 << 20;

/// A package of components, with the migrations that they need.
pub struct Bundle {
    pub package: Vec<u8>,
    pub digest: Digest,
    pub version: Option<String>,
    pub migrations: Option<Migrations>,
}

pub struct Migrations {
    pub files: Files,
    /// The number of the last one.
    pub schema: i32,
    pub digest: Digest,
}

impl Bundle {
    /// Reads what the manifest names, and refuses what no pod would take.
    pub async fn from_files(manifest: &Manifest, version: Option<&str>) -> Result<Self> {
        let package = pack(&load::parts(manifest, None).await?)?;
        let migrations = manifest.migrations().map(read).transpose()?;
        let version = version.map(str::to_owned).or_else(|| manifest.version.clone());
        Ok(Self { digest: Digest::of(&package), package, version, migrations })
    }

    /// Reads a version as it was pushed to an environment.
    pub async fn from_cluster(target: &Target, release: &Release) -> Result<Self> {
        let package = package(target, release).await?;
        let mut files = Files::new();
        for name in release.migrations() {
            files.extend(get(target, name).await?.data.unwrap_or_default());
        }
        let schema = release.schema.unwrap_or(0);
        let of = |files| Migrations { digest: digest(&files), files, schema };
        let migrations = release.migrations.is_some().then(|| of(files));
        let version = release.version.clone();
        Ok(Self { digest: release.digest, package, version, migrations })
    }
}

async fn package(target: &Target, release: &Release) -> Result<Vec<u8>> {
    let mut found = Vec::new();
    for name in &release.config_maps {
        found.push(get(target, name).await?);
    }
    let package = parts::join(&found, MAX_PACKAGE)?;
    if Digest::of(&package) != release.digest {
        return Err(anyhow!(
            "the ConfigMaps of {} in {} hold something else: push it there again",
            release.digest,
            target.env
        ));
    }
    Ok(package)
}

async fn get(target: &Target, name: &str) -> Result<ConfigMap> {
    let found = target.api::<ConfigMap>().get_opt(name).await;
    found
        .with_context(|| format!("read the ConfigMap {name} of {}", target.env))?
        .with_context(|| format!("{} has no ConfigMap {name} any more", target.env))
}

fn read(folder: &Path) -> Result<Migrations> {
    let (files, schema) = migrate::files(folder)?;
    let digest = digest(&files);
    Ok(Migrations { files, schema, digest })
}

/// Over names and contents, each with its length before it.
fn digest(files: &Files) -> Digest {
    let mut text = Vec::new();
    for part in files.iter().flat_map(|(name, sql)| [name, sql]) {
        text.extend_from_slice(&part.len().to_be_bytes());
        text.extend_from_slice(part.as_bytes());
    }
    Digest::of(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_differ_in_names_and_in_contents() {
        let of = |pairs: &[(&str, &str)]| {
            digest(&pairs.iter().map(|(n, s)| ((*n).to_owned(), (*s).to_owned())).collect())
        };
        assert_eq!(of(&[("V1__a.sql", "x")]), of(&[("V1__a.sql", "x")]));
        assert_ne!(of(&[("V1__a.sql", "x")]), of(&[("V1__b.sql", "x")]));
        assert_ne!(of(&[("V1__a.sql", "x")]), of(&[("V1__a.sql", "y")]));
        assert_ne!(of(&[("a", "bc")]), of(&[("ab", "c")]));
    }
}
