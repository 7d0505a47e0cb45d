//! The component's database: the embedded PostgreSQL, and migrations of any.

pub mod embedded;
pub mod migrate;
