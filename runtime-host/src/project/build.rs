//! The manifest's build commands.

use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;

use crate::project::manifest::Build;
use kit::say;

/// Runs the commands until one fails.
pub async fn run(build: &Build) -> Result<()> {
    for command in &build.commands {
        run_one(command, build).await?;
    }
    Ok(())
}

/// Runs a command through `sh -c`. Its output goes to stderr, since stdout is for the ready line.
async fn run_one(command: &str, build: &Build) -> Result<()> {
    say::note(format!("Building: {command}"));
    let status = Command::new("sh")
        .arg("-c")
        .arg(command)
        .current_dir(&build.workdir)
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .kill_on_drop(true)
        .status()
        .await
        .with_context(|| format!("run the build command in {}", build.workdir.display()))?;
    if !status.success() {
        bail!("the build command failed ({status}): {command}");
    }
    Ok(())
}
