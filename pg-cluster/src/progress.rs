//! Progress, on standard error: a line for what is done, and one that changes
//! for what is waited for. Standard output is for results.

use std::{
    future::Future,
    io::{IsTerminal, stderr},
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use kit::say;

use crate::why::why;

/// How often a condition is looked at; each look may ask every member.
const INTERVAL: Duration = Duration::from_millis(300);
/// After so long there is no hurry any more.
const HURRY: Duration = Duration::from_secs(30);
const LATER: Duration = Duration::from_secs(1);

pub fn done(what: &str, how: &str) {
    say::note(format_args!("{} {what}: {how}", mark("✓", "32")));
}

pub fn warn(text: &str) {
    say::note(format_args!("{} {text}", mark("!", "33")));
}

/// Whether a condition holds, or what it still waits for.
pub enum Wait<T> {
    Over(T),
    For(String),
}

impl Wait<()> {
    /// What a condition still waits for, unless it holds.
    pub fn unless(holds: bool, what: impl Into<String>) -> Self {
        if holds { Self::Over(()) } else { Self::For(what.into()) }
    }
}

/// Looks at a condition until it holds. Whoever waits sees what for.
pub async fn until<T, F>(what: &str, limit: Duration, mut check: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Wait<T>>>,
{
    let began = Instant::now();
    let mut line = Line::default();
    loop {
        match check().await {
            Ok(Wait::Over(value)) => {
                line.clear();
                done(what, &format!("{:.1} s", began.elapsed().as_secs_f32()));
                return Ok(value);
            }
            Ok(Wait::For(reason)) if began.elapsed() < limit => {
                line.show(what, &reason, began.elapsed());
            }
            Ok(Wait::For(reason)) => {
                line.clear();
                bail!(
                    "gave up waiting for {what} after {} s: {reason}; the same command again goes on from here",
                    limit.as_secs()
                );
            }
            // The API server or a member may be away for a moment.
            Err(error) if began.elapsed() < limit => {
                line.show(what, &why(&error), began.elapsed());
            }
            Err(error) => return Err(error),
        }
        let pause = if began.elapsed() < HURRY { INTERVAL } else { LATER };
        tokio::time::sleep(pause).await;
    }
}

#[derive(Default)]
struct Line {
    reason: String,
}

impl Line {
    fn show(&mut self, what: &str, reason: &str, elapsed: Duration) {
        if stderr().is_terminal() {
            say::prompt(format_args!("\r\x1b[2K… {what}: {reason} ({} s)", elapsed.as_secs()));
        } else if self.reason != reason {
            say::note(format_args!("… {what}: {reason}"));
        }
        reason.clone_into(&mut self.reason);
    }

    fn clear(&mut self) {
        if stderr().is_terminal() {
            say::prompt("\r\x1b[2K");
        }
        self.reason.clear();
    }
}

fn mark(sign: &str, color: &str) -> String {
    if stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        format!("\x1b[{color}m{sign}\x1b[0m")
    } else {
        sign.to_owned()
    }
}
