use std::path::Path;

use super::{Manifest, file};
use crate::project::source::Source;

const GOOD: &str = r#"
    spin_manifest_version = 2
    [application]
    name = "app"
    version = "1.0.0"
    [variables]
    secret_word = { required = true, secret = true }
    greeting = { default = "hello" }
    [[trigger.http]]
    route = "/..."
    component = "web"
    [component.web]
    source = "web.wasm"
    allowed_outbound_hosts = ["https://{{ greeting }}.example.com"]
    [component.web.variables]
    word = "{{ secret_word }}"
    [component.web.build]
    command = ["make a", "make b"]
    workdir = "sub"
    watch = ["src/**/*.rs"]
    [component.web.tool.runtime-host]
    migrations = "sql"
    [component.web.tool.other]
    anything = 1
"#;

fn parse(text: &str) -> Result<Manifest, String> {
    file::parse(text, Path::new("/app"))
}

/// The error for the good manifest with one text replaced by another.
fn error(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from));
    parse(&GOOD.replace(from, to)).unwrap_err()
}

#[test]
fn a_good_manifest_is_read_whole() {
    let manifest = parse(GOOD).unwrap();
    assert!(manifest.variables["secret_word"].required);
    assert_eq!(manifest.variables["greeting"].default.as_deref(), Some("hello"));
    assert_eq!(manifest.migrations(), Some(Path::new("/app/sql")));
    let [component] = manifest.components.as_slice() else { panic!("one component") };
    assert_eq!(component.id, "web");
    assert_eq!(component.source, Source::File("/app/web.wasm".into()));
    let build = component.build.as_ref().unwrap();
    assert_eq!(build.commands, ["make a", "make b"]);
    assert_eq!(build.workdir, Path::new("/app/sub"));
}

#[test]
fn this_repository_s_own_manifest_is_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spin.toml");
    let manifest = Manifest::load(&path).unwrap();
    assert!(manifest.variables.contains_key("database_url"));
}

#[test]
fn a_missing_file_is_named() {
    let error = Manifest::load(Path::new("/nowhere/spin.toml")).unwrap_err().to_string();
    assert!(error.contains("/nowhere/spin.toml does not exist"), "{error}");
}

#[test]
fn another_version_is_refused_before_anything_else() {
    assert!(error("= 2", "= 1").contains("spin_manifest_version is 1, but only 2 is supported"));
    assert!(error("= 2", "= \"2\"").contains("only 2 is supported"));
    assert!(parse("name = 'x'").unwrap_err().contains("spin_manifest_version is missing"));
}

#[test]
fn unknown_fields_are_named() {
    for (from, to, field) in [
        ("source =", "sandbox = { a = 'b' }\nsource =", "sandbox"),
        ("name = \"app\"", "name = \"app\"\ncolour = 'red'", "colour"),
        ("required = true", "optional = true", "optional"),
        ("migrations =", "migration =", "migration"),
        ("workdir =", "cwd =", "cwd"),
    ] {
        let error = error(from, to);
        assert!(error.contains(&format!("unknown field `{field}`")), "{error}");
        assert!(error.contains("remove it, or use Spin"), "{error}");
    }
}

#[test]
fn what_routes_lead_to_has_to_be_there() {
    assert!(error("trigger.http", "trigger.redis").contains("trigger.redis is not supported"));
    let other = "[[trigger.http]]\nroute='/a'\ncomponent='other'\n[[trigger.http]]";
    assert!(error("[[trigger.http]]", other).contains("there is no [component.other]"));
    assert!(
        error("component = \"web\"", "component = \"x\"").contains("there is no [component.x]")
    );
    assert!(error("\"/...\"", "\"/.../api\"").contains("trigger.http.route is \"/.../api\""));
    assert!(error("\"/...\"", "{ private = false }").contains("route = \"/...\""));
    assert!(
        error("source = \"web.wasm\"", "source = { url = 'x', digest = 'y' }")
            .contains("component.web.source.digest: \"y\" is no SHA-256")
    );
    let registry = "source = { registry = 'r', package = 'p', version = '1' }";
    assert!(error("source = \"web.wasm\"", registry).contains("nothing from a registry"));
    let slash = GOOD.replace("component.web", "component.'a/b'").replace("\"web\"", "\"a/b\"");
    assert!(parse(&slash).unwrap_err().contains("letters, digits and dashes"));
    assert!(
        parse("spin_manifest_version = 2\n[application]\nname = 'a'")
            .unwrap_err()
            .contains("there is no [[trigger.http]]")
    );
}

#[test]
fn one_component_may_have_several_routes() {
    let more = "[[trigger.http]]\nroute='/a/:b'\ncomponent='web'\n[[trigger.http]]";
    let text = GOOD.replace("[[trigger.http]]", more).replace("\"/...\"", "\"/c/...\"");
    let routes = parse(&text).unwrap().routes;
    assert_eq!(routes.find("/a/x").unwrap().route, "/a/:b");
    assert_eq!(routes.find("/c/x/y").unwrap().route, "/c/...");
    assert!(routes.find("/").is_none());
}

