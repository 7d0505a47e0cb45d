//! A database cluster of a test's own, in a namespace of its own.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use k8s_openapi::api::core::v1::{Namespace, Pod, Secret};
use kube::{
    Api, Client, Config,
    api::{AttachParams, DeleteParams, ListParams, ObjectMeta, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};

static NUMBER: AtomicU32 = AtomicU32::new(0);
const PATIENCE: Duration = Duration::from_mins(3);
/// Each look has a shell run in every member, and other tests share the cores.
const BETWEEN_LOOKS: Duration = Duration::from_millis(400);

/// An archive beside the database, by the server that config/dev names.
pub fn own_archive(storage: &str) -> String {
    let dev: toml::Table = include_str!("../../../config/dev/postgres.toml").parse().unwrap();
    let image = &dev["backup"]["own"]["image"];
    format!("backup.own = {{ image = {image}, storage = \"{storage}\" }}")
}

/// What runs in a member's pod.
#[derive(Clone, Copy, Debug)]
pub enum Program {
    Patroni,
    Checkpointer,
    All,
}

pub struct Database {
    pub name: &'static str,
    pub namespace: String,
    pub client: Client,
    context: String,
    config: tempfile::TempDir,
    /// Whether the namespace goes with this database.
    owns_namespace: bool,
}

impl Database {
    /// A namespace and a configuration; nothing is made yet.
    pub async fn new(name: &'static str) -> Self {
        let context = harness::context().expect("a cluster to test on: make test-cluster");
        let namespace =
            format!("pg-cluster-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        Self::inside(context, name, namespace, true).await
    }

    /// Another one beside it, in the same namespace.
    pub async fn beside(&self, name: &'static str) -> Self {
        Self::inside(self.context.clone(), name, self.namespace.clone(), false).await
    }

    async fn inside(
        context: String,
        name: &'static str,
        namespace: String,
        owns_namespace: bool,
    ) -> Self {
        let kubeconfig = Kubeconfig::read().unwrap();
        let options =
            KubeConfigOptions { context: Some(context.clone()), ..KubeConfigOptions::default() };
        let client =
            Client::try_from(Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap())
                .unwrap();
        let database = Self {
            name,
            namespace,
            client,
            context,
            config: tempfile::tempdir().unwrap(),
            owns_namespace,
        };
        database.configure("");
        database
    }

    pub fn image() -> String {
        harness::database_image().unwrap()
    }

    /// Writes the configuration, with `more` after it.
    pub fn configure(&self, more: &str) {
        let settings = harness::Settings {
            name: self.name,
            context: &self.context,
            namespace: &self.namespace,
            image: &Self::image(),
            database: "todo",
            owner: "app",
            connections: 20,
        };
        self.write("postgres.toml", &format!("{}{more}\n", settings.toml()));
    }

    /// Writes the configuration with parts of it replaced.
    pub fn rewrite(&self, parts: &[(&str, &str)]) {
        self.configure("");
        for (old, new) in parts {
            self.edit(old, new);
        }
    }

    /// Replaces a part of the configuration, and returns all of it as it was.
    pub fn edit(&self, old: &str, new: &str) -> String {
        let path = self.config.path().join("test/postgres.toml");
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains(old), "{old}");
        self.write("postgres.toml", &text.replace(old, new));
        text
    }

    /// Writes a file of the environment.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let folder = self.config.path().join("test");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
        folder.join(name)
    }

    /// Has another database's configuration as an environment beside this one's.
    pub fn write_environment(&self, name: &str, other: &Self) {
        let folder = self.config.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let file = other.config.path().join("test/postgres.toml");
        std::fs::copy(file, folder.join("postgres.toml")).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pg-cluster"));
        command.args(["--env", "test", "--config"]).arg(self.config.path()).args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("run pg-cluster")
    }

    /// Runs it, insists on success and returns what it printed.
    pub fn must(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "pg-cluster {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs it and kills it after so many lines of progress. True if it was over by then.
    pub fn interrupted_after(&self, lines: usize, arguments: &[&str]) -> bool {
        let mut child =
            self.command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let seen = BufReader::new(child.stderr.take().unwrap()).lines().take(lines).count();
        if seen < lines {
            assert!(child.wait().unwrap().success(), "it failed after {seen} lines");
            return true;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        false
    }

    pub fn status(&self) -> Value {
        let output = self.run(&["status", "--output", "json"]);
        serde_json::from_slice(&output.stdout).unwrap_or_else(
            |_| json!({ "verdict": "none", "error": String::from_utf8_lossy(&output.stderr) }),
        )
    }

    pub fn until_healthy(&self) {
        self.until("a healthy status", |status| status["verdict"] == "healthy");
    }

    pub fn until(&self, what: &str, mut holds: impl FnMut(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let status = tokio::task::block_in_place(|| self.status());
            if holds(&status) {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "no {what} after {PATIENCE:?}: {status:#}");
            std::thread::sleep(BETWEEN_LOOKS);
        }
    }

    pub fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub async fn pods(&self) -> Vec<Pod> {
        let selector = format!("cluster-name={}", self.name);
        self.api::<Pod>().list(&ListParams::default().labels(&selector)).await.unwrap().items
    }

    pub async fn secret(&self, name: &str, key: &str) -> String {
        let secret = self.api::<Secret>().get(&format!("{}-{name}", self.name)).await.unwrap();
        String::from_utf8(secret.data.unwrap()[key].0.clone()).unwrap()
    }

    /// Runs a shell script in a pod.
    pub async fn shell(&self, pod: &str, script: &str) -> String {
        self.shell_in("postgres", pod, script).await
    }

    /// The same in another of its containers.
    pub async fn shell_in(&self, container: &str, pod: &str, script: &str) -> String {
        use tokio::io::AsyncReadExt;
        // What is not read would hold up the rest.
        let params = AttachParams::default().container(container).stderr(false);
        let mut process = self.api::<Pod>().exec(pod, ["sh", "-c", script], &params).await.unwrap();
        let mut output = String::new();
        process.stdout().unwrap().read_to_string(&mut output).await.unwrap();
        output
    }

    /// Sends a signal to the pod's processes of this program. Process 1, which only reaps,
    /// is spared, so that the container lives on. That there is one is checked, but for those that
    /// shall go on: by then the kubelet may have started the container anew.
    pub async fn signal(&self, pod: &str, signal: &str, program: Program) {
        let (tell, programs) = match program {
            Program::Patroni => ("readlink $at/exe", "*/python3*"),
            // The brackets, because the shell has this pattern in its own command line.
            Program::Checkpointer => ("tr '\\0' ' ' < $at/cmdline", "*check[p]ointer*"),
            Program::All => ("readlink $at/exe", "*/python3*|*/postgres"),
        };
        let script = format!(
            "for at in /proc/[0-9]*; do \
                case $at:$({tell}) in /proc/1:*) ;; {programs}) kill -{signal} ${{at#/proc/}} && found=done;; esac; \
             done; echo $found"
        );
        let found = self.shell(pod, &script).await;
        assert!(found.trim() == "done" || signal == "CONT", "{pod}: {found}");
    }

    pub async fn make_namespace(&self) {
        let namespace = Namespace {
            metadata: ObjectMeta { name: Some(self.namespace.clone()), ..ObjectMeta::default() },
            ..Namespace::default()
        };
        let api: Api<Namespace> = Api::all(self.client.clone());
        api.create(&PostParams::default(), &namespace).await.unwrap();
    }

    /// Takes everything away, which is itself a test of `destroy`.
    pub async fn end(self) {
        self.must(&["destroy", "--name", self.name, "--delete-volumes"]);
        if self.owns_namespace {
            Api::<Namespace>::all(self.client.clone())
                .delete(&self.namespace, &DeleteParams::background())
                .await
                .unwrap();
        }
    }
}
