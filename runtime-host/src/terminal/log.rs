//! Log lines, on stderr: of the host, of the component, and one a request.

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use anyhow::Result;
use clap::ValueEnum as _;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::error::misconfigured;
use crate::terminal::log_format::{self, LogFormat};
use crate::terminal::progress;

/// What is logged unless `RUST_LOG` says otherwise. The libraries named tell of
/// what the host or the component tells itself: every notice of the database,
/// every connection that it closes, every migration, every failed request, every
/// attempt to reach the API server.
const DEFAULT: &str = "info,tokio_postgres=warn,deadpool.postgres=error,refinery_core=warn,\
    wasmtime_wasi_http=error,hyper=error,kube_client=off";
/// Says the format when no flag does.
const FORMAT: &str = "TODOOZLE_LOG_FORMAT";

/// Lines that wait for a reader; beyond them, lines are dropped and counted. 32 MiB at most.
const WAITING_LINES: usize = 4096;

static DROPPED: OnceLock<ErrorCounter> = OnceLock::new();

/// Lines that nobody could read, as the log was not read fast enough.
pub fn dropped() -> u64 {
    DROPPED.get().map_or(0, |dropped| dropped.dropped_lines() as u64)
}

/// Begins to log. Without a format, `TODOOZLE_LOG_FORMAT` says it, else it is text. Lines are
/// written by a thread of their own: a pipe that nobody reads stops no request. What waits is
/// written when the guard is dropped.
pub fn start(format: Option<LogFormat>) -> Result<WorkerGuard> {
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING_LINES)
        .thread_name("log")
        .finish(progress::LogWriter);
    // The first start counts; there is one in a process.
    let _ = DROPPED.set(writer.error_counter());
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    match format.map_or_else(from_environment, Ok)? {
        LogFormat::Text => {
            let colour = std::io::stderr().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            builder.with_target(false).with_ansi(colour).init();
        }
        LogFormat::Json => {
            log_format::say_json();
            builder.json().flatten_event(true).with_current_span(false).init();
        }
    }
    Ok(guard)
}

fn from_environment() -> Result<LogFormat> {
    let Some(value) = std::env::var_os(FORMAT).filter(|value| !value.is_empty()) else {
        return Ok(LogFormat::Text);
    };
    let value = value.to_string_lossy();
    LogFormat::from_str(&value, true)
        .map_err(|_| misconfigured!("{FORMAT} is {value:?}: set it to text or json"))
}
