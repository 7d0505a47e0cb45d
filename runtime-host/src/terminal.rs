//! What a person at a terminal sees and sends: progress, log lines, signals.

pub mod log;
pub mod log_format;
pub mod progress;
pub mod signals;
