//! Whether `docs/architecture.md` speaks of what is there.

use std::fs;
use std::path::Path;

fn sources(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !["target", "node_modules", "programs"].contains(&name) {
            sources(&path, all);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            all.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn what_always_holds_is_held_by_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut all = String::new();
    for folder in ["tests", "runtime-host", "pg-cluster"] {
        sources(&root.join(folder), &mut all);
    }
    let map = fs::read_to_string(root.join("docs/architecture.md")).unwrap();
    let (_, section) = map.split_once("\n## What always holds\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let tests: Vec<&str> = section.split('`').skip(1).step_by(2).collect();
    assert!(tests.len() >= 6, "{tests:?}");
    for test in tests {
        assert!(all.contains(&format!("fn {test}(")), "there is no test {test}");
    }
}
