//! What every command takes: which cluster it is about, and how it prints and asks.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Args, Clone, Debug)]
pub struct Global {
    /// Environment: reads config/<ENV>/postgres.toml
    #[arg(long, short, global = true, env = "TODOOZLE_ENV", default_value = "dev")]
    pub env: String,
    /// Folder of the environments
    #[arg(long, global = true, env = "TODOOZLE_CONFIG")]
    #[arg(default_value = "config", value_name = "DIR")]
    pub config: PathBuf,
    /// Context of the kubeconfig [default: the one in postgres.toml, else the environment's name]
    #[arg(long, global = true)]
    pub context: Option<String>,
    /// Namespace [default: the one in postgres.toml]
    #[arg(long, short, global = true)]
    pub namespace: Option<String>,
    /// How to print results
    #[arg(long, short, global = true, value_enum, default_value_t)]
    pub output: Output,
    /// Say what would change, and change nothing
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// Don't ask
    #[arg(long, short, global = true)]
    pub yes: bool,
}

impl Global {
    /// The same folder, and another environment in it, where that says it is.
    pub fn of(&self, env: &str) -> Self {
        Self { env: env.to_owned(), context: None, namespace: None, ..self.clone() }
    }
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Output {
    #[default]
    Text,
    Json,
}
