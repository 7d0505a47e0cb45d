//! What goes on before the page is there, on stderr: a spinner on a terminal,
//! plain lines elsewhere.

use std::io::{IsTerminal as _, Write};
use std::sync::LazyLock;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::terminal::log_format;
use kit::say;

/// All spinners, so that log lines are written above them.
static SPINNERS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// A step that takes a while; ended by [`Step::done`], or dropped on failure.
pub struct Step {
    spinner: Option<ProgressBar>,
}

/// Begins a step.
pub fn step(message: impl Into<String>) -> Step {
    let message = message.into();
    if log_format::is_json() {
        tracing::info!("{message}");
        return Step { spinner: None };
    }
    if !std::io::stderr().is_terminal() {
        say::note(format!("{message} …"));
        return Step { spinner: None };
    }
    let spinner = SPINNERS.add(ProgressBar::new_spinner().with_message(message));
    spinner.enable_steady_tick(Duration::from_millis(100));
    let style = ProgressStyle::with_template("{spinner:.cyan} {msg} {elapsed:.dim}");
    spinner.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    Step { spinner: Some(spinner) }
}

impl Step {
    /// Ends the step and says what came of it.
    pub fn done(mut self, message: &str) {
        match self.spinner.take() {
            Some(spinner) => {
                spinner.finish_and_clear();
                SPINNERS.suspend(|| say::note(format!("✓ {message}")));
            }
            None if log_format::is_json() => tracing::info!("{message}"),
            None => say::note(message),
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
    }
}

/// Standard error for log lines, which do not tear a spinner apart.
pub struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        SPINNERS.suspend(|| std::io::stderr().write_all(line))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}
