//! A version is written in one place. Where a file that others read has to repeat it, it says the same.

use std::fs;

use crate::sources::{root, rust};

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The word after this one.
fn after<'a>(text: &'a str, word: &str) -> &'a str {
    text.split_whitespace().skip_while(|one| *one != word).nth(1).unwrap()
}

#[test]
fn dev_runs_what_is_built_here() {
    let (database, edge) = (read("config/dev/postgres.toml"), read("config/dev/values.yaml"));
    let postgres = read("images/postgres/Containerfile");
    assert!(database.contains(&format!("\nimage = \"{}\"\n", after(&postgres, "-t"))));
    let host = read("images/runtime-host/Containerfile");
    let (repository, tag) = after(&host, "-t").rsplit_once(':').unwrap();
    assert!(edge.contains(&format!("\n  repository: {repository}\n  tag: {tag}\n")));
    let modules = read("scripts/tools/go.mod");
    let server = after(&modules, "github.com/versity/versitygw");
    assert!(database.contains(&format!("versity/versitygw:{server}\"")), "{server}");
}

#[test]
fn the_image_of_the_host_is_built_with_its_toolchain() {
    let toolchain = read("rust-toolchain.toml");
    let (version, _) = after(&toolchain, "=").trim_matches('"').rsplit_once('.').unwrap();
    assert!(read("images/runtime-host/Containerfile").contains(&format!("rust:{version}-")));
    assert!(read("Cargo.toml").contains(&format!("\nrust-version = \"{version}\"\n")));
}

#[test]
fn no_code_names_a_version_of_an_image() {
    for path in rust(root()).iter().filter(|path| !path.ends_with("pins.rs")) {
        let text = fs::read_to_string(path).unwrap();
        for image in ["localhost/todoozle/", "versitygw:"] {
            assert!(!text.contains(image), "{}: {image}", path.display());
        }
    }
}
