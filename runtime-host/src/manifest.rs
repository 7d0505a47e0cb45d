//! `spin.toml`, version 2: what this host supports of it, and a clear refusal
//! of the rest.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::error::misconfigured;

/// A manifest with one HTTP component; paths are absolute.
#[derive(Debug)]
pub struct Manifest {
    /// The folder that holds the manifest.
    pub dir: PathBuf,
    pub app: String,
    pub variables: BTreeMap<String, Variable>,
    pub component: Component,
}

/// An application variable.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub default: Option<String>,
    #[serde(default, rename = "secret")]
    _secret: bool,
    #[serde(default, rename = "description")]
    _description: String,
}

/// The component that answers every request.
#[derive(Debug)]
pub struct Component {
    pub id: String,
    pub source: PathBuf,
    /// Templates of the values that the component may ask for.
    pub variables: BTreeMap<String, String>,
    pub environment: Vec<(String, String)>,
    /// Templates of `allowed_outbound_hosts`.
    pub allowed_outbound_hosts: Vec<String>,
    pub build: Option<Build>,
    /// The folder of SQL migrations, if the component has any.
    pub migrations: Option<PathBuf>,
}

/// How the component is built.
#[derive(Debug)]
pub struct Build {
    pub command: String,
    pub workdir: PathBuf,
    /// Globs, relative to [`Build::workdir`].
    pub watch: Vec<String>,
}

impl Manifest {
    /// Reads and checks a manifest. Every error is one of configuration.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => misconfigured!(
                "{} does not exist: run in the folder of a spin.toml, or name one with --from",
                path.display()
            ),
            _ => misconfigured!("cannot read {}: {error}", path.display()),
        })?;
        let path = std::path::absolute(path).context("resolve the manifest's path")?;
        let dir = path.parent().unwrap_or(Path::new("/"));
        parse(&text, dir)
            .map_err(|reason| misconfigured!("{}: {}", path.display(), reason.trim_end()))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    spin_manifest_version: toml::Value,
    application: Application,
    #[serde(default)]
    variables: BTreeMap<String, Variable>,
    #[serde(default)]
    trigger: BTreeMap<String, toml::Value>,
    #[serde(default)]
    component: BTreeMap<String, FileComponent>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Application {
    name: String,
    #[serde(default, rename = "version")]
    _version: String,
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default, rename = "authors")]
    _authors: Vec<String>,
    /// Spin leaves `tool` tables to other programs.
    #[serde(default, rename = "tool")]
    _tool: toml::Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Trigger {
    route: String,
    component: toml::Value,
    #[serde(default, rename = "id")]
    _id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileComponent {
    source: toml::Value,
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    allowed_outbound_hosts: Vec<String>,
    build: Option<FileBuild>,
    #[serde(default)]
    tool: toml::Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileBuild {
    command: Commands,
    #[serde(default)]
    workdir: Option<PathBuf>,
    #[serde(default)]
    watch: Vec<String>,
}

/// Spin takes one command or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Commands {
    One(String),
    Many(Vec<String>),
}

/// What `[component.X.tool.runtime-host]` may hold.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tool {
    migrations: Option<PathBuf>,
}

fn parse(text: &str, dir: &Path) -> Result<Manifest, String> {
    check_version(text)?;
    let file: File = toml::from_str(text).map_err(|error| describe(&error))?;
    for name in file.variables.keys() {
        if !is_variable_name(name) {
            return Err(format!(
                "variables.{name}: a name starts with a letter and has lower-case letters, digits \
                 and single underscores"
            ));
        }
    }
    let id = routed_component(file.trigger)?;
    let mut components = file.component;
    let Some(component) = components.remove(&id) else {
        return Err(format!("trigger.http names the component {id:?}, but there is no [component.{id}]"));
    };
    if let Some(other) = components.keys().next() {
        return Err(format!(
            "runtime-host serves one component, but there is a [component.{other}] beside \
             [component.{id}]: remove it, or use Spin"
        ));
    }
    let component = check_component(id, component, dir)?;
    Ok(Manifest {
        dir: dir.to_owned(),
        app: file.application.name,
        variables: file.variables,
        component,
    })
}

/// The version comes before everything else, since it decides what the rest means.
fn check_version(text: &str) -> Result<(), String> {
    const HELP: &str = "write spin_manifest_version = 2 at its top";
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    match table.get("spin_manifest_version") {
        Some(toml::Value::Integer(2)) => Ok(()),
        Some(other) => Err(format!("spin_manifest_version is {other}, but only 2 is supported: {HELP}")),
        None => Err(format!("spin_manifest_version is missing: {HELP}")),
    }
}

fn describe(error: &toml::de::Error) -> String {
    let hint = if error.message().starts_with("unknown field") {
        "\nruntime-host knows no other fields here: remove it, or use Spin"
    } else {
        ""
    };
    format!("{}{hint}", error.to_string().trim_end())
}

