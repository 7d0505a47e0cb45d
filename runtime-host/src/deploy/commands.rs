//! One file per verb.

pub mod chart;
pub mod images;
pub mod promote;
pub mod push;
pub mod rollback;
pub mod serve;
pub mod status;
