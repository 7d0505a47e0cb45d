//! How a component failed a request, before its answer or on the way.

use std::fmt;

/// What ended a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    TimedOut,
    CpuExhausted,
    Trapped,
    /// It could not be instantiated.
    NotStarted,
    /// There was no room for another instance; that is no fault of the component's.
    NoRoom,
    /// All instances together have the memory that they may have; nor is that.
    NoMemory,
    /// It gave an error for an answer.
    NoAnswer,
    /// Its answer's body ended before its end.
    BrokeOff,
}

impl Failure {
    pub const EACH: [Self; 8] = [
        Self::TimedOut,
        Self::CpuExhausted,
        Self::Trapped,
        Self::NotStarted,
        Self::NoRoom,
        Self::NoMemory,
        Self::NoAnswer,
        Self::BrokeOff,
    ];

    /// In metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::TimedOut => "timeout",
            Self::CpuExhausted => "cpu",
            Self::Trapped => "trap",
            Self::NotStarted => "instantiation",
            Self::NoRoom => "room",
            Self::NoMemory => "memory",
            Self::NoAnswer => "error",
            Self::BrokeOff => "body",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TimedOut => "it did not answer in time",
            Self::CpuExhausted => "it used up its CPU time for a request",
            Self::Trapped => "it trapped",
            Self::NotStarted => "it could not be instantiated",
            Self::NoRoom => "there was no room for another instance",
            Self::NoMemory => "all instances together had used up their memory",
            Self::NoAnswer => "it gave an error for an answer",
            Self::BrokeOff => "its answer broke off",
        })
    }
}
