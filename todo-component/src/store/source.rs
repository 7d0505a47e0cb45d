//! Who answers a read.

/// Who answered a read, as the header `Todoozle-Source` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Primary,
    /// By the position that the read showed.
    Replica,
    /// For want of a primary.
    Standby,
}

impl Source {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Replica => "replica",
            Self::Standby => "standby",
        }
    }
}
