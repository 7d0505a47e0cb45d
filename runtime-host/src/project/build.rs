//! The manifest's build command.

use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;

use crate::project::manifest::Build;

/// Runs the command through `sh -c`. Its output goes to stderr, since stdout is
/// for the ready line.
pub async fn run(build: &Build) -> Result<()> {
    eprintln!("Building: {}", build.command);
    let status = Command::new("sh")
        .arg("-c")
        .arg(&build.command)
        .current_dir(&build.workdir)
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .kill_on_drop(true)
        .status()
        .await
        .with_context(|| format!("run the build command in {}", build.workdir.display()))?;
    if !status.success() {
        bail!("the build command failed ({status}): {}", build.command);
    }
    Ok(())
}