#[test]
fn there_may_be_several_components() {
    let two = "[[trigger.http]]\nroute='/api/...'\ncomponent='api'\n[[trigger.http]]";
    let more = "[component.api]\nsource = 'api.wasm'\nfiles = ['a/*', { source = 'b', \
                destination = '/' }]\nexclude_files = ['**/*.map']\n\
                [component.unused]\nsource = 'unused.wasm'";
    let text = format!("{}\n{more}", GOOD.replace("[[trigger.http]]", two));
    let manifest = parse(&text).unwrap();
    assert_eq!(manifest.ids(), ["api", "web"]);
    let private = text.replace("'/api/...'", "{ private = true }");
    assert_eq!(parse(&private).unwrap().routes.find("/api/x").unwrap().component, 1);
    let led = |path: &str| manifest.routes.find(path).unwrap().component;
    assert_eq!(["/api/x", "/", "/apis"].map(led), [0, 1, 1]);
    assert_eq!(manifest.components[0].files.entries.len(), 2);
    let both = format!("{text}\n[component.api.tool.runtime-host]\nmigrations = 'x'");
    assert!(parse(&both).unwrap_err().contains("component.api and component.web both"));
}

#[test]
fn what_only_spin_offers_is_named() {
    for (field, what) in [
        ("key_value_stores", "key-value stores"),
        ("sqlite_databases", "SQLite databases"),
        ("ai_models", "AI models"),
    ] {
        let error = error("source =", &format!("{field} = ['default']\nsource ="));
        assert!(error.starts_with(&format!("component.web.{field} asks for {what}")), "{error}");
        assert!(parse(&GOOD.replace("source =", &format!("{field} = []\nsource ="))).is_ok());
    }
    let dependencies = error("source =", "dependencies = { 'a:b' = '1.0' }\nsource =");
    assert!(dependencies.starts_with("component.web.dependencies asks for"), "{dependencies}");
    let old = error("source =", "allowed_http_hosts = ['a.example']\nsource =");
    assert!(old.contains("allowed_outbound_hosts") && old.contains("https://a.example"), "{old}");
    let response = error("route =", "static_response = { status_code = 302 }\nroute =");
    assert!(response.contains("unknown field `static_response`"), "{response}");
}

#[test]
fn what_holds_anyway_may_be_said() {
    for (from, to) in [
        ("route =", "executor = { type = 'http' }\nroute ="),
        ("[variables]", "[application.trigger.http]\nbase = '/'\n[variables]"),
        ("[variables]", "[application.trigger.http]\n[variables]"),
        ("name = \"app\"", "name = \"app\"\ntargets = ['spin-up:3.3', { path = 'env.toml' }]"),
        ("source =", "targets = []\ndependencies_inherit_configuration = true\nsource ="),
        ("source =", "dependencies = {}\nallowed_http_hosts = []\nsource ="),
        (
            "[component.web.build]",
            "[component.web.profile.debug.build]\ncommand = 'x'\n[component.web.build]",
        ),
        ("component = \"web\"", "component = \"web\"\nid = \"x\""),
    ] {
        assert!(parse(&GOOD.replace(from, to)).is_ok(), "{to}");
    }
    for (from, to, says) in [
        ("route =", "executor = { type = 'wagi' }\nroute =", "remove it, or use Spin"),
        ("route =", "executor = 'http'\nroute =", "trigger.http.executor is \"http\""),
        ("[variables]", "[application.trigger.http]\nbase = '/x'\n[variables]", "in each route"),
        ("[variables]", "[application.trigger.redis]\nbase = '/'\n[variables]", "trigger.redis"),
    ] {
        let error = error(from, to);
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn what_has_another_form_is_told_in_the_manifest_s_words() {
    let listed = "[\"make a\", \"make b\"]";
    for (from, to, says) in [
        ("source =", "files = [{ source = 'a' }]\nsource =", "files has { source = \"a\" }"),
        ("source =", "files = [{ source = 'a', destination = 'b', c = 1 }]\nsource =", "c = 1"),
        ("source =", "files = [3]\nsource =", "component.web.files has 3"),
        (listed, "3", "component.web.build.command is neither"),
        ("{ default = \"hello\" }", "3", "expected a table"),
        ("[component.web.build]", "[[component.web.build]]", "build.command is neither"),
        ("migrations =", "probe = 3\nmigrations =", "tool.runtime-host"),
        ("[[trigger.http]]", "[trigger.http]", "[[trigger.http]], with two brackets"),
        ("component = \"web\"", "component = { source = 'x' }", "[component.NAME]"),
        ("source = \"web.wasm\"", "source = { url = 'x' }", "url and digest"),
    ] {
        let error = error(from, to);
        assert!(error.contains(says), "{error}");
        for word in ["untagged", "variant", "struct"] {
            assert!(!error.contains(word), "{error}");
        }
    }
}

#[test]
fn it_is_read_as_any_editor_saves_it() {
    for text in [format!("\u{feff}{GOOD}"), GOOD.replace('\n', "\r\n")] {
        assert_eq!(parse(&text).unwrap().ids(), ["web"]);
    }
}

#[test]
fn broken_toml_is_shown_with_its_line() {
    assert!(error("[variables]", "[variables").contains("line 6"));
}

#[test]
fn variable_names_are_spin_s() {
    for name in ["Upper", "a__b", "a_", "1a", "a-b"] {
        assert!(
            error("greeting = {", &format!("{name} = {{")).contains(&format!("variables.{name}"))
        );
    }
}
