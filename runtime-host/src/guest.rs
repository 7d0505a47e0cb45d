//! The component: compiled, checked, loaded, and its instances at work.

pub mod compile;
pub mod engine;
pub mod failure;
pub mod health;
pub mod imports;
pub mod instances;
pub mod loaded;
pub mod memory;
pub mod output;
mod run;
pub mod store;
