//! The component: compiled, checked, loaded, and its instances at work.

pub mod compile;
pub mod engine;
pub mod health;
pub mod imports;
pub mod loaded;
pub mod output;
pub mod store;
pub mod worker;
