//! What a component imports, against what this host offers. Names only, so
//! that it costs nothing; whether their shapes fit is for the linker to say.

use std::collections::BTreeSet;

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
    ("wasi:config", "0.2.0-rc.1", &["store"]),
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

/// What of Spin's this host does not offer.
const REST: [&str; 7] = [
    "spin:key-value",
    "spin:sqlite",
    "spin:redis",
    "spin:mysql",
    "spin:mqtt",
    // Under their older names, and what goes with them.
    "fermyon:spin",
    "wasi:keyvalue",
];
/// Of these a component that was built for all of Spin has every one.
const WHOLE: std::ops::Range<usize> = 0..5;

/// How a component's imports fit.
#[derive(Debug, PartialEq, Eq)]
pub enum Fit {
    /// All of them are offered.
    Offered,
    /// It imports all of Spin, as some SDKs have it whatever is used. What is not offered ends
    /// whoever calls it.
    Whole,
}

/// Refuses a component that imports what this host does not offer, by name.
pub fn check(component: &[u8]) -> Result<Fit, String> {
    let missing: Vec<String> = imports(component)
        .map_err(|error| format!("it is truncated or damaged: build it again ({error})"))?
        .into_iter()
        .filter(|name| !is_offered(name))
        .collect();
    fit(&missing)
}

fn fit(missing: &[String]) -> Result<Fit, String> {
    if missing.is_empty() {
        return Ok(Fit::Offered);
    }
    let package = |name: &str| name.split('/').next().unwrap_or_default().to_owned();
    let packages: BTreeSet<String> = missing.iter().map(|name| package(name)).collect();
    // Drafts of what is offered go with an SDK that knows both.
    let is_draft = |name: &str| {
        let version = name.split_once('@').map_or("", |(_, version)| version);
        name.starts_with("wasi:") && version.contains('-')
    };
    let is_known = |name: &String| is_draft(name) || REST.contains(&package(name).as_str());
    if REST[WHOLE].iter().all(|name| packages.contains(*name)) && missing.iter().all(is_known) {
        return Ok(Fit::Whole);
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

/// Whether this host offers what a component imports by this name.
pub fn is_offered(import: &str) -> bool {
    let (path, version) = import.split_once('@').unwrap_or((import, ""));
    let Some((package, interface)) = path.split_once('/') else { return false };
    OFFERED.iter().any(|(own, series, interfaces)| {
        let same_series =
            version.strip_prefix(series).is_some_and(|patch| patch.is_empty() || is_patch(patch));
        *own == package && same_series && interfaces.contains(&interface)
    })
}

/// What comes after a series; a version before the first of a series is another one.
fn is_patch(text: &str) -> bool {
    text.starts_with('.') && !text.contains('-')
}

#[cfg(test)]
mod tests {
    use super::{Fit, fit, is_offered};

    #[test]
    fn who_imports_all_of_spin_need_not_use_it() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let mut all = names(&[
            "spin:key-value/key-value@3.0.0",
            "spin:sqlite/sqlite@3.1.0",
            "spin:redis/redis@3.0.0",
            "spin:mysql/mysql@3.0.0",
            "spin:mqtt/mqtt@3.0.0",
            "fermyon:spin/llm@2.0.0",
            "wasi:keyvalue/store@0.2.0-draft2",
        ]);
        assert_eq!(fit(&all), Ok(Fit::Whole));
        assert_eq!(fit(&[]), Ok(Fit::Offered));
        let some = fit(&all[2..3]).unwrap_err();
        assert!(some.contains("spin:redis/redis@3.0.0"), "{some}");
        all.push("acme:kitchen/teapot@1.0.0".to_owned());
        assert!(fit(&all).unwrap_err().contains("teapot"));
    }

    #[test]
    fn names_and_versions_both_count() {
        assert!(is_offered("wasi:cli/stdout@0.2.6"));
        assert!(is_offered("wasi:http/types@0.3.0"));
        assert!(is_offered("spin:postgres/postgres@4.2.0"));
        assert!(!is_offered("spin:key-value/key-value@3.0.0"));
        assert!(!is_offered("wasi:cli/stdout@0.20.0"));
        assert!(!is_offered("wasi:keyvalue/store@0.2.0-draft2"));
        assert!(!is_offered("wasi:http/types@0.3.0-rc-2026-03-15"));
        assert!(is_offered("wasi:config/store@0.2.0-rc.1"));
        assert!(!is_offered("something"));
    }
}
