//! What a component imports, against what this host offers. Names only, so
//! that it costs nothing; whether their shapes fit is for the linker to say.

use wasmparser::{BinaryReaderError, Parser, Payload};

/// Interfaces by package and the part of the version that must be the same.
const OFFERED: [(&str, &str, &[&str]); 21] = [
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
    ("wasi:config", "0.2", &["store"]),
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

/// Refuses a component that imports what this host does not offer, by name.
pub fn check(component: &[u8]) -> Result<(), String> {
    let missing: Vec<String> = imports(component)
        .map_err(|error| format!("it is truncated or damaged: build it again ({error})"))?
        .into_iter()
        .filter(|name| !is_offered(name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!(
        "it imports what this host does not offer: {}; remove their use, or serve it with Spin",
        missing.join(", ")
    ))
}

/// The names of a component's own imports; those of the components inside it
/// are between them.
fn imports(component: &[u8]) -> Result<Vec<String>, BinaryReaderError> {
    let mut depth = 0;
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(imports) if depth == 1 => {
                for import in imports {
                    names.push(import?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(names)
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
