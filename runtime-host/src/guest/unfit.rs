//! Why an application's components are not served.

use crate::guest::compile::Uncompiled;

/// All but the last are faults of the components' own.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    #[error("{0:#}")]
    Kind(anyhow::Error),
    #[error("{0}")]
    Imports(String),
    #[error("{0:#}")]
    Compile(anyhow::Error),
    #[error("{0:#}")]
    Surroundings(anyhow::Error),
}

impl Unfit {
    /// The same, with the name of the component that it is about before it, where there are several.
    pub fn of(self, id: &str, components: usize) -> Self {
        match self {
            _ if components == 1 => self,
            Self::Kind(error) => Self::Kind(error.context(id.to_owned())),
            Self::Imports(reason) => Self::Imports(format!("{id}: {reason}")),
            Self::Compile(error) => Self::Compile(error.context(id.to_owned())),
            Self::Surroundings(error) => Self::Surroundings(error.context(id.to_owned())),
        }
    }
}

impl From<Uncompiled> for Unfit {
    fn from(error: Uncompiled) -> Self {
        match error {
            Uncompiled::Component(_) => Self::Compile(error.into()),
            Uncompiled::Surroundings(_) => Self::Surroundings(error.into()),
        }
    }
}
