//! Whether all that is said is for people, or JSON.

use std::sync::atomic::{AtomicBool, Ordering};

/// How log lines look.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

static JSON: AtomicBool = AtomicBool::new(false);

/// From now on, all that is said is JSON.
pub fn say_json() {
    JSON.store(true, Ordering::Relaxed);
}

/// Whether all that is said has to be JSON.
pub fn is_json() -> bool {
    JSON.load(Ordering::Relaxed)
}
