//! Why a component does not link: the names of what it imports and this host
//! does not offer.

use wasmtime::Engine;
use wasmtime::component::Component;

/// Interfaces by package and the part of the version that must be the same.
/// Only for messages: what links is for the linker to say.
const OFFERED: [(&str, &str, &[&str]); 20] = [
    ("wasi:io", "0.2", &["error", "poll", "streams"]),
    ("wasi:cli", "0.2", CLI),
    ("wasi:cli", "0.3", CLI),
    ("wasi:clocks", "0.2", &["monotonic-clock", "wall-clock", "timezone"]),
    ("wasi:clocks", "0.3", &["monotonic-clock", "system-clock", "types", "timezone"]),
    ("wasi:random", "0.2", RANDOM),
    ("wasi:random", "0.3", RANDOM),
    ("wasi:filesystem", "0.2", FILESYSTEM),
    ("wasi:filesystem", "0.3", FILESYSTEM),
    ("wasi:sockets", "0.2", &["network", "instance-network", "ip-name-lookup", "tcp", "udp"]),
    ("wasi:sockets", "0.2", &["tcp-create-socket", "udp-create-socket"]),
    ("wasi:sockets", "0.3", &["types", "ip-name-lookup"]),
    ("wasi:http", "0.2", &["types", "outgoing-handler"]),
    ("wasi:http", "0.3", &["types", "client"]),
    ("spin:postgres", "3.0", &["postgres"]),
    ("spin:postgres", "4.0", &["postgres"]),
    ("spin:postgres", "4.1", &["postgres"]),
    ("spin:postgres", "4.2", &["postgres"]),
    ("spin:variables", "3.0", &["variables"]),
    ("fermyon:spin", "2.0", &["variables", "postgres", "rdbms-types"]),
];

const CLI: &[&str] = &[
    "environment",
    "exit",
    "stdin",
    "stdout",
    "stderr",
    "types",
    "terminal-input",
    "terminal-output",
    "terminal-stdin",
    "terminal-stdout",
    "terminal-stderr",
];
const RANDOM: &[&str] = &["random", "insecure", "insecure-seed"];
const FILESYSTEM: &[&str] = &["types", "preopens"];

/// An error for a component that the linker refused.
pub fn explain(engine: &Engine, component: &Component, error: &wasmtime::Error) -> anyhow::Error {
    let ty = component.component_type();
    let missing: Vec<&str> =
        ty.imports(engine).map(|(name, _)| name).filter(|name| !is_offered(name)).collect();
    if missing.is_empty() {
        // The interface is there, but in another shape.
        return anyhow::anyhow!("its imports do not fit this host: {error:#}");
    }
    anyhow::anyhow!(
        "it imports what this host does not offer: {}; remove their use, or serve it with Spin",
        missing.join(", ")
    )
}

fn is_offered(import: &str) -> bool {
    let (path, version) = import.split_once('@').unwrap_or((import, ""));
    let Some((package, interface)) = path.split_once('/') else { return false };
    OFFERED.iter().any(|(own, series, interfaces)| {
        let same_series = version
            .strip_prefix(series)
            .is_some_and(|patch| patch.is_empty() || patch.starts_with('.'));
        *own == package && same_series && interfaces.contains(&interface)
    })
}

#[cfg(test)]
mod tests {
    use super::is_offered;

    #[test]
    fn names_and_versions_both_count() {
        assert!(is_offered("wasi:cli/stdout@0.2.6"));
        assert!(is_offered("wasi:http/types@0.3.0"));
        assert!(is_offered("spin:postgres/postgres@4.2.0"));
        assert!(!is_offered("spin:key-value/key-value@3.0.0"));
        assert!(!is_offered("wasi:cli/stdout@0.20.0"));
        assert!(!is_offered("wasi:keyvalue/store@0.2.0-draft2"));
        assert!(!is_offered("something"));
    }
}
