//! What a person at a terminal sees and sends: progress, log lines, signals.

pub mod format;
pub mod log;
pub mod progress;
pub mod signals;
