//! An edge tier of a test's own: its namespace, its configuration, its database and its pods.

use crate::node::{Node, must, run, until};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{self, Service};
use kube::api::{DeleteParams, PostParams};
use kube::{Api, Client, Resource};
use serde_json::json;
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;
use tests::{Project, root};

pub const APP: &str = "todoozle-edge";

static NUMBER: AtomicU32 = AtomicU32::new(0);
static KEPT: Mutex<Option<Edge>> = Mutex::new(None);

pub struct Namespace {
    pub node: &'static Node,
    pub client: Client,
    pub name: String,
}

impl Namespace {
    /// A name; pg-cluster makes the namespace.
    async fn unmade(node: &'static Node) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("edge-{}-{number}", std::process::id());
        Self { node, client: node.client().await, name }
    }

    /// A namespace that takes only pods which keep to the strictest standard.
    pub async fn restricted(node: &'static Node) -> Self {
        let namespace = Self::unmade(node).await;
        let labels = ["enforce", "warn"]
            .map(|mode| (format!("pod-security.kubernetes.io/{mode}"), "restricted"));
        let labels: std::collections::BTreeMap<_, _> = labels.into();
        let object = json!({ "metadata": { "name": namespace.name, "labels": labels } });
        let object = serde_json::from_value(object).unwrap();
        namespace.all::<v1::Namespace>().create(&PostParams::default(), &object).await.unwrap();
        // Pods need it, and it comes a moment later.
        until("the default service account", async || {
            namespace.api::<v1::ServiceAccount>().get_opt("default").await.unwrap()
        })
        .await;
        namespace
    }

    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.name)
    }

    pub fn all<K: Resource<DynamicType = ()>>(&self) -> Api<K> {
        Api::all(self.client.clone())
    }

    pub async fn end(self) {
        let api = self.all::<v1::Namespace>();
        api.delete(&self.name, &DeleteParams::background()).await.unwrap();
    }
}

/// Those of the database and of the host under test.
pub fn images() -> (String, String) {
    (
        harness::database_image().unwrap(),
        harness::image("TODOOZLE_TEST_HOST_IMAGE", "runtime-host").unwrap(),
    )
}

pub struct Edge {
    pub namespace: Namespace,
    pub project: Project,
    config: TempDir,
}

impl Edge {
    /// A configuration; nothing is made yet.
    pub async fn configured(pods: u32) -> Self {
        let namespace = Namespace::unmade(Node::get()).await;
        let mut project = Project::new();
        let component = project.write("pushed.wasm", tests::wasm::todo_component());
        project.set("component.todo.source", component.to_str().unwrap());
        let edge = Self { namespace, project, config: tempfile::tempdir().unwrap() };
        edge.configure(pods, "");
        edge
    }

    /// From nothing to pods that serve the component on a database of two members.
    pub async fn deployed(pods: u32) -> Self {
        let edge = Self::configured(pods).await;
        edge.deploy("up", "all").await;
        edge
    }

    /// The same with three pods, as a test before left it, if one did: what needs the node alone holds
    /// up all others, and a tier takes a minute to come and go.
    pub async fn kept() -> Self {
        let kept = KEPT.lock().unwrap().take();
        let Some(mut edge) = kept else { return Self::deployed(3).await };
        // A client ends with the runtime that it was made on.
        edge.namespace.client = edge.namespace.node.client().await;
        edge
    }

    /// Leaves it to the next test, with its three pods.
    pub fn keep(self) {
        *KEPT.lock().unwrap() = Some(self);
    }

    /// Takes the last one away.
    pub async fn end_kept() {
        if KEPT.lock().unwrap().is_some() {
            Self::kept().await.end().await;
        }
    }

