//! What programs read on stdout, and people on stderr. Neither need be there: a disk is full, or a
//! reader has left.

use std::fmt::Display;
use std::io::{ErrorKind, Write as _};

use anyhow::{Context as _, Result};

/// Writes a line to stdout. `false`: the reader has left.
pub fn line(text: impl Display) -> Result<bool> {
    self::text(format!("{text}\n"))
}

/// Writes to stdout. `false`: the reader has left, who misses nothing.
pub fn text(text: impl AsRef<[u8]>) -> Result<bool> {
    let mut stdout = std::io::stdout();
    match stdout.write_all(text.as_ref()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error).context("write to standard output"),
    }
}

/// Writes a line to stderr, where nobody waits for it.
pub fn note(text: impl Display) {
    prompt(format!("{text}\n"));
}

/// The same without the line's end.
pub fn prompt(text: impl Display) {
    let _ = write!(std::io::stderr(), "{text}");
}
