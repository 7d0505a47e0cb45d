//! Whether the modules of a crate take names from each other in a circle, which
//! `cargo test -p xtask circles` shows. A module may use what is its own: its children.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::sources;

const CRATES: [&str; 4] = ["todo-component", "runtime-host", "spin-postgres", "pg-cluster"];

/// The source of each module, by its path.
type Modules = BTreeMap<String, String>;
/// Of each module, those that it takes names from.
type Uses<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// The modules of the crate whose sources are in `folder`.
fn read(folder: &Path) -> Modules {
    let mut modules = Modules::new();
    for file in sources::rust(folder) {
        let path = file.strip_prefix(folder).unwrap().with_extension("");
        let mut parts: Vec<&str> = path.iter().map(|part| part.to_str().unwrap()).collect();
        if parts.contains(&"tests") {
            continue;
        }
        if parts.last() == Some(&"mod") {
            parts.pop();
        }
        modules.insert(parts.join("::"), fs::read_to_string(&file).unwrap());
    }
    modules
}

/// The code without comments and unit tests.
fn code(source: &str) -> String {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    source
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default().to_owned() + "\n")
        .collect()
}

/// The paths of a `use` tree, each with what stands before it. Gives the rest of the text.
fn paths<'a>(mut text: &'a str, before: &str, found: &mut Vec<String>) -> &'a str {
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let path = format!("{before}{}", &text[..end]);
    text = &text[end..];
    if !path.ends_with("::") || !text.starts_with('{') {
        found.push(path);
        return text;
    }
    loop {
        text = paths(text[1..].trim_start(), &path, found);
        // What comes after a name, such as `as other`, is not looked at.
        text = &text[text.find([',', '}']).unwrap_or(text.len())..];
        if !text.starts_with(',') {
            return text.strip_prefix('}').unwrap_or(text);
        }
    }
}

/// The module that a path of `module` leads to.
fn target<'a>(modules: &'a Modules, module: &str, path: &str) -> Option<&'a str> {
    let mut from: Vec<&str> = module.split("::").collect();
    let mut rest = path;
    if let Some(absolute) = rest.strip_prefix("crate::") {
        (from, rest) = (Vec::new(), absolute);
    }
    while let Some(above) = rest.strip_prefix("super::") {
        from.pop();
        rest = above;
    }
    from.extend(rest.split("::").filter(|part| !part.is_empty()));
    let known = |length| modules.get_key_value(&from[..length].join("::"));
    (1..=from.len()).rev().find_map(known).map(|(name, _)| name.as_str())
}

fn uses(modules: &Modules) -> Uses<'_> {
    let of = |(module, source): (&'_ String, &String)| {
        let (code, mut found) = (code(source), Vec::new());
        for root in ["crate::", "super::"] {
            for (at, _) in code.match_indices(root) {
                if !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == ':') {
                    paths(&code[at..], "", &mut found);
                }
            }
        }
        let children = format!("{module}::");
        let others = found.iter().filter_map(|path| target(modules, module, path));
        others.filter(|other| other != module && !other.starts_with(&children)).collect()
    };
    modules.iter().map(|entry| (entry.0.as_str(), of(entry))).collect()
}

/// The modules of a circle that `way` has come to, if there is one.
fn circle<'a>(
    uses: &Uses<'a>,
    way: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
) -> Option<Vec<&'a str>> {
    let here = *way.last()?;
    if let Some(first) = way[..way.len() - 1].iter().position(|module| *module == here) {
        return Some(way[first..].to_vec());
    }
    if done.contains(here) {
        return None;
    }
    for next in uses.get(here).into_iter().flatten() {
        way.push(next);
        if let Some(found) = circle(uses, way, done) {
            return Some(found);
        }
        way.pop();
    }
    done.insert(here);
    None
}

fn circle_in(modules: &Modules) -> Option<String> {
    let (uses, mut done) = (uses(modules), BTreeSet::new());
    let found = uses.keys().find_map(|module| circle(&uses, &mut vec![*module], &mut done));
    found.map(|modules| modules.join(" → "))
}

#[test]
fn no_modules_of_a_crate_use_each_other_in_a_circle() {
    for name in CRATES {
        let modules = read(&sources::root().join(name).join("src"));
        assert!(modules.len() > 10, "{name} has {} modules", modules.len());
        assert_eq!(circle_in(&modules), None, "in {name}");
    }
}

#[test]
fn a_circle_is_found_through_every_spelling() {
    let modules = |of_c: &str| {
        let source =
            [("a", "use crate::{x, b::{self, B as Other}, y};"), ("b", "fn f() { crate::c::g() }")];
        let source = source.into_iter().chain([("b::d", "use super::super::a;"), ("c", of_c)]);
        source.map(|(name, source)| (name.to_owned(), source.to_owned())).collect()
    };
    assert_eq!(circle_in(&modules("// crate::a\n#[cfg(test)] use crate::a;")), None);
    assert_eq!(circle_in(&modules("use crate::a::A;")).as_deref(), Some("a → b → c → a"));
    assert_eq!(circle_in(&modules("use crate::b::d;")).as_deref(), Some("a → b → c → b::d → a"));
}
