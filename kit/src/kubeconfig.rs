//! The way to one context of the kubeconfig, and never to its current one: a command that is meant for
//! one cluster must not reach another.

use std::path::PathBuf;

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};

/// Why there is no way to a context.
#[derive(Debug, thiserror::Error)]
pub enum NoContext {
    #[error("read the kubeconfig: set KUBECONFIG, or make ~/.kube/config")]
    Unreadable(#[source] KubeconfigError),
    #[error(
        "the kubeconfig has no context {wanted}: write {hint}, or pass --context; it has {known}"
    )]
    Unknown { wanted: String, known: String, hint: &'static str },
    #[error("use the kubeconfig's context {wanted}")]
    Unusable { wanted: String, source: KubeconfigError },
}

/// How to reach the cluster of a context. `hint` says where the user writes which one is meant.
pub async fn config(context: &str, hint: &'static str) -> Result<Config, NoContext> {
    let known = read().map_err(NoContext::Unreadable)?;
    check(&known, context, hint)?;
    let options =
        KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
    let unusable = |source| NoContext::Unusable { wanted: context.to_owned(), source };
    Config::from_custom_kubeconfig(known, &options).await.map_err(unusable)
}

fn check(known: &Kubeconfig, wanted: &str, hint: &'static str) -> Result<(), NoContext> {
    let names: Vec<_> = known.contexts.iter().map(|context| context.name.as_str()).collect();
    if names.contains(&wanted) {
        return Ok(());
    }
    let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    Err(NoContext::Unknown { wanted: wanted.to_owned(), known, hint })
}

/// The files that `KUBECONFIG` names, without those that are not there, as kubectl has it; else the
/// usual one.
fn read() -> Result<Kubeconfig, KubeconfigError> {
    let named = std::env::var_os("KUBECONFIG").unwrap_or_default();
    match merged(std::env::split_paths(&named))? {
        Some(known) => Ok(known),
        None => Kubeconfig::read(),
    }
}

/// What the files among these that are there say together.
fn merged(paths: impl Iterator<Item = PathBuf>) -> Result<Option<Kubeconfig>, KubeconfigError> {
    paths.filter(|path| path.exists()).try_fold(None, |known: Option<Kubeconfig>, path| {
        known.unwrap_or_default().merge(Kubeconfig::read_from(path)?).map(Some)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "in a test that is how something is said to be wrong")]
mod tests {
    use super::*;

    #[test]
    fn of_several_files_those_that_are_not_there_are_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a", "b"] {
            let text = format!("contexts: [{{name: {name}, context: {{cluster: c, user: u}}}}]\n");
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let read = |names: &[&str]| merged(names.iter().map(|name| dir.path().join(name)));
        let known = read(&["missing", "a", "nor this", "b"]).unwrap().unwrap();
        assert!(check(&known, "a", "it").is_ok() && check(&known, "b", "it").is_ok());
        let error = check(&known, "c", "context = … in postgres.toml").unwrap_err().to_string();
        assert!(error.contains("no context c") && error.ends_with("it has a, b"), "{error}");
        let none = check(&Kubeconfig::default(), "c", "it").unwrap_err().to_string();
        assert!(none.ends_with("it has none"), "{none}");
        assert!(read(&["missing"]).unwrap().is_none());
        std::fs::write(dir.path().join("broken"), "[").unwrap();
        assert!(read(&["a", "broken"]).is_err());
    }
}
