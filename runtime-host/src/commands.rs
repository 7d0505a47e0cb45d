//! One file per verb of a laptop; those of a cluster are in `deploy`.

pub mod db;
pub mod migrate;
pub mod up;
