//! `pg-cluster`: data flows one way, cli → env → objects → apply.

mod apply;
mod archive;
mod ask;
mod authorities;
mod certificate;
mod cli;
mod clients;
mod cluster;
mod commands;
mod conditions;
mod copies;
mod cures;
mod diff;
mod env;
mod events;
mod exec;
mod former_roles;
mod health;
mod jobs;
mod kept;
mod keys;
mod lease;
mod moment;
mod names;
mod objects;
mod observe;
mod password;
mod passwords;
mod patroni;
mod pods;
mod progress;
mod rest;
mod role_passwords;
mod roles;
mod scram;
mod secrets;
mod tls;
mod upgrade;
mod volumes;
mod why;
mod wrong_usage;

use std::process::ExitCode;

use clap::Parser;

use kit::{kubeconfig::NoContext, say};

use crate::{cli::Cli, wrong_usage::WrongUsage};

const FAILED: u8 = 1;
const WRONG_CONFIGURATION: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    if let cli::Command::Completions { shell } = cli.command {
        return match commands::completions::run(shell) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error, FAILED),
        };
    }
    let env = match commands::environment(&cli.global) {
        Ok(env) => env,
        Err(error) => return fail(&error, WRONG_CONFIGURATION),
    };
    match Box::pin(commands::run(cli, env)).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => fail(&error, exit_code(&error)),
    }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    let is_theirs = error.is::<NoContext>() || error.is::<WrongUsage>();
    if is_theirs { WRONG_CONFIGURATION } else { FAILED }
}

fn fail(error: &anyhow::Error, code: u8) -> ExitCode {
    say::note(format_args!("pg-cluster: {}", why::why(error)));
    ExitCode::from(code)
}
