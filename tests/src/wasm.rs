//! Components that are wrong in one way, and another version of the right one.

use crate::{component, raw};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// A Wasm module that is not a component.
pub fn core_module() -> Vec<u8> {
    wat::parse_str("(module)").expect("a module")
}

/// A component with an import that no host has.
pub fn component_that_wants_a_teapot() -> Vec<u8> {
    wat::parse_str(
        r#"(component (import "acme:kitchen/teapot@1.0.0" (instance (export "brew" (func)))))"#,
    )
    .expect("a component")
}

/// A component that cannot answer requests.
pub fn component_without_a_handler() -> Vec<u8> {
    wat::parse_str("(component)").expect("a component")
}

/// The todo component as it was built.
pub fn todo_component() -> Vec<u8> {
    std::fs::read(component()).expect("read the component")
}

/// The first half of it, as an interrupted copy leaves it.
pub fn half_a_component() -> Vec<u8> {
    let whole = todo_component();
    whole[..whole.len() / 2].to_vec()
}

/// A version of it whose problems are called `urn:todoozle:<name>:…`; the name
/// has to be as long as `problem`.
pub fn version_called(name: &str) -> Vec<u8> {
    assert_eq!(name.len(), "problem".len(), "data in a component cannot be moved");
    let original = todo_component();
    let version = raw::replace(
        &original,
        b"urn:todoozle:problem:",
        format!("urn:todoozle:{name}:").as_bytes(),
    );
    assert_ne!(version, original, "the component holds the text to replace");
    version
}

/// The first twelve hexadecimal digits of a component's SHA-256, as the host logs it.
pub fn digest(component: &[u8]) -> String {
    whole_digest(component)[..12].to_owned()
}

/// A component's SHA-256, in hexadecimal digits.
pub fn whole_digest(component: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(component) {
        write!(text, "{byte:02x}").expect("writing to a string works");
    }
    text
}
