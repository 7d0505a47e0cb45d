//! The two homes of members.

use crate::{
    env::{Env, Set},
    names,
};

/// Where a member is at home, whatever its role is now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HomeSet {
    Main,
    Replica,
}

impl HomeSet {
    pub fn label(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Replica => "replica",
        }
    }

    pub fn name(self, env: &Env) -> String {
        match self {
            Self::Main => names::main(env),
            Self::Replica => names::replica(env),
        }
    }

    pub fn settings(self, env: &Env) -> &Set {
        match self {
            Self::Main => &env.main,
            Self::Replica => &env.replica,
        }
    }

    /// Of members that hold the same WAL, Patroni promotes the one at home in `main`.
    pub fn failover_priority(self) -> i32 {
        match self {
            Self::Main => 2,
            Self::Replica => 1,
        }
    }

    pub fn tags_file(self) -> String {
        format!("{}.yml", self.label())
    }
}
