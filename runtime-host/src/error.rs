//! The distinctions that callers of the host branch on, by its exit code.

/// Bad usage or configuration: a manifest, a variable, an option. The process
/// ends with [`EXIT_MISCONFIGURED`] instead of 1.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Misconfigured(pub String);

/// The exit code that clap uses for bad usage, too.
const EXIT_MISCONFIGURED: u8 = 2;

/// A version that was pushed is not served by every pod.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub enum Unserved {
    /// A pod refused it, or took it back: another push has to come.
    Refused(String),
    /// The time to wait is over, and nothing is decided.
    Late(String),
}

/// What the process ends with.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref() {
        Some(Unserved::Refused(_)) => 3,
        Some(Unserved::Late(_)) => 4,
        None if error.is::<Misconfigured>() => EXIT_MISCONFIGURED,
        None => 1,
    }
}

/// An [`anyhow::Error`] for a mistake in what the user wrote.
macro_rules! misconfigured {
    ($($message:tt)*) => {
        anyhow::Error::new($crate::error::Misconfigured(format!($($message)*)))
    };
}
pub(crate) use misconfigured;
