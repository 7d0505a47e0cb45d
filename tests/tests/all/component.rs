//! What the built component asks of its host, and how large it is.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::BTreeSet;
use std::io::Write as _;
use tests::wasm::todo_component;
use wasmparser::component_types::ComponentEntityType;
use wasmparser::{Encoding, Parser, Payload, Validator, WasmFeatures};

/// The most that the component may weigh, in bytes: it fits into one ConfigMap by plain kubectl.
const LIMIT: usize = 1_000_000;
/// The same compressed, as registries and pages of a repository have it.
const COMPRESSED_LIMIT: usize = 350_000;

/// Every interface that Spin 4.1 offers to an HTTP component and that has a
/// stable version: the world `http-trigger` of its `wit/world.wit`, and what
/// that world includes.
const OFFERED: &[(&str, &str, &str)] = &[
    (
        "wasi:cli",
        "0.2.6",
        "environment exit stdin stdout stderr terminal-input terminal-output terminal-stdin \
         terminal-stdout terminal-stderr",
    ),
    ("wasi:clocks", "0.2.6", "monotonic-clock wall-clock"),
    ("wasi:filesystem", "0.2.6", "types preopens"),
    (
        "wasi:sockets",
        "0.2.6",
        "instance-network network udp udp-create-socket tcp tcp-create-socket ip-name-lookup",
    ),
    ("wasi:random", "0.2.6", "random insecure insecure-seed"),
    ("wasi:io", "0.2.6", "error poll streams"),
    ("wasi:http", "0.2.6", "types outgoing-handler"),
    (
        "wasi:cli",
        "0.3.0",
        "environment exit types stdin stdout stderr terminal-input terminal-output terminal-stdin \
         terminal-stdout terminal-stderr",
    ),
    ("wasi:clocks", "0.3.0", "types monotonic-clock system-clock"),
    ("wasi:filesystem", "0.3.0", "types preopens"),
    ("wasi:sockets", "0.3.0", "types ip-name-lookup"),
    ("wasi:random", "0.3.0", "random insecure insecure-seed"),
    ("wasi:http", "0.3.0", "types client"),
    ("spin:key-value", "3.0.0", "key-value"),
    ("spin:mqtt", "3.0.0", "mqtt"),
    ("spin:mysql", "3.0.0", "mysql"),
    ("spin:postgres", "3.0.0", "postgres"),
    ("spin:postgres", "4.2.0", "postgres"),
    ("spin:redis", "3.0.0", "redis"),
    ("spin:sqlite", "3.1.0", "sqlite"),
    ("spin:variables", "3.0.0", "variables"),
];

/// The functions of the WASI 0.2 interfaces that Rust's standard library asks
/// for, as 0.2.6 has them. The library names a later 0.2.x, which hosts take
/// for the same as long as nothing newer is asked for.
const FUNCTIONS: &[(&str, &str)] = &[
    ("wasi:cli/environment", "get-environment get-arguments initial-cwd"),
    ("wasi:cli/exit", "exit"),
    ("wasi:cli/stdin", "get-stdin"),
    ("wasi:cli/stdout", "get-stdout"),
    ("wasi:cli/stderr", "get-stderr"),
    ("wasi:cli/terminal-input", ""),
    ("wasi:cli/terminal-output", ""),
    ("wasi:cli/terminal-stdin", "get-terminal-stdin"),
    ("wasi:cli/terminal-stdout", "get-terminal-stdout"),
    ("wasi:cli/terminal-stderr", "get-terminal-stderr"),
    ("wasi:clocks/monotonic-clock", "now resolution subscribe-instant subscribe-duration"),
    ("wasi:io/error", "[method]error.to-debug-string"),
    ("wasi:io/poll", "[method]pollable.ready [method]pollable.block poll"),
    (
        "wasi:io/streams",
        "[method]input-stream.read [method]input-stream.blocking-read [method]input-stream.skip \
         [method]input-stream.blocking-skip [method]input-stream.subscribe \
         [method]output-stream.check-write [method]output-stream.write \
         [method]output-stream.blocking-write-and-flush [method]output-stream.flush \
         [method]output-stream.blocking-flush [method]output-stream.subscribe \
         [method]output-stream.write-zeroes [method]output-stream.blocking-write-zeroes-and-flush \
         [method]output-stream.splice [method]output-stream.blocking-splice",
    ),
    ("wasi:random/insecure-seed", "insecure-seed"),
];

