//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::compile;
use crate::limits::Limits;
use crate::limits::units::{size, time};
use crate::log;

/// Serves a Spin HTTP component, and swaps it while it serves.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    /// How log lines look [default: what `TODOOZLE_LOG_FORMAT` says, else text]
    #[arg(long, global = true, value_name = "FORMAT", hide_short_help = true)]
    pub log_format: Option<log::Format>,
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
    /// Serve the version that the pointer ConfigMap names, in a pod
    Serve(Box<Serve>),
    /// Make a component live in every pod of an environment
    Push(Push),
    /// Show which version each pod serves, and the versions before
    Status(Status),
    /// Make an earlier version live again
    Rollback(Rollback),
    /// Take exactly what is live in one environment to another
    Promote(Promote),
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
    pub listen: SocketAddr,
    /// Address for /healthz, /readyz, /status and /metrics [default: none]
    #[arg(long, value_name = "ADDRESS")]
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
pub struct Serve {
    #[command(flatten)]
    pub project: Project,
    #[command(flatten)]
    pub data: Data,
    /// Prefix of the ConfigMaps: the pointer is <APP>-live
    #[arg(long, default_value = "todoozle-edge")]
    pub app: String,
    /// Address to serve on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
    /// Address for /healthz, /readyz, /status and /metrics
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:9090")]
    pub admin: SocketAddr,
    /// Context of the kubeconfig [default: the cluster that this pod is in]
    #[arg(long)]
    pub context: Option<String>,
    /// Namespace of the ConfigMaps [default: the pod's own]
    #[arg(long, env = "POD_NAMESPACE")]
    pub namespace: Option<String>,
    #[arg(long, env = "POD_NAME", hide = true)]
    pub pod_name: Option<String>,
    #[arg(long, env = "POD_UID", hide = true)]
    pub pod_uid: Option<String>,
    /// Leave out the line for each request in the log
    #[arg(long)]
    pub no_access_log: bool,
    #[command(flatten)]
    pub limits: Limits,
    /// Largest component that is taken
    #[arg(long, value_name = "SIZE", default_value = "64MiB", hide_short_help = true)]
    #[arg(value_parser = size(1, 1 << 30))]
    pub max_component: u64,
    /// How long a component may take to compile
    #[arg(long, value_name = "TIME", default_value = "1m", hide_short_help = true)]
    #[arg(value_parser = time(Duration::from_millis(1), Duration::from_hours(1)))]
    pub compile_timeout: Duration,
}

#[derive(Debug, Args)]
pub struct Environment {
    /// Environment: reads config/<ENV>/values.yaml
    #[arg(long, short, env = "TODOOZLE_ENV", default_value = "dev")]
    pub env: String,
    #[command(flatten)]
    pub options: Options,
}

/// What `push`, `status`, `rollback` and `promote` have in common.
#[derive(Debug, Args)]
pub struct Options {
    /// Folder of the environments
    #[arg(long, env = "TODOOZLE_CONFIG", default_value = "config", value_name = "FOLDER")]
    pub config: PathBuf,
    /// Context of the kubeconfig [default: the one in values.yaml, else the environment's name]
    #[arg(long)]
    pub context: Option<String>,
    /// Namespace [default: the one in values.yaml]
    #[arg(long, short)]
    pub namespace: Option<String>,
    /// How to print results
    #[arg(long, short, value_enum, default_value_t)]
    pub output: Output,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Don't ask
    #[arg(long, short)]
    pub yes: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    #[default]
    Text,
    Json,
}

#[derive(Debug, Args)]
pub struct Wait {
    /// Return when every pod serves the version, or one of them says why it won't
    #[arg(long)]
    pub wait: bool,
    /// How long to wait
    #[arg(long, value_name = "TIME", default_value = "2m")]
    #[arg(value_parser = time(Duration::from_secs(1), Duration::from_hours(1)))]
    pub timeout: Duration,
}

#[derive(Debug, Args)]
pub struct Push {
    #[command(flatten)]
    pub environment: Environment,
    #[command(flatten)]
    pub project: Project,
    #[command(flatten)]
    pub wait: Wait,
    /// What to call the version [default: application.version of the manifest]
    #[arg(long = "release", value_name = "NAME")]
    pub release: Option<String>,
}

#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    pub environment: Environment,
}

#[derive(Debug, Args)]
pub struct Rollback {
    #[command(flatten)]
    pub environment: Environment,
    /// The version: its name, or its digest or a beginning of that [default: the last good one]
    #[arg(long, value_name = "VERSION")]
    pub to: Option<String>,
    #[command(flatten)]
    pub wait: Wait,
}

#[derive(Debug, Args)]
pub struct Promote {
    /// Environment to take it from
    #[arg(long, value_name = "ENV")]
    pub from: String,
    /// Environment to take it to
    #[arg(long, value_name = "ENV")]
    pub to: String,
    #[command(flatten)]
    pub options: Options,
    #[command(flatten)]
    pub wait: Wait,
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
