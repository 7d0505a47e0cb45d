//! Serves a Spin HTTP component, and swaps it while it serves.

use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory as _, Parser as _};

mod admin;
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
mod exchange;
mod file;
mod generation;
mod guest;
mod health;
mod hex;
mod host;
mod imports;
mod limits;
mod log;
mod manifest;
mod metrics;
mod migrate;
mod outbound_http;
mod pace;
mod postgres;
mod problem;
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
    let result = match log::start(cli.log_format) {
        Ok(()) => Box::pin(run(cli.command)).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if log::is_json() {
                tracing::error!("{error:#}");
            } else {
                eprintln!("error: {error:#}");
            }
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
        Command::Serve(args) => Box::pin(commands::serve::run(&args)).await,
        Command::Push(args) => commands::push::run(&args).await,
        Command::Status(args) => commands::status::run(&args).await,
        Command::Rollback(args) => Box::pin(commands::rollback::run(&args)).await,
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
