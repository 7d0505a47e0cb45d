//! The project of a developer: its manifest, its variables and settings, and what builds it.

pub mod build;
pub mod data_dir;
pub mod dotenv;
pub mod files;
mod globs;
pub mod load;
pub mod manifest;
pub mod source;
pub mod template;
pub mod variables;
pub mod watch;
