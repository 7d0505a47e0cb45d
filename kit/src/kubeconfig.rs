//! The way to one context of the kubeconfig, and never to its current one: a command that is meant for
//! one cluster must not reach another.

use std::path::PathBuf;

use kube::client::AuthError;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use secrecy::ExposeSecret;

/// Why there is no way to a context. What it says quotes nothing of a kubeconfig that may be secret.
#[derive(Debug, thiserror::Error)]
pub enum NoContext {
    #[error("read the kubeconfig ({0}): set KUBECONFIG, or make ~/.kube/config")]
    Unreadable(String),
    #[error(
        "the kubeconfig has no context {wanted}: write {hint}, or pass --context; it has {known}"
    )]
    Unknown { wanted: String, known: String, hint: &'static str },
    #[error("use the kubeconfig's context {wanted}: {why}")]
    Unusable { wanted: String, why: String },
}

/// How to reach the cluster of a context. `hint` says where the user writes which one is meant.
pub async fn config(context: &str, hint: &'static str) -> Result<Config, NoContext> {
    let known = read().map_err(|error| NoContext::Unreadable(without_quotes(&error)))?;
    check(&known, context, hint)?;
    usable(known, context).await
}

async fn usable(known: Kubeconfig, context: &str) -> Result<Config, NoContext> {
    let options =
        KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
    let unusable = |why| NoContext::Unusable { wanted: context.to_owned(), why };
    let config = Config::from_custom_kubeconfig(known, &options).await;
    let config = config.map_err(|error| unusable(without_quotes(&error)))?;
    if config.cluster_url.scheme().is_none() {
        return Err(unusable("write its server with https:// in front".to_owned()));
    }
    let token = config.auth_info.token.as_ref();
    if token.is_some_and(|token| token.expose_secret().contains(|c: char| c.is_control())) {
        return Err(unusable("its token has a line break in it: write it in one line".to_owned()));
    }
    Ok(config)
}

/// A client for what `config` found, which logs in as the context says.
pub fn client(config: Config, context: &str) -> Result<Client, NoContext> {
    let plugin = config.auth_info.exec.as_ref().and_then(|exec| exec.command.clone());
    let plugin = plugin.unwrap_or_default();
    Client::try_from(config).map_err(|error| NoContext::Unusable {
        wanted: context.to_owned(),
        why: why_no_client(&error, &plugin),
    })
}

/// The parser quotes the lines around an error, and a token may stand there.
fn without_quotes(error: &KubeconfigError) -> String {
    let error = match error {
        KubeconfigError::Parse(error) => error,
        KubeconfigError::ParseProxyUrl(_) => return "its proxy-url is no address".to_owned(),
        error => return error.to_string(),
    };
    let at = error.location();
    at.map_or_else(
        || "it is no YAML of a kubeconfig".to_owned(),
        |at| format!("it is no YAML of a kubeconfig at line {}, column {}", at.line(), at.column()),
    )
}

/// What a plugin wrote or was given may be a token, and an address of a proxy may have a password.
fn why_no_client(error: &kube::Error, plugin: &str) -> String {
    match error {
        kube::Error::Auth(AuthError::AuthExecRun { out, .. }) => format!(
            "{plugin} could not log in ({}): {}",
            out.status,
            String::from_utf8_lossy(&out.stderr).trim()
        ),
        kube::Error::Auth(AuthError::AuthExecParse(_)) => {
            format!("{plugin} wrote no credential that can be read")
        }
        kube::Error::Auth(AuthError::AuthExec(_) | AuthError::ParseTokenKey(_)) => {
            "its way to log in failed; a plugin (exec) is the usual one".to_owned()
        }
        kube::Error::ProxyProtocolDisabled { .. }
        | kube::Error::ProxyProtocolUnsupported { .. } => {
            "a proxy (its proxy-url, or HTTPS_PROXY) is not supported: take it out".to_owned()
        }
        error => error.to_string(),
    }
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
        let error = without_quotes(&read(&["secret"]).unwrap_err());
        assert!(error.contains("line ") && !error.contains("s3cret"), "{error}");
    }

    /// A context `c` of a kubeconfig with this server and this user, as far as without a network.
    async fn reach(server: &str, user: &str) -> Result<Config, String> {
        let text = format!(
            "clusters: [{{name: a, cluster: {{server: '{server}'}}}}]\nusers: [{{name: u, user: {user}}}]\n\
             contexts: [{{name: c, context: {{cluster: a, user: u}}}}]\n"
        );
        let known = Kubeconfig::from_yaml(&text).map_err(|error| without_quotes(&error))?;
        usable(known, "c").await.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn nothing_secret_is_quoted() {
        let usual = "https://127.0.0.1:1";
        assert!(reach(usual, "{token: s3cret}").await.is_ok());
        for (server, user, advice) in [
            ("127.0.0.1:6443", "{token: s3cret}", "https:// in front"),
            (usual, "{token: \"s3cret\\nb\"}", "in one line"),
            (usual, "{token: [s3cret]}", "at line 2"),
            (usual, "{token: s3cret, token: b}", "at line 2"),
        ] {
            let error = reach(server, user).await.unwrap_err();
            assert!(error.contains(advice) && !error.contains("s3cret"), "{error}");
        }
        for (script, advice) in [
            (
                "echo s3cret; echo no way in >&2; exit 3",
                "sh could not log in (exit status: 3): no way in",
            ),
            ("echo token: [s3cret", "sh wrote no credential"),
        ] {
            let user = format!(
                "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: ['-c', '{script}'], interactiveMode: Never}}}}"
            );
            let error = client(reach(usual, &user).await.unwrap(), "c").err().unwrap().to_string();
            assert!(error.contains(advice) && !error.contains("s3cret"), "{error}");
        }
    }
}
