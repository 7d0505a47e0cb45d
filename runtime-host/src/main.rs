//! Serves a Spin HTTP component, and swaps it while it serves.

#![cfg_attr(
    not(feature = "kubernetes"),
    allow(dead_code, reason = "a few items are for `deploy` alone")
)]

use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory as _, Parser as _};
use kit::say;

mod address;
mod admin;
mod alarm;
mod cli;
mod commands;
mod database;
#[cfg(feature = "kubernetes")]
mod deploy;
mod digest;
mod download;
mod error;
mod guest;
mod hex;
mod host;
mod http;
mod limits;
mod metrics;
mod project;
mod spin;
mod terminal;

use cli::{Cli, Command};
use error::exit_code;
use terminal::{log, log_format};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let (result, _log) = match log::start(cli.log_format) {
        Ok(guard) => (Box::pin(run(cli.command)).await, Some(guard)),
        Err(error) => (Err(error), None),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if log_format::is_json() {
                tracing::error!("{error:#}");
            } else {
                say::note(format!("error: {error:#}"));
            }
            exit_code(&error).into()
        }
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Up(args) => commands::up::run(&args).await,
        Command::Db(args) => commands::db::run(&args).await,
        Command::Migrate(args) => commands::migrate::run(&args).await,
        #[cfg(feature = "kubernetes")]
        Command::Deploy(command) => deploy::run(command).await,
        #[cfg(not(feature = "kubernetes"))]
        Command::Other(command) => Err(not_in_this_build(&command)),
        Command::Compile { component, cache } => guest::compile::run(&component, &cache),
        Command::Completions { shell } => {
            // Generating panics where it cannot write.
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "runtime-host", &mut text);
            say::text(text)?;
            Ok(())
        }
    }
}

/// What `make up` builds has no Kubernetes client in it.
#[cfg(not(feature = "kubernetes"))]
fn not_in_this_build(command: &[std::ffi::OsString]) -> anyhow::Error {
    let verb = command.first().map(|verb| verb.to_string_lossy()).unwrap_or_default();
    error::misconfigured!(
        "this build knows no `{verb}`: `runtime-host help` lists what it knows; the commands for a \
         cluster come with `make host`"
    )
}
