//! Whether `docs/architecture.md` names each module, and tests that are there.

use std::collections::BTreeSet;
use std::fs;

use crate::sources;

fn map() -> String {
    fs::read_to_string(sources::root().join("docs/architecture.md")).unwrap()
}

#[test]
fn every_module_stands_in_the_table_of_its_crate_and_no_other() {
    let map = map();
    for name in ["todo-component", "runtime-host", "pg-cluster"] {
        let (_, table) = map.split_once(&format!("| module of `{name}` | duty |\n")).unwrap();
        let rows = table.lines().take_while(|line| line.starts_with('|')).skip(1);
        let named: BTreeSet<&str> = rows
            .flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2))
            .collect();
        let source = sources::root().join(name).join("src");
        for module in &named {
            let is_there =
                ["rs", ""].iter().any(|end| source.join(module).with_extension(end).exists());
            assert!(is_there, "{name} has no module {module}");
        }
        let beginnings: BTreeSet<_> =
            named.iter().filter_map(|module| module.split('/').next()).collect();
        for entry in fs::read_dir(&source).unwrap() {
            let path = entry.unwrap().path().with_extension("");
            let module = path.file_name().unwrap().to_str().unwrap();
            let is_root = ["main", "lib"].contains(&module);
            assert!(is_root || beginnings.contains(module), "{module} of {name} is in no row");
        }
    }
}

#[test]
fn what_always_holds_is_held_by_a_test() {
    let folders = ["tests", "runtime-host", "pg-cluster"];
    let files = folders.iter().flat_map(|folder| sources::rust(&sources::root().join(folder)));
    let all: String = files.map(|file| fs::read_to_string(file).unwrap()).collect();
    let map = map();
    let (_, section) = map.split_once("\n## What always holds\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let tests: Vec<&str> = section.split('`').skip(1).step_by(2).collect();
    assert!(tests.len() >= 6, "{tests:?}");
    for test in tests {
        assert!(all.contains(&format!("fn {test}(")), "there is no test {test}");
    }
}
