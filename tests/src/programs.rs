//! Programs of Debian that `scripts/setup-tests.sh` has fetched.

use crate::child::{Outcome, run};
use crate::root;
use std::fs;
use std::process::Command;

/// A program that `scripts/setup-tests.sh` has fetched.
pub(crate) fn fetched(name: &str) -> Command {
    let programs = root().join("tests/programs/usr");
    let program = ["sbin", "bin"].map(|folder| programs.join(folder).join(name));
    let program = program.into_iter().find(|program| program.exists());
    let program = program.unwrap_or_else(|| panic!("no {name}: run scripts/setup-tests.sh"));
    let libraries = fs::read_dir(programs.join("lib")).expect("its libraries").flatten();
    let libraries = std::env::join_paths(libraries.map(|folder| folder.path()));
    let mut command = Command::new(program);
    command.env("LD_LIBRARY_PATH", libraries.expect("paths without a colon"));
    command
}

/// Runs Prometheus's tool in the project's folder.
pub async fn promtool(arguments: &[&str]) -> Outcome {
    let mut command = fetched("promtool");
    command.args(arguments).current_dir(root());
    run("promtool", command).await
}
