//! Completions for a shell.

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::cli::Cli;

pub fn run(shell: Shell) {
    generate(shell, &mut Cli::command(), "pg-cluster", &mut std::io::stdout());
}
