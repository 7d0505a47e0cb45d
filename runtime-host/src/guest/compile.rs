//! Compiling a component in a process of its own: an odd one may take minutes
//! and gigabytes, and only a process can be stopped. What it leaves behind is
//! wasmtime's cache of compiled code, from which the host then loads it.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use tokio::process::Command;
use wasmtime::component::Component;

use crate::guest::engine;

mod functions;
mod prune;

use functions::Functions;

/// Data that the compiler may hold in memory. A component of 5 MB takes a
/// third of it.
const MAX_MEMORY: u64 = 1 << 30;
/// How long `up` lets it take.
pub const TIMEOUT: Duration = Duration::from_mins(1);
/// How the system says that the cache's disk is full, or that there are too many processes.
const LACKS: [&str; 2] = ["No space left on device", "Resource temporarily unavailable"];
/// How much the compiler gives way to requests.
const NICENESS: &str = "10";
/// The command of the child process.
pub const COMMAND: &str = "compile";

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
pub enum Uncompiled {
    /// The component's own fault.
    #[error("{0}")]
    Component(String),
    /// No space, no process, no folder: nothing is known of the component.
    #[error("it cannot be compiled now: {0:#}")]
    Surroundings(#[from] anyhow::Error),
}

/// Compiles ahead of loading, within limits.
pub struct Compiler {
    cache: PathBuf,
    timeout: Duration,
}

impl Compiler {
    /// `cache` is the folder that the engine of the host was made with.
    pub fn new(cache: PathBuf, timeout: Duration) -> Self {
        Self { cache, timeout }
    }

    /// Fills the cache with the component's code. Dropped, it stops at once.
    pub async fn compile(&self, component: &[u8]) -> Result<(), Uncompiled> {
        prune::keep_below(&self.cache, prune::LIMIT);
        let file = tempfile::Builder::new()
            .prefix("compiling-")
            .suffix(".wasm")
            .tempfile_in(&self.cache)
            .with_context(|| format!("write to {}", self.cache.display()))?;
        tokio::fs::write(file.path(), component).await.context("write the component")?;
        let child = Command::new("nice")
            .args(["-n", NICENESS])
            .arg(this_program()?)
            .arg(COMMAND)
            .arg(file.path())
            .arg(&self.cache)
            // Nothing of the host's, above all no address of a database.
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(std::env::var_os("HOME").map(|home| ("HOME", home)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("start the compiler")?;
        let output = tokio::time::timeout(self.timeout, child.wait_with_output())
            .await
            .map_err(|_| {
                Uncompiled::Component(format!(
                    "it took longer than {} s to compile: make it smaller, or allow more with \
                     --compile-timeout",
                    self.timeout.as_secs_f32()
                ))
            })?
            .context("wait for the compiler")?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let reason = said.trim().strip_prefix("error: ").unwrap_or(said.trim());
        let surroundings = match (output.status.code(), output.status.signal()) {
            // `nice` itself, which found no program or no process to run it in.
            (Some(125..=127), _) => true,
            // Killed from outside; what takes too much memory ends itself.
            (_, Some(signal)) => signal == Signal::SIGKILL as i32,
            _ => LACKS.iter().any(|lack| reason.contains(lack)),
        };
        if surroundings {
            return Err(anyhow!("the compiler ended: {reason}").into());
        }
        Err(Uncompiled::Component(match output.status.code() {
            None => format!("compiling it ended in a crash or took more than 1 GiB: {reason}"),
            Some(_) => reason.to_owned(),
        }))
    }
}

/// This program, also after its file was replaced by a newer one.
fn this_program() -> Result<PathBuf> {
    // Not /proc/self: `nice` reads it, and would find itself.
    let own = PathBuf::from(format!("/proc/{}/exe", std::process::id()));
    if own.exists() {
        return Ok(own);
    }
    std::env::current_exe().context("find this program")
}

/// The child process.
pub fn run(component: &Path, cache: &Path) -> Result<()> {
    // Best effort: macOS doesn't know this limit.
    let _ = setrlimit(Resource::RLIMIT_DATA, MAX_MEMORY, MAX_MEMORY);
    let functions = Arc::new(Functions::read(cache.with_extension("functions")));
    let engine = engine::compiler(cache, functions.clone())?;
    Component::from_file(&engine, component).map_err(|error| {
        anyhow!(
            "it is truncated, damaged or of an unknown version: build it again ({})",
            error.root_cause()
        )
    })?;
    functions.write()
}
