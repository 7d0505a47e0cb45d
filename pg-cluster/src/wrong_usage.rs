//! An error of who wrote the command or the configuration; nothing was touched.

use anyhow::{Error, Result};

#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
pub struct WrongUsage(Error);

pub trait OrWrongUsage<T> {
    /// Whatever fails here is theirs.
    fn or_wrong_usage(self) -> Result<T>;
}

impl<T> OrWrongUsage<T> for Result<T> {
    fn or_wrong_usage(self) -> Self {
        self.map_err(|error| WrongUsage(error).into())
    }
}
