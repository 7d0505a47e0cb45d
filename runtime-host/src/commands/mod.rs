//! One file per verb.

pub mod db;
pub mod migrate;
pub mod promote;
pub mod push;
pub mod rollback;
pub mod serve;
pub mod status;
pub mod up;
