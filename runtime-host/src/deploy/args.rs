//! The command line of the verbs that need a cluster.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use crate::address;
use crate::cli::{Data, Project};
use crate::limits::Limits;
use crate::limits::units::{size, time};

#[derive(Debug, Subcommand)]
pub enum Command {
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
    /// Answer what scripts/deploy.sh asks about an environment's chart
    #[command(hide = true, subcommand)]
    Chart(Chart),
    /// Print or write the images of an environment, for `make promote` and `make pin`
    #[command(hide = true, subcommand)]
    Images(Images),
}

/// An environment's files.
#[derive(Debug, Args)]
pub struct Folder {
    pub env: String,
    /// Folder of the environments
    #[arg(long, env = "TODOOZLE_CONFIG", default_value = "config", value_name = "FOLDER")]
    pub config: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum Images {
    /// Print what runs: `NAME REPOSITORY@DIGEST` for each
    Live(Folder),
    /// Have the environment's files name what such lines do
    Pin {
        #[command(flatten)]
        folder: Folder,
        images: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum Chart {
    /// Print where an environment is: its context, namespace and release
    Target(Folder),
    /// Print the Secret that has the database's address for the pods that helm rendered
    Secret { rendered: PathBuf },
    /// Print what an upgrade would change
    Changes(Changes),
}

#[derive(Debug, Args)]
pub struct Changes {
    /// What helm rendered
    pub rendered: PathBuf,
    /// What `kubectl diff` wrote of it [default: all is new]
    #[arg(long, value_name = "FILE")]
    pub difference: Option<PathBuf>,
    #[arg(long)]
    pub namespace: String,
    /// What helm has made of the release
    #[arg(long, value_name = "FILE")]
    pub live: Option<PathBuf>,
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
    #[arg(value_parser = address::listen)]
    pub listen: SocketAddr,
    /// Address for /healthz, /readyz, /status and /metrics
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:9090")]
    #[arg(value_parser = address::listen)]
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
    /// Return when every pod has served the version through its probation, or one of them has refused
    /// it or taken it back (exit code 3); `--wait=live`: when every pod serves it
    #[arg(long, value_name = "UNTIL", value_enum, num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "passed", hide_possible_values = true)]
    pub wait: Option<Until>,
    /// How long to wait; then exit code 4
    #[arg(long, value_name = "TIME", default_value = "3m")]
    #[arg(value_parser = time(Duration::from_secs(1), Duration::from_hours(1)))]
    pub timeout: Duration,
}

/// What has to be true of every pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Until {
    /// It serves the version.
    Live,
    /// The version has passed there.
    Passed,
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
