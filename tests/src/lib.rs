//! Fixtures: the real programs, started, watched and ended for a test.
//!
//! A test says what is true; what it takes to get there is here.
//!
//! * [`App`]: a host that serves the todo component on a database of its own.
//! * [`Host`]: `runtime-host up` on a [`Project`] (a manifest in a folder).
//! * [`Database`]: a clone of a migrated database on the one server of this process.
//! * [`Pair`]: a primary and a replica that a test may stop, freeze and hold back.
//! * [`Browser`]: Chromium, Firefox or `WebKit`, with JavaScript or without it.
//! * [`raw`]: requests that no HTTP library would send.
//!
//! Each test has its own database, host and browser profile, or its own context in a
//! Chromium that others had before, so that tests run side by side. Every program ends with its test, and with this process
//! however that ends (see [`child`]).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a fixture that fails is a test that fails, and the panic says where"
)]

pub mod app;
pub mod axe;
pub mod browser;
pub mod child;
mod chromium;
mod devtools;
mod firefox;
mod folder;
pub mod gate;
pub mod guarded;
pub mod host;
pub mod http;
pub mod load;
mod marionette;
pub mod misbehaving;
pub mod nginx;
pub mod page;
pub mod pooler;
pub mod postgres;
pub mod programs;
pub mod project;
pub mod raw;
pub mod replica;
pub mod site;
pub mod tls;
pub mod until;
pub mod wasm;
mod webkit;

pub use app::App;
pub use browser::Browser;
pub use gate::Gate;
pub use guarded::Guarded;
pub use host::Host;
pub use http::{Answer, Ask};
pub use page::Page;
pub use pooler::Pooler;
pub use postgres::Database;
pub use programs::promtool;
pub use project::Project;
pub use replica::Pair;
pub use until::{DEADLINE, until};

use std::path::{Path, PathBuf};

/// The repository's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate is a folder of the workspace")
}

/// Where Cargo put the programs of the profile that the tests were built with.
fn programs() -> PathBuf {
    let program = std::env::current_exe().expect("find this program");
    let deps = program.parent().expect("this program is in a folder");
    let programs = if deps.ends_with("deps") { deps.parent().unwrap_or(deps) } else { deps };
    programs.to_owned()
}

/// Cargo's target folder, wherever it was put.
pub fn target() -> PathBuf {
    programs().parent().expect("a folder for each profile").to_owned()
}

/// A program of this project.
pub fn program(name: &str) -> PathBuf {
    built(programs().join(name))
}

/// What must have been built before.
fn built(path: PathBuf) -> PathBuf {
    assert!(
        path.exists(),
        "{} is not there: run `make build test-component` first",
        path.display()
    );
    path
}

/// The component that does on demand what a good one never does.
pub fn test_component() -> PathBuf {
    built(target().join("wasm32-wasip2/component/test_component.wasm"))
}

/// The component under test.
pub fn component() -> PathBuf {
    built(target().join("wasm32-wasip2/component/todo_component.wasm"))
}
