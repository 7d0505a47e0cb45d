//! The way to one context of the kubeconfig, and never to its current one: a command that is meant for
//! one cluster must not reach another.

use std::path::PathBuf;

use kube::client::AuthError;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

/// Why there is no way to a context.
#[derive(Debug, thiserror::Error)]
pub enum NoContext {
    #[error("read the kubeconfig: {0}; set KUBECONFIG, or make ~/.kube/config")]
    Unreadable(String),
    #[error(
        "the kubeconfig has no context {wanted}: write {hint}, or pass --context; it has {known}"
    )]
    Unknown { wanted: String, known: String, hint: &'static str },
    #[error("use the kubeconfig's context {wanted}: {why}")]
    Unusable { wanted: String, why: String },
    #[error("prepare the connection to the API server: {0}")]
    NoClient(String),
}

/// What is wrong, without the lines around it: a token may stand there.
fn said(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::Parse(error) => {
            let at = error
                .location()
                .map(|at| format!(" at line {}, column {}", at.line(), at.column()));
            format!("what it says{} is not what kubectl reads", at.unwrap_or_default())
        }
        KubeconfigError::ParseProxyUrl(_) => "its proxy-url is no address".to_owned(),
        error => error.to_string(),
    }
}

/// How to reach the cluster of a context. `hint` says where the user writes which one is meant.
pub async fn config(context: &str, hint: &'static str) -> Result<Config, NoContext> {
    let known = read().map_err(|error| NoContext::Unreadable(said(&error)))?;
    check(&known, context, hint)?;
    let options =
        KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
    let unusable = |why| NoContext::Unusable { wanted: context.to_owned(), why };
    let config = Config::from_custom_kubeconfig(known, &options).await;
    let config = config.map_err(|error| unusable(said(&error)))?;
    // The client would quote the address, which may have a password.
    if config.proxy_url.is_some() {
        return Err(unusable(
            "its cluster has a proxy-url, or the environment a proxy, which is not supported"
                .to_owned(),
        ));
    }
    if config.cluster_url.scheme().is_none() {
        return Err(unusable("its cluster's server lacks https://".to_owned()));
    }
    Ok(config)
}

/// The client of a context. What a command for its login has printed, or was given, may be a token.
pub fn client(config: Config) -> Result<Client, NoContext> {
    Client::try_from(config).map_err(|error| {
        NoContext::NoClient(match error {
            kube::Error::Auth(AuthError::AuthExecRun { out, .. }) => {
                let stderr = String::from_utf8_lossy(&out.stderr);
                format!("the kubeconfig's command for the login failed: {}", stderr.trim())
            }
            kube::Error::Auth(AuthError::AuthExecParse(_)) => {
                "what the kubeconfig's command for the login printed is no ExecCredential"
                    .to_owned()
            }
            error => error.to_string(),
        })
    })
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
        let secret = "users:\n- name: u\n  user:\n    token: s3cret\n   bad: [\n";
        std::fs::write(dir.path().join("secret"), secret).unwrap();
        let error = said(&read(&["secret"]).unwrap_err());
        assert!(error.contains("line ") && !error.contains("s3cret"), "{error}");
    }
}
