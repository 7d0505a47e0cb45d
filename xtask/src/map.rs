//! Whether `docs/architecture.md` speaks of what is there.

use std::fs;

use crate::sources;

#[test]
fn what_always_holds_is_held_by_a_test() {
    let folders = ["tests", "runtime-host", "pg-cluster"];
    let files = folders.iter().flat_map(|folder| sources::rust(&sources::root().join(folder)));
    let all: String = files.map(|file| fs::read_to_string(file).unwrap()).collect();
    let map = fs::read_to_string(sources::root().join("docs/architecture.md")).unwrap();
    let (_, section) = map.split_once("\n## What always holds\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let tests: Vec<&str> = section.split('`').skip(1).step_by(2).collect();
    assert!(tests.len() >= 6, "{tests:?}");
    for test in tests {
        assert!(all.contains(&format!("fn {test}(")), "there is no test {test}");
    }
}
