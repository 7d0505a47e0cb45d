//! `spin.toml`, version 2: what this host supports of it, and a clear refusal
//! of the rest.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::error::misconfigured;
use crate::project::files::Files;
use crate::project::source::Source;
use crate::spin::routes::Routes;

mod file;
mod shape;
#[cfg(test)]
mod tests;

/// A manifest of an HTTP application; paths are absolute.
#[derive(Debug)]
pub struct Manifest {
    /// The folder that holds the manifest.
    pub dir: PathBuf,
    /// The application's version, if it has one.
    pub version: Option<String>,
    pub variables: BTreeMap<String, Variable>,
    /// Which of [`Manifest::components`] answers a path.
    pub routes: Arc<Routes>,
    /// Those that a route leads to, by their names; at least one.
    pub components: Vec<Component>,
}

/// An application variable.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Variable {
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub default: Option<String>,
    #[serde(default, rename = "secret")]
    _secret: bool,
    #[serde(default, rename = "description")]
    _description: String,
}

/// A component that answers the requests to some of the routes.
#[derive(Debug)]
pub struct Component {
    pub id: String,
    pub source: Source,
    /// What it finds in its folders.
    pub files: Files,
    /// Templates of the values that the component may ask for.
    pub variables: BTreeMap<String, String>,
    pub environment: Vec<(String, String)>,
    /// Templates of `allowed_outbound_hosts`.
    pub allowed_outbound_hosts: Vec<String>,
    pub build: Option<Build>,
    /// The folder of SQL migrations, if the component has any.
    pub migrations: Option<PathBuf>,
    /// Template of the origins whose scripts may read the host's own answers, separated by commas.
    pub cors_origins: String,
    /// What stands before a key in its paths: no log has what comes after it.
    pub secret_path: Option<String>,
    /// Path and query of the request that a new version has to answer before it
    /// takes over.
    pub probe: String,
}

/// How the component is built.
#[derive(Debug)]
pub struct Build {
    /// Each for a shell of its own, in turn.
    pub commands: Vec<String>,
    pub workdir: PathBuf,
    /// Globs, relative to [`Build::workdir`].
    pub watch: Vec<String>,
}

impl Manifest {
    /// Reads and checks a manifest. Every error is one of configuration.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => misconfigured!(
                "{} does not exist: run in the folder of a spin.toml, or name one with --from",
                path.display()
            ),
            _ => misconfigured!("cannot read {}: {error}", path.display()),
        })?;
        let path = std::path::absolute(path).context("resolve the manifest's path")?;
        let dir = path.parent().unwrap_or(Path::new("/"));
        file::parse(&text, dir)
            .map_err(|reason| misconfigured!("{}: {}", path.display(), reason.trim_end()))
    }

    /// The components' names.
    pub fn ids(&self) -> Vec<&str> {
        self.components.iter().map(|component| component.id.as_str()).collect()
    }

    /// The folder of SQL migrations; at most one component has one.
    pub fn migrations(&self) -> Option<&Path> {
        self.components.iter().find_map(|component| component.migrations.as_deref())
    }
}