fn routed_component(triggers: BTreeMap<String, toml::Value>) -> Result<String, String> {
    let mut http = Vec::new();
    for (kind, value) in triggers {
        if kind != "http" {
            return Err(format!("trigger.{kind} is not supported: runtime-host serves trigger.http only"));
        }
        http = value
            .try_into::<Vec<Trigger>>()
            .map_err(|error| format!("trigger.http: {}", describe(&error)))?;
    }
    let mut triggers = http.into_iter();
    let (Some(trigger), None) = (triggers.next(), triggers.next()) else {
        return Err("runtime-host serves one component: write exactly one [[trigger.http]]".into());
    };
    if trigger.route != "/..." {
        return Err(format!(
            "trigger.http.route is {:?}, but runtime-host gives every path to its one component: \
             write route = \"/...\"",
            trigger.route
        ));
    }
    match trigger.component {
        toml::Value::String(id) => Ok(id),
        _ => Err("trigger.http.component is not a name: write the component as [component.NAME]".into()),
    }
}

fn check_component(id: String, component: FileComponent, dir: &Path) -> Result<Component, String> {
    let toml::Value::String(source) = component.source else {
        return Err(format!(
            "component.{id}.source is not a path: runtime-host loads a component from a file only"
        ));
    };
    let tool = match component.tool.get("runtime-host") {
        Some(table) => table.clone().try_into().map_err(|error: toml::de::Error| {
            format!("component.{id}.tool.runtime-host: {}", describe(&error))
        })?,
        None => Tool::default(),
    };
    Ok(Component {
        source: dir.join(source),
        variables: component.variables,
        environment: component.environment.into_iter().collect(),
        allowed_outbound_hosts: component.allowed_outbound_hosts,
        build: component.build.map(|build| Build {
            command: match build.command {
                Commands::One(command) => command,
                Commands::Many(commands) => commands.join(" && "),
            },
            workdir: build.workdir.map_or_else(|| dir.to_owned(), |workdir| dir.join(workdir)),
            watch: build.watch,
        }),
        migrations: tool.migrations.map(|path| dir.join(path)),
        id,
    })
}

/// Spin's rule, without which `SPIN_VARIABLE_…` could mean two variables.
fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('_')
        && !name.contains("__")
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

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
        super::parse(text, Path::new("/app"))
    }

    /// The error for the good manifest with one text replaced by another.
    fn error(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from));
        parse(&GOOD.replace(from, to)).unwrap_err()
    }

    #[test]
    fn a_good_manifest_is_read_whole() {
        let manifest = parse(GOOD).unwrap();
        assert_eq!(manifest.app, "app");
        assert!(manifest.variables["secret_word"].required);
        assert_eq!(manifest.variables["greeting"].default.as_deref(), Some("hello"));
        let component = manifest.component;
        assert_eq!(component.id, "web");
        assert_eq!(component.source, Path::new("/app/web.wasm"));
        assert_eq!(component.migrations.as_deref(), Some(Path::new("/app/sql")));
        let build = component.build.unwrap();
        assert_eq!(build.command, "make a && make b");
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
            ("source =", "files = ['a']\nsource =", "files"),
            ("name = \"app\"", "name = \"app\"\ncolour = 'red'", "colour"),
            ("route =", "executor = { type = 'wagi' }\nroute =", "executor"),
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
    fn one_http_component_and_no_more() {
        assert!(error("trigger.http", "trigger.redis").contains("trigger.redis is not supported"));
        assert!(error("[[trigger.http]]", "[[trigger.http]]\nroute='/a'\ncomponent='web'\n[[trigger.http]]")
            .contains("exactly one [[trigger.http]]"));
        assert!(error("component = \"web\"", "component = \"x\"").contains("there is no [component.x]"));
        assert!(error("\"/...\"", "\"/api/...\"").contains("route = \"/...\""));
        assert!(error("source = \"web.wasm\"", "source = { url = 'x', digest = 'y' }")
            .contains("component.web.source is not a path"));
        let two = format!("{GOOD}\n[component.more]\nsource = 'b.wasm'");
        assert!(parse(&two).unwrap_err().contains("[component.more]"));
        assert!(parse("spin_manifest_version = 2\n[application]\nname = 'a'")
            .unwrap_err()
            .contains("exactly one [[trigger.http]]"));
    }

    #[test]
    fn broken_toml_is_shown_with_its_line() {
        assert!(error("[variables]", "[variables").contains("line 6"));
    }

    #[test]
    fn variable_names_are_spin_s() {
        for name in ["Upper", "a__b", "a_", "1a", "a-b"] {
            assert!(error("greeting = {", &format!("{name} = {{")).contains(&format!("variables.{name}")));
        }
    }
}
