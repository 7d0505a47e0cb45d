//! The Kubernetes cluster under test, and the commands that speak to it.

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use std::collections::BTreeMap;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};
use tests::root;

/// Longer than anything here takes on a busy machine; a test that passes never waits for it.
const PATIENCE: Duration = Duration::from_mins(3);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

pub struct Node {
    pub context: String,
}

impl Node {
    /// The one that `tests/cluster/with` names.
    pub fn get() -> &'static Self {
        static NODE: OnceLock<Node> = OnceLock::new();
        NODE.get_or_init(|| {
            if std::env::var_os(harness::OWN_NODE).is_some() {
                script("tests/cluster/image", &["runtime-host"]);
            }
            Self { context: harness::context().expect("the harness ran this without a cluster") }
        })
    }

    pub async fn config(&self) -> Config {
        let kubeconfig = Kubeconfig::read().unwrap();
        let options = KubeConfigOptions {
            context: Some(self.context.clone()),
            ..KubeConfigOptions::default()
        };
        Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap()
    }

    pub async fn client(&self) -> Client {
        Client::try_from(self.config().await).unwrap()
    }

    /// A program in the repository's root, which finds this cluster's kubeconfig as we do.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(root()).stdin(Stdio::null());
        command
    }

    pub fn kubectl(&self, namespace: &str) -> Command {
        let mut command = self.command(tool("kubectl"));
        command.args(["--context", &self.context, "--namespace", namespace]);
        command
    }
}

/// Where a tool of `scripts/tools.sh` is; it may have to be built first.
pub fn tool(name: &'static str) -> String {
    static PLACES: Mutex<BTreeMap<&str, String>> = Mutex::new(BTreeMap::new());
    let mut places = PLACES.lock().unwrap();
    let find = || script("scripts/tools.sh", &[name]).trim().to_owned();
    places.entry(name).or_insert_with(find).clone()
}

fn script(path: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(root().join(path));
    let output = command.args(arguments).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{path} failed");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command on a thread that may wait, so that load goes on meanwhile.
pub async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || {
        command.output().unwrap_or_else(|error| panic!("run {command:?}: {error}"))
    })
    .await
    .unwrap()
}

/// Runs it, insists on success and returns what it printed.
pub async fn must(command: Command) -> String {
    let what = format!("{command:?}");
    let output = run(command).await;
    let said = String::from_utf8_lossy(&output.stderr);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{what}: {}\n{said}\n{printed}", output.status);
    printed.into_owned()
}

/// Looks until there is something.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < end, "waited {PATIENCE:?} in vain for {what}");
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}
