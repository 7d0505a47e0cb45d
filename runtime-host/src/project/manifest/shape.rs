//! The keys that a manifest may have. An enum of several forms has a variant for anything else as well,
//! so that the error message is ours and not serde's.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::Variable;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct File {
    #[serde(rename = "spin_manifest_version")]
    pub _version: toml::Value,
    pub application: Application,
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    #[serde(default)]
    pub trigger: BTreeMap<String, toml::Value>,
    #[serde(default)]
    pub component: BTreeMap<String, FileComponent>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Application {
    #[serde(rename = "name")]
    pub _name: String,
    #[serde(default)]
    pub version: String,
    #[serde(default, rename = "description")]
    pub _description: String,
    #[serde(default, rename = "authors")]
    pub _authors: Vec<String>,
    /// What `spin build` checks against.
    #[serde(default, rename = "targets")]
    pub _targets: Vec<toml::Value>,
    /// Spin leaves `tool` tables to other programs.
    #[serde(default, rename = "tool")]
    pub _tool: toml::Table,
    /// Settings of all triggers of a kind.
    #[serde(default)]
    pub trigger: BTreeMap<String, toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Trigger {
    pub route: Route,
    pub component: toml::Value,
    #[serde(default, rename = "id")]
    pub _id: String,
    pub executor: Option<toml::Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub enum Route {
    Public(String),
    Private {
        private: bool,
    },
    #[expect(dead_code, reason = "what it is makes no difference")]
    Other(toml::Value),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct FileComponent {
    pub source: FileSource,
    #[serde(default, rename = "description")]
    pub _description: String,
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    pub build: Option<FileBuild>,
    #[serde(default)]
    pub tool: toml::Table,
    #[serde(default)]
    pub key_value_stores: Vec<String>,
    #[serde(default)]
    pub sqlite_databases: Vec<String>,
    #[serde(default)]
    pub ai_models: Vec<String>,
    #[serde(default)]
    pub dependencies: toml::Table,
    /// It is about `dependencies` alone.
    #[serde(default, rename = "dependencies_inherit_configuration")]
    pub _inherit: bool,
    /// What `allowed_outbound_hosts` was once.
    #[serde(default)]
    pub allowed_http_hosts: Vec<String>,
    /// What `spin build` checks against.
    #[serde(default, rename = "targets")]
    pub _targets: Vec<toml::Value>,
    /// Spin looks at one of these when it is told its name.
    #[serde(default, rename = "profile")]
    pub _profile: toml::Table,
    #[serde(default)]
    pub files: Vec<FileEntry>,
    #[serde(default)]
    pub exclude_files: Vec<String>,
}

/// A path, or something that is to be downloaded.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum FileSource {
    Path(PathBuf),
    Remote { url: String, digest: String },
    Other(toml::Value),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct FileBuild {
    pub command: Commands,
    #[serde(default)]
    pub workdir: Option<PathBuf>,
    #[serde(default)]
    pub watch: Vec<String>,
}

/// Spin takes one command or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Commands {
    One(String),
    Many(Vec<String>),
    #[expect(dead_code, reason = "what it is makes no difference")]
    Other(toml::Value),
}

/// One of `files`.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum FileEntry {
    Pattern(String),
    Placed(Placed),
    Other(toml::Value),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placed {
    pub source: PathBuf,
    pub destination: PathBuf,
}

/// What `[component.X.tool.runtime-host]` may hold.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Tool {
    pub migrations: Option<PathBuf>,
    pub probe: Option<String>,
    #[serde(default)]
    pub cors_origins: String,
    pub secret_path: Option<String>,
}
