//! What a component writes to its standard output and error.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::digest::Digest;

/// A longer line is cut into several.
const MAX_LINE: usize = 8 << 10;
/// Lines a second of all components together; a loop that prints must not push out all else.
const LINES_A_SECOND: u32 = 1000;
/// Bytes that a component may write in one call.
const MAX_WRITE: usize = 64 << 10;

/// The standard output or error of a component: each line is one of the log.
#[derive(Clone)]
pub struct GuestOutput {
    stream: &'static str,
    digest: Digest,
    line: Arc<Mutex<Vec<u8>>>,
}

impl GuestOutput {
    pub fn new(stream: &'static str, digest: Digest) -> Self {
        Self { stream, digest, line: Arc::default() }
    }

    fn take(&self, bytes: &[u8]) {
        let mut line = self.line.lock();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = match part.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (part, false),
            };
            for chunk in text.chunks(MAX_LINE) {
                line.extend_from_slice(chunk);
                while line.len() > MAX_LINE {
                    let end = last_start(&line, MAX_LINE);
                    let rest = line.split_off(end);
                    self.log(&mut line);
                    *line = rest;
                }
            }
            if ended {
                self.log(&mut line);
            }
        }
    }

    fn log(&self, line: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(line);
        let text = text.strip_suffix('\r').unwrap_or(&text);
        let (stream, digest) = (self.stream, self.digest);
        match BUDGET.lock().take() {
            _ if text.is_empty() => {}
            Spent::Fine => tracing::info!(target: "guest", stream, %digest, "{text}"),
            Spent::First => tracing::warn!(
                "the component prints more than {LINES_A_SECOND} lines a second: some are left out"
            ),
            Spent::Over => {}
        }
        line.clear();
    }
}

/// The last place up to `most` where a character may begin: there a line is cut.
fn last_start(line: &[u8], most: usize) -> usize {
    let continues = |at: usize| line.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    // No character has more than four bytes; what looks so is no text.
    (most.saturating_sub(3)..=most).rev().find(|at| !continues(*at)).unwrap_or(most)
}

/// What components may still print in this second.
struct Budget {
    since: Option<Instant>,
    lines: u32,
}

static BUDGET: Mutex<Budget> = Mutex::new(Budget { since: None, lines: 0 });

enum Spent {
    Fine,
    /// This is the first line too many.
    First,
    Over,
}

impl Budget {
    fn take(&mut self) -> Spent {
        if self.since.is_none_or(|since| since.elapsed() >= Duration::from_secs(1)) {
            *self = Self { since: Some(Instant::now()), lines: 0 };
        }
        self.lines = self.lines.saturating_add(1);
        match self.lines.cmp(&(LINES_A_SECOND + 1)) {
            std::cmp::Ordering::Less => Spent::Fine,
            std::cmp::Ordering::Equal => Spent::First,
            std::cmp::Ordering::Greater => Spent::Over,
        }
    }
}

impl Drop for GuestOutput {
    fn drop(&mut self) {
        // The last words of an instance may lack their end.
        if Arc::strong_count(&self.line) == 1 {
            let line = self.line.clone();
            self.log(&mut line.lock());
        }
    }
}

impl IsTerminal for GuestOutput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    // At once, not by a task as the default does it: what a component says
    // before it traps would be lost with its task.
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for GuestOutput {
    async fn ready(&mut self) {}
}

impl OutputStream for GuestOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_WRITE)
    }
}

impl AsyncWrite for GuestOutput {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(output: &GuestOutput) -> usize {
        output.line.lock().len()
    }

    #[test]
    fn a_line_waits_for_its_end_and_not_for_ever() {
        let output = GuestOutput::new("stdout", Digest::of(b""));
        output.take(b"one\ntw");
        assert_eq!(pending(&output), 2);
        output.take(b"o\n");
        assert_eq!(pending(&output), 0);
        output.take(&vec![b'x'; 10 * MAX_LINE + 5]);
        assert_eq!(pending(&output), 5);
        output.take(&vec![b'x'; MAX_LINE - 5]);
        assert_eq!(pending(&output), MAX_LINE);
    }

    #[test]
    fn a_line_is_cut_between_characters() {
        for (line, most, start) in [
            ("aé".as_bytes(), 2, 1),
            ("aé".as_bytes(), 3, 3),
            ("😀".as_bytes(), 3, 0),
            ("ab".as_bytes(), 1, 1),
            (&[0x80; 9], 8, 8),
        ] {
            assert_eq!(last_start(line, most), start, "{line:?}");
        }
        let output = GuestOutput::new("stdout", Digest::of(b""));
        output.take(&[b"a", "é".repeat(MAX_LINE).as_bytes()].concat());
        assert!(std::str::from_utf8(&output.line.lock()).is_ok());
    }
}
