//! Values of a manifest's variables: from `SPIN_VARIABLE_NAME` in the
//! environment, else from `.env` beside the manifest, else the default.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;

use anyhow::Result;

use crate::error::misconfigured;
use crate::project::dotenv;
use crate::project::manifest::Manifest;
use crate::project::template;

const PREFIX: &str = "SPIN_VARIABLE_";
/// By convention the address of the component's database.
pub const DATABASE_URL: &str = "database_url";
/// By convention the CA's certificate of that database, as PEM.
pub const DATABASE_CA: &str = "database_ca";

/// The name of a variable in the environment and in `.env`.
pub fn env_name(variable: &str) -> String {
    format!("{PREFIX}{}", variable.to_uppercase())
}

/// Where values come from, read once.
pub struct Sources {
    dotenv: HashMap<String, String>,
    environment: fn(&str) -> Option<String>,
}

impl Sources {
    pub fn read(manifest: &Manifest) -> Result<Self> {
        let own = [DATABASE_URL, DATABASE_CA].map(str::to_owned);
        let names = manifest.variables.keys().chain(&own).map(|variable| env_name(variable));
        check_text(names.map(|name| (std::env::var_os(&name), name)))?;
        Ok(Self {
            dotenv: dotenv::read(&manifest.dir.join(dotenv::NAME))?,
            environment: |name| std::env::var(name).ok(),
        })
    }

    /// A value that was given, wherever. An empty one in the environment hides
    /// the one in `.env`.
    pub fn given(&self, variable: &str) -> Option<String> {
        let name = env_name(variable);
        (self.environment)(&name).or_else(|| self.dotenv.get(&name).cloned())
    }

    /// The value that `.env` alone gives.
    pub fn in_dotenv(&self, variable: &str) -> Option<&str> {
        self.dotenv.get(&env_name(variable)).map(String::as_str)
    }
}

/// Refuses values that are no text: passed over, they would leave the default in their place.
fn check_text(values: impl IntoIterator<Item = (Option<OsString>, String)>) -> Result<()> {
    for (value, name) in values {
        if value.is_some_and(|value| value.to_str().is_none()) {
            return Err(misconfigured!(
                "{name} in the environment is no UTF-8: set it to text in UTF-8"
            ));
        }
    }
    Ok(())
}

/// Every declared variable with its value, `given` before what [`Sources`] has.
pub fn resolve(
    manifest: &Manifest,
    sources: &Sources,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>> {
    let mut values = BTreeMap::new();
    for (name, variable) in &manifest.variables {
        let value = given
            .get(name)
            .cloned()
            .or_else(|| sources.given(name))
            .or_else(|| variable.default.clone());
        match value {
            Some(value) => {
                values.insert(name.clone(), value);
            }
            None if variable.required => {
                return Err(misconfigured!(
                    "the variable {name:?} has no value: set {} in the environment or in {}",
                    env_name(name),
                    manifest.dir.join(dotenv::NAME).display()
                ));
            }
            None => {}
        }
    }
    Ok(values)
}

/// Resolves a template of the manifest; `place` names it in errors.
pub fn render(place: &str, text: &str, values: &BTreeMap<String, String>) -> Result<String> {
    template::render(text, |name| {
        values.get(name).cloned().ok_or_else(|| {
            format!("there is no variable {name:?}: declare it under [variables], with a default or a value")
        })
    })
    .map_err(|reason| misconfigured!("{place}: {reason}"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn manifest(variables: &str) -> Manifest {
        let dir = tempdir();
        let path = dir.join("spin.toml");
        let text = format!(
            "spin_manifest_version = 2\n[application]\nname = 'a'\n[variables]\n{variables}\n\
             [[trigger.http]]\nroute = '/...'\ncomponent = 'c'\n[component.c]\nsource = 'c.wasm'\n"
        );
        std::fs::write(&path, text).unwrap();
        Manifest::load(&path).unwrap()
    }

    fn tempdir() -> std::path::PathBuf {
        use std::sync::atomic::{AtomicU32, Ordering};
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "runtime-host-variables-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    fn sources(dotenv: &[(&str, &str)], environment: fn(&str) -> Option<String>) -> Sources {
        let dotenv = dotenv.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Sources { dotenv, environment }
    }

    fn in_environment(name: &str) -> Option<String> {
        (name == "SPIN_VARIABLE_WORD").then(|| "environment".to_owned())
    }

    #[test]
    fn the_environment_wins_over_dotenv_and_that_over_the_default() {
        let manifest = manifest("word = { default = 'default' }");
        let dotenv = [("SPIN_VARIABLE_WORD", "dotenv")];
        let word = |sources: &Sources| {
            resolve(&manifest, sources, &BTreeMap::new()).unwrap()["word"].clone()
        };
        assert_eq!(word(&sources(&dotenv, in_environment)), "environment");
        assert_eq!(word(&sources(&dotenv, |_| None)), "dotenv");
        assert_eq!(word(&sources(&[], |_| None)), "default");
    }

    #[test]
    fn a_value_that_is_no_text_is_named_without_being_shown() {
        use std::os::unix::ffi::OsStringExt as _;

        let value = |bytes: &[u8]| (Some(OsString::from_vec(bytes.to_vec())), "NAME".to_owned());
        assert!(check_text([(None, String::new()), value(b"w"), value(b"")]).is_ok());
        let error = check_text([value(b"w"), value(b"hunter2\xff")]).unwrap_err().to_string();
        assert!(error.contains("NAME") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_required_variable_without_a_value_is_named() {
        let manifest = manifest("word = { required = true }");
        let error = resolve(&manifest, &sources(&[], |_| None), &BTreeMap::new()).unwrap_err();
        assert!(error.to_string().contains("set SPIN_VARIABLE_WORD"), "{error}");
    }

    #[test]
    fn an_undeclared_variable_in_a_template_is_named() {
        let error = render("component.c.variables.x", "{{ nope }}", &BTreeMap::new()).unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("component.c.variables.x: there is no variable \"nope\""),
            "{text}"
        );
    }

    #[test]
    fn dotenv_is_read_from_beside_the_manifest() {
        let manifest = manifest("word = { required = true }");
        dotenv::set(&manifest.dir.join(".env"), "SPIN_VARIABLE_WORD", "a $b 'c' \"d\" \\e #f")
            .unwrap();
        let values =
            resolve(&manifest, &Sources::read(&manifest).unwrap(), &BTreeMap::new()).unwrap();
        assert_eq!(values["word"], "a $b 'c' \"d\" \\e #f");
        assert!(Path::new(&manifest.dir).join(".env").exists());
    }
}
