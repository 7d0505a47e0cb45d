//! One file per verb.

pub mod db;
pub mod migrate;
pub mod up;