/// A name as hosts compare it: of 0.2.x they look at 0.2, of 0.3.0 at all of it.
fn known_as(name: &str) -> String {
    match name.rsplit_once('@') {
        Some((interface, version)) if version.starts_with("0.2.") => format!("{interface}@0.2"),
        _ => name.to_owned(),
    }
}

fn offered() -> BTreeSet<String> {
    let each = OFFERED.iter().flat_map(|(package, version, interfaces)| {
        let names = interfaces.split(' ').filter(|name| !name.is_empty());
        names.map(move |interface| known_as(&format!("{package}/{interface}@{version}")))
    });
    each.collect()
}

fn lacking(imports: &BTreeSet<String>) -> Vec<&String> {
    let offered = offered();
    imports.iter().filter(|name| !offered.contains(&known_as(name))).collect()
}

/// The names of a component's imports and exports; what is nested in it is its own affair.
fn interface(component: &[u8]) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut imports, mut exports) = (BTreeSet::new(), BTreeSet::new());
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload.expect("the component is well formed") {
            Payload::Version { encoding, .. } => {
                assert!(depth > 0 || encoding == Encoding::Component, "it is a component");
                depth += 1;
            }
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                imports
                    .extend(section.into_iter().map(|import| import.unwrap().name.name.to_owned()));
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                exports
                    .extend(section.into_iter().map(|export| export.unwrap().name.name.to_owned()));
            }
            _ => {}
        }
    }
    (imports, exports)
}

#[test]
fn it_imports_nothing_that_spin_4_1_does_not_offer() {
    let (imports, _) = interface(&todo_component());
    let lacking = lacking(&imports);
    assert!(lacking.is_empty(), "Spin 4.1 does not offer {lacking:?}");
}

#[test]
fn of_a_later_wasi_0_2_it_asks_for_nothing_newer_than_spin_4_1_has() {
    let component = todo_component();
    let types = Validator::new_with_features(WasmFeatures::all()).validate_all(&component);
    let types = types.expect("the component is valid");
    let (imports, _) = interface(&component);
    for import in imports.iter().filter(|name| known_as(name).ends_with("@0.2")) {
        let interface = import.split('@').next().unwrap();
        let known = FUNCTIONS.iter().find(|(name, _)| *name == interface);
        let (_, known) =
            known.unwrap_or_else(|| panic!("look up the functions of {interface} at 0.2.6"));
        let Some(item) = types.as_ref().component_item_for_import(import) else {
            panic!("{import} is an import");
        };
        let ComponentEntityType::Instance(instance) = item.ty else {
            panic!("{import} is an interface")
        };
        for (name, item) in &types.as_ref()[instance].exports {
            let is_function = matches!(item.ty, ComponentEntityType::Func(_));
            assert!(
                !is_function || known.split(' ').any(|known| known == name),
                "0.2.6 has no {interface}/{name}"
            );
        }
    }
}

#[test]
fn it_imports_what_it_is_made_of() {
    let (imports, _) = interface(&todo_component());
    for needed in
        ["wasi:http/types@0.3.0", "spin:postgres/postgres@4.2.0", "spin:variables/variables@3.0.0"]
    {
        assert!(imports.contains(needed), "{needed} is in {imports:#?}");
    }
}

#[test]
fn it_exports_the_handler_of_wasi_http_and_nothing_else() {
    let (_, exports) = interface(&todo_component());
    assert_eq!(exports, BTreeSet::from(["wasi:http/handler@0.3.0".to_owned()]));
}

#[test]
fn an_import_that_spin_does_not_offer_is_seen() {
    let (imports, _) = interface(&tests::wasm::component_that_wants_a_teapot());
    assert_eq!(lacking(&imports), ["acme:kitchen/teapot@1.0.0"]);
}

#[test]
fn it_stays_under_its_size() {
    let component = todo_component();
    let size = component.len();
    assert!(size < LIMIT, "{size} bytes, and the limit is {LIMIT}");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&component).unwrap();
    let size = encoder.finish().unwrap().len();
    assert!(
        size < COMPRESSED_LIMIT,
        "{size} bytes compressed, and the limit is {COMPRESSED_LIMIT}"
    );
}
