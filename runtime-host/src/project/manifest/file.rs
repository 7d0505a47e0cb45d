//! What this host asks of a manifest beyond its shape.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::shape::{
    Commands, File, FileBuild, FileComponent, FileEntry, FileSource, Placed, Route, Tool, Trigger,
};
use super::{Build, Component, Manifest};
use crate::digest::Digest;
use crate::project::files::{Entry, Files};
use crate::project::source::Source;
use crate::spin::routes::Routes;

/// Parses and checks a manifest whose paths start from `dir`. The error says
/// which field is wrong and what to do.
pub fn parse(text: &str, dir: &Path) -> Result<Manifest, String> {
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
    check_settings(&file.application.trigger)?;
    let triggers = routed_components(file.trigger)?;
    let ids: BTreeSet<&String> = triggers.iter().map(|(_, id)| id).collect();
    let place = |id: &String| ids.iter().position(|other| *other == id).unwrap_or_default();
    let public = triggers.iter().filter_map(|(route, id)| Some((route.clone()?, place(id))));
    let routes = Routes::parse(public)?;
    let mut found = file.component;
    let mut components = Vec::new();
    for id in ids {
        // As in Spin, one that no route leads to is nobody's concern.
        let Some(component) = found.remove(id) else {
            return Err(format!(
                "trigger.http names the component {id:?}, but there is no [component.{id}]"
            ));
        };
        components.push(check_component(id.clone(), component, dir)?);
    }
    let mut migrating = components.iter().filter(|component| component.migrations.is_some());
    if let (Some(one), Some(other)) = (migrating.next(), migrating.next()) {
        return Err(format!(
            "component.{} and component.{} both have migrations: an application has one folder of \
             them, so leave it to one component",
            one.id, other.id
        ));
    }
    Ok(Manifest {
        dir: dir.to_owned(),
        version: Some(file.application.version).filter(|version| !version.is_empty()),
        variables: file.variables,
        routes: Arc::new(routes),
        components,
    })
}

/// The version comes before everything else, since it decides what the rest means.
fn check_version(text: &str) -> Result<(), String> {
    const HELP: &str = "write spin_manifest_version = 2 at its top";
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    match table.get("spin_manifest_version") {
        Some(toml::Value::Integer(2)) => Ok(()),
        Some(other) => {
            Err(format!("spin_manifest_version is {other}, but only 2 is supported: {HELP}"))
        }
        None => Err(format!("spin_manifest_version is missing: {HELP}")),
    }
}

/// Of the settings of all triggers, Spin has one for HTTP that may say what holds anyway.
fn check_settings(settings: &BTreeMap<String, toml::Value>) -> Result<(), String> {
    for (kind, settings) in settings {
        let known = settings.as_table().filter(|_| kind == "http");
        let base = |(name, value): (&String, &toml::Value)| {
            name == "base" && value.as_str().is_some_and(|base| base.trim_matches('/').is_empty())
        };
        if !known.is_some_and(|settings| settings.iter().all(base)) {
            return Err(format!(
                "application.trigger.{kind} is {settings}, and runtime-host knows nothing but base \
                 = \"/\" of http there: remove it, and write the whole path in each route"
            ));
        }
    }
    Ok(())
}

fn describe(error: &toml::de::Error) -> String {
    let hint = if error.message().starts_with("unknown field") {
        "\nruntime-host knows no other fields here: remove it, or use Spin"
    } else {
        ""
    };
    format!("{}{hint}", error.to_string().trim_end())
}

/// Every route, and the component that it leads to. One that is private has none: other components
/// alone ask it.
fn routed_components(
    triggers: BTreeMap<String, toml::Value>,
) -> Result<Vec<(Option<String>, String)>, String> {
    let mut http = Vec::new();
    for (kind, value) in triggers {
        if kind != "http" {
            return Err(format!(
                "trigger.{kind} is not supported: runtime-host serves trigger.http only"
            ));
        }
        if value.is_table() {
            return Err("trigger.http is one table: write [[trigger.http]], with two brackets, \
                 before each route"
                .to_owned());
        }
        http = value
            .try_into::<Vec<Trigger>>()
            .map_err(|error| format!("trigger.http: {}", describe(&error)))?;
    }
    if http.is_empty() {
        return Err("there is no [[trigger.http]]: write one for the component to serve".into());
    }
    let text = |trigger: Trigger| {
        if let Some(executor) = &trigger.executor
            && !is_http(executor)
        {
            return Err(format!(
                "trigger.http.executor is {executor}, and runtime-host knows only {{ type = \"http\" \
                 }}: remove it, or use Spin"
            ));
        }
        let toml::Value::String(id) = trigger.component else {
            return Err("trigger.http has a component that is no name: write it as \
                 [component.NAME], and its name here"
                .to_owned());
        };
        match trigger.route {
            Route::Public(route) => Ok((Some(route), id)),
            Route::Private { private: true } => Ok((None, id)),
            Route::Private { .. } | Route::Other(_) => Err(format!(
                "trigger.http.route of {id} is neither a path nor {{ private = true }}: write \
                 route = \"/...\" for all paths"
            )),
        }
    };
    http.into_iter().map(text).collect()
}

