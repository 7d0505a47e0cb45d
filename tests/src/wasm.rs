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

/// A component for WASI 0.2 that handles a request by this core code. `$imports`
/// are what it needs beside, and `$with` are those to the core module.
fn component_that(imports: &str, with: &str, module: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            (import "wasi:http/types@0.2.0" (instance $types
                (export "incoming-request" (type (sub resource)))
                (export "response-outparam" (type (sub resource)))
            ))
            (alias export $types "incoming-request" (type $request))
            (alias export $types "response-outparam" (type $response))
            {imports}
            (core module $module {module})
            (core instance $instance (instantiate $module {with}))
            (func $handle (param "request" (own $request)) (param "response-out" (own $response))
                (canon lift (core func $instance "handle")))
            (instance $handler (export "handle" (func $handle)))
            (export "wasi:http/incoming-handler@0.2.0" (instance $handler))
        )"#
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"))
}

/// A component that imports all of Spin, as some SDKs have it, and calls for a key-value store.
pub fn component_that_imports_all_of_spin() -> Vec<u8> {
    let rest = ["sqlite/sqlite", "redis/redis", "mysql/mysql", "mqtt/mqtt"];
    let rest = rest.map(|name| {
        format!(
            r#"(import "spin:{name}@3.0.0" (instance
                (export "connection" (type (sub resource))) (export "f" (func))))"#
        )
    });
    let imports = format!(
        r#"{}
        (import "spin:key-value/key-value@3.0.0" (instance $store (export "open" (func))))
        (core func $open (canon lower (func $store "open")))"#,
        rest.concat()
    );
    let with = r#"(with "host" (instance (export "open" (func $open))))"#;
    let module = r#"(import "host" "open" (func $open))
        (func (export "handle") (param i32 i32) (call $open))"#;
    component_that(&imports, with, module)
}

/// A component that traps at every request.
pub fn component_that_traps() -> Vec<u8> {
    component_that("", "", r#"(func (export "handle") (param i32 i32) unreachable)"#)
}

/// A component that works on a request for ever.
pub fn component_that_loops() -> Vec<u8> {
    component_that("", "", r#"(func (export "handle") (param i32 i32) (loop (br 0)))"#)
}

/// A component that does not answer.
pub fn component_that_says_nothing() -> Vec<u8> {
    component_that("", "", r#"(func (export "handle") (param i32 i32))"#)
}

/// A component that wants more and more memory.
pub fn component_that_takes_memory() -> Vec<u8> {
    let module = r#"(memory 1)
        (func (export "handle") (param i32 i32) (loop (drop (memory.grow (i32.const 16))) (br 0)))"#;
    component_that("", "", module)
}

/// A component that traps before it gets its first request.
pub fn component_that_does_not_start() -> Vec<u8> {
    let module = r#"(func $start unreachable) (start $start)
        (func (export "handle") (param i32 i32))"#;
    component_that("", "", module)
}

/// A component that sleeps for an hour.
pub fn component_that_sleeps() -> Vec<u8> {
    let imports = r#"
        (import "wasi:io/poll@0.2.0" (instance $poll
            (export "pollable" (type $pollable (sub resource)))
            (export "[method]pollable.block" (func (param "self" (borrow $pollable))))
        ))
        (alias export $poll "pollable" (type $pollable))
        (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
            (alias outer 1 $pollable (type $outer))
            (export "pollable" (type $pollable (eq $outer)))
            (export "subscribe-duration" (func (param "when" u64) (result (own $pollable))))
        ))
        (core func $block (canon lower (func $poll "[method]pollable.block")))
        (core func $after (canon lower (func $clock "subscribe-duration")))"#;
    let with = r#"(with "host" (instance
        (export "block" (func $block)) (export "after" (func $after))))"#;
    let module = r#"
        (import "host" "block" (func $block (param i32)))
        (import "host" "after" (func $after (param i64) (result i32)))
        (func (export "handle") (param i32 i32)
            (call $block (call $after (i64.const 3600000000000))))"#;
    component_that(imports, with, module)
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
