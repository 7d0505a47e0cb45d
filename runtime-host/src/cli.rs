//! The command line.

#[cfg(not(feature = "kubernetes"))]
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::address;
use crate::guest::compile;
use crate::limits::Limits;
use crate::terminal::log_format::LogFormat;

/// Serves a Spin HTTP component, and swaps it while it serves.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    /// How log lines look [default: what `TODOOZLE_LOG_FORMAT` says, else text]
    #[arg(long, global = true, value_name = "FORMAT", hide_short_help = true)]
    pub log_format: Option<LogFormat>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the component, with a PostgreSQL of its own when none is given
    Up(Box<Up>),
    /// Run that PostgreSQL alone, migrated, with its address in .env
    Db(Db),
    /// Apply migrations to the database in `SPIN_VARIABLE_DATABASE_URL`
    Migrate(Migrate),
    #[cfg(feature = "kubernetes")]
    #[command(flatten)]
    Deploy(crate::deploy::Command),
    #[cfg(not(feature = "kubernetes"))]
    #[command(external_subcommand)]
    Other(Vec<OsString>),
    #[command(hide = true, name = compile::COMMAND)]
    Compile { component: PathBuf, cache: PathBuf },
    /// Print completions for a shell
    Completions { shell: Shell },
}

#[derive(Debug, Args)]
pub struct Up {
    #[command(flatten)]
    pub project: Project,
    #[command(flatten)]
    pub data: Data,
    /// Run the manifest's build command first
    #[arg(long)]
    pub build: bool,
    /// Rebuild when a file changes, and swap the new version in
    #[arg(long)]
    pub watch: bool,
    /// Address to serve on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    #[arg(value_parser = address::listen)]
    pub listen: SocketAddr,
    /// Address for /healthz, /readyz, /status and /metrics [default: none]
    #[arg(long, value_name = "ADDRESS", value_parser = address::listen)]
    pub admin: Option<SocketAddr>,
    /// Log one line for each request
    #[arg(long)]
    pub access_log: bool,
    #[command(flatten)]
    pub limits: Limits,
}

#[derive(Debug, Args)]
pub struct Db {
    #[command(flatten)]
    pub project: Project,
    #[command(flatten)]
    pub data: Data,
}

#[derive(Debug, Args)]
pub struct Migrate {
    #[command(flatten)]
    pub project: Project,
    /// Folder of the SQL files, instead of the manifest's
    #[arg(long, value_name = "FOLDER")]
    pub migrations: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Project {
    /// The manifest
    #[arg(long, value_name = "FILE", default_value = "spin.toml")]
    pub from: PathBuf,
}

#[derive(Debug, Args)]
pub struct Data {
    /// Folder for the database and compiled code [default: .todoozle beside the manifest]
    #[arg(long, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
}