/// Whether an executor is the one that Spin takes without a word.
fn is_http(executor: &toml::Value) -> bool {
    let kind =
        |(name, value): (&String, &toml::Value)| name == "type" && value.as_str() == Some("http");
    executor.as_table().is_some_and(|table| table.len() == 1 && table.iter().all(kind))
}

fn check_component(id: String, component: FileComponent, dir: &Path) -> Result<Component, String> {
    if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
        return Err(format!("component.{id}: a name has letters, digits and dashes"));
    }
    let source = check_source(&id, component.source, dir)?;
    for (field, is_empty, what) in [
        ("key_value_stores", component.key_value_stores.is_empty(), "key-value stores"),
        ("sqlite_databases", component.sqlite_databases.is_empty(), "SQLite databases"),
        ("ai_models", component.ai_models.is_empty(), "AI models"),
        ("dependencies", component.dependencies.is_empty(), "components to compose it with"),
    ] {
        if !is_empty {
            return Err(format!(
                "component.{id}.{field} asks for {what}, which runtime-host does not offer: remove \
                 it, or use Spin"
            ));
        }
    }
    if let Some(host) = component.allowed_http_hosts.first() {
        return Err(format!(
            "component.{id}.allowed_http_hosts has an old name and an old form: write \
             allowed_outbound_hosts, with scheme and host of each, such as \"https://{host}\""
        ));
    }
    let tool = match component.tool.get("runtime-host") {
        Some(table) => table.clone().try_into().map_err(|error: toml::de::Error| {
            format!("component.{id}.tool.runtime-host: {}", describe(&error))
        })?,
        None => Tool::default(),
    };
    let probe = tool.probe.unwrap_or_else(|| "/".to_owned());
    if !probe.starts_with('/') || probe.parse::<http::uri::PathAndQuery>().is_err() {
        return Err(format!(
            "component.{id}.tool.runtime-host.probe is {probe:?}: write the path of a page that \
             answers without side effects, such as \"/\""
        ));
    }
    Ok(Component {
        source,
        files: Files {
            entries: check_files(&id, component.files)?,
            exclude: component.exclude_files,
        },
        variables: component.variables,
        environment: component.environment.into_iter().collect(),
        allowed_outbound_hosts: component.allowed_outbound_hosts,
        build: component.build.map(|build| check_build(&id, build, dir)).transpose()?,
        migrations: tool.migrations.map(|path| dir.join(path)),
        cors_origins: tool.cors_origins,
        secret_path: tool.secret_path,
        probe,
        id,
    })
}

fn check_build(id: &str, build: FileBuild, dir: &Path) -> Result<Build, String> {
    let commands = match build.command {
        Commands::One(command) => vec![command],
        Commands::Many(commands) => commands,
        Commands::Other(_) => {
            return Err(format!(
                "component.{id}.build.command is neither a command nor a list of them: write it as \
                 for a shell, in quotes"
            ));
        }
    };
    let workdir = build.workdir.map_or_else(|| dir.to_owned(), |workdir| dir.join(workdir));
    Ok(Build { commands, workdir, watch: build.watch })
}

fn check_files(id: &str, entries: Vec<FileEntry>) -> Result<Vec<Entry>, String> {
    let entry = |entry| match entry {
        FileEntry::Pattern(text) => Ok(Entry::Pattern(text)),
        FileEntry::Placed(Placed { source, destination }) => {
            Ok(Entry::Placed { source, destination })
        }
        FileEntry::Other(other) => Err(format!(
            "component.{id}.files has {other}: write a path or a pattern, or {{ source = \"…\", \
             destination = \"…\" }}"
        )),
    };
    entries.into_iter().map(entry).collect()
}

fn check_source(id: &str, source: FileSource, dir: &Path) -> Result<Source, String> {
    match source {
        FileSource::Path(path) => Ok(Source::File(dir.join(path))),
        FileSource::Remote { url, digest } => {
            let digest = Digest::parse(&digest)
                .map_err(|reason| format!("component.{id}.source.digest: {reason}"))?;
            Ok(Source::Url { url, digest })
        }
        FileSource::Other(other) => Err(format!(
            "component.{id}.source is {other}: write a path, or url and digest; runtime-host loads \
             nothing from a registry"
        )),
    }
}

/// Spin's rule, without which `SPIN_VARIABLE_…` could mean two variables.
fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('_')
        && !name.contains("__")
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