    /// Writes the configuration, with `more` values.
    pub fn configure(&self, pods: u32, more: &str) {
        let (context, namespace) = (&self.namespace.node.context, &self.namespace.name);
        let (database, host) = images();
        let (repository, tag) = host.rsplit_once(':').expect("an image with a tag");
        let settings = harness::Settings {
            name: "todoozle",
            context,
            namespace,
            image: &database,
            database: "todo",
            owner: "todo",
            connections: 80,
        };
        // A NodePort, because a load from outside reaches it on any cluster of one machine.
        let node_port = "service: {type: NodePort, externalTrafficPolicy: Cluster}";
        let service = if more.contains("service:") { "" } else { node_port };
        let values = format!(
            "
environment: test
target:
  context: {context}
  namespace: {namespace}
  app: {APP}
image:
  repository: {repository}
  tag: {tag}
replicas: {pods}
{service}
resources:
  requests:
    cpu: 20m
    memory: 64Mi
{more}
"
        );
        let folder = self.config.path().join("test");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("postgres.toml"), settings.toml()).unwrap();
        std::fs::write(folder.join("values.yaml"), values).unwrap();
    }

    /// `make deploy` or `make undeploy`, as it is typed but for the answer to its question.
    pub fn deploy_command(&self, action: &str, part: &str) -> Command {
        self.deploy_command_of("test", action, part)
    }

    /// The same for another environment.
    pub fn deploy_command_of(&self, environment: &str, action: &str, part: &str) -> Command {
        let mut command = self.namespace.node.command(root().join("scripts/deploy.sh"));
        // The minute of a version has a test of its own.
        command.args([action, environment, part]).env("YES", "1").env("WAIT", "live");
        command.env("TODOOZLE_CONFIG", self.config.path());
        command.env("MANIFEST", self.project.path("spin.toml"));
        command
    }

    /// The values of an environment of this configuration.
    pub fn values(&self, environment: &str) -> String {
        std::fs::read_to_string(self.config.path().join(environment).join("values.yaml")).unwrap()
    }

    /// Another environment, beside `test`.
    pub fn write_values(&self, environment: &str, values: &str) {
        let folder = self.config.path().join(environment);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("values.yaml"), values).unwrap();
    }

    pub fn config_folder(&self) -> &std::path::Path {
        self.config.path()
    }

    pub async fn deploy(&self, action: &str, part: &str) -> String {
        must(self.deploy_command(action, part)).await
    }

    /// `runtime-host VERB` or `pg-cluster VERB` for this environment.
    pub fn command(&self, program: &str, verb: &[&str]) -> Command {
        let mut command = self.namespace.node.command(tests::program(program));
        command.args(verb).args(["--env", "test", "--yes", "--config"]).arg(self.config.path());
        command
    }

    /// `runtime-host push` of a component.
    pub fn push_command(&self, component: &[u8]) -> Command {
        self.project.replace("pushed.wasm", component);
        let mut command = self.command("runtime-host", &["push"]);
        command.arg("--from").arg(self.project.path("spin.toml"));
        command
    }

    /// Pushes a component and waits until every pod serves it, or says why not.
    pub async fn try_push(&self, component: &[u8]) -> Output {
        let mut command = self.push_command(component);
        command.arg("--wait=live");
        run(command).await
    }

    pub async fn push(&self, component: &[u8]) {
        let output = self.try_push(component).await;
        assert!(output.status.success(), "push: {output:?}");
    }

    /// Where a load from this machine reaches the Service.
    pub async fn origin(&self) -> String {
        let service = self.namespace.api::<Service>().get(APP).await.unwrap();
        let port = service.spec.unwrap().ports.unwrap()[0].node_port.unwrap();
        let nodes = self.namespace.all::<v1::Node>().list(&kube::api::ListParams::default()).await;
        let addresses =
            nodes.unwrap().items.into_iter().flat_map(|node| {
                node.status.and_then(|status| status.addresses).into_iter().flatten()
            });
        let internal = addresses.into_iter().find(|address| address.type_ == "InternalIP");
        let host = format!("{}:{port}", internal.expect("a node with an address").address);
        // A pod is ready before kube-proxy has heard of it: until then the node refuses.
        until(&format!("{host} to take connections"), async || {
            tokio::net::TcpStream::connect(&host).await.ok()
        })
        .await;
        format!("http://{host}")
    }

    /// Takes everything away, the data as well.
    pub async fn end(self) {
        self.deploy("down", "all").await;
        self.namespace.end().await;
    }
}
