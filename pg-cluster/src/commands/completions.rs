//! Completions for a shell.

use anyhow::Result;
use clap::CommandFactory;
use clap_complete::{Shell, generate};
use kit::say;

use crate::cli::Cli;

pub fn run(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "pg-cluster", &mut script);
    say::text(script)?;
    Ok(())
}
