//! The component: compiled, checked, loaded, and its instances at work.

mod absent;
pub mod answer;
pub mod compile;
pub mod engine;
pub mod failure;
mod files;
pub mod health;
pub mod imports;
pub mod instances;
pub mod line;
pub mod linker;
pub mod loaded;
pub mod memory;
pub mod output;
pub mod package;
mod relative;
mod run;
mod siblings;
pub mod store;
pub mod unfit;
