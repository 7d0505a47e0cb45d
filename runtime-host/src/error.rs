//! The one distinction that callers of the host's functions branch on.

/// Bad usage or configuration: a manifest, a variable, an option. The process
/// ends with [`EXIT_MISCONFIGURED`] instead of 1.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Misconfigured(pub String);

/// The exit code that clap uses for bad usage, too.
pub const EXIT_MISCONFIGURED: u8 = 2;

/// An [`anyhow::Error`] for a mistake in what the user wrote.
macro_rules! misconfigured {
    ($($message:tt)*) => {
        anyhow::Error::new($crate::error::Misconfigured(format!($($message)*)))
    };
}
pub(crate) use misconfigured;
