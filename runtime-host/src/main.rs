//! Serves a Spin HTTP component, and swaps it while it serves.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory as _, Parser as _};
use tracing_subscriber::EnvFilter;

mod allowed_hosts;
mod args;
mod body;
mod builder;
mod commands;
mod compile;
mod data_dir;
mod dotenv;
mod embedded;
mod engine;
mod error;
mod generation;
mod guest;
mod health;
mod hex;
mod host;
mod imports;
mod limits;
mod manifest;
mod migrate;
mod outbound_http;
mod postgres;
mod progress;
mod push;
mod release;
mod request;
mod rollout;
mod server;
mod signals;
mod spin_variables;
mod template;
mod variables;
mod watch;
mod worker;

use args::{Cli, Command};
use error::{EXIT_MISCONFIGURED, Misconfigured};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    log();
    match run(cli.command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            let misconfigured = error.is::<Misconfigured>();
            if misconfigured { EXIT_MISCONFIGURED.into() } else { ExitCode::FAILURE }
        }
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Up(args) => commands::up::run(&args).await,
        Command::Db(args) => commands::db::run(&args).await,
        Command::Migrate(args) => commands::migrate::run(&args).await,
        Command::Serve(args) => commands::serve::run(&args).await,
        Command::Push(args) => commands::push::run(&args).await,
        Command::Status(args) => commands::status::run(&args).await,
        Command::Rollback(args) => commands::rollback::run(&args).await,
        Command::Promote(args) => commands::promote::run(&args).await,
        Command::Compile { component, cache } => compile::run(&component, &cache),
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Cli::command(),
                "runtime-host",
                &mut std::io::stdout(),
            );
            Ok(())
        }
    }
}

/// What is logged unless `RUST_LOG` says otherwise. The libraries named tell of
/// what the host or the component tells itself: every notice of the database,
/// every connection that it closes, every migration, every failed request.
const LOG: &str = "info,tokio_postgres=warn,deadpool.postgres=error,refinery_core=warn,\
    wasmtime_wasi_http=error";

/// Log lines go to stderr.
fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOG));
    let colour = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(colour)
        .with_writer(|| progress::LogWriter)
        .init();
}
