//! `make deploy ENV=staging`, as a cloud gets it: its own settings, and secrets that are encrypted.

use crate::edge::{APP, Edge, images};
use crate::load::Load;
use crate::node::{must, tool};
use k8s_openapi::api::core::v1::{Secret, Service};
use std::path::PathBuf;
use std::process::Command;
use tests::root;

/// The environment's settings, but for what only a cloud has: its context, its images, the
/// machines' size, and KMS, in whose place there is age.
struct Staging<'a> {
    edge: &'a Edge,
    folder: PathBuf,
    /// Of age.
    key: PathBuf,
    recipient: String,
}

impl<'a> Staging<'a> {
    fn of(edge: &'a Edge) -> Self {
        let folder = edge.config_folder().join("staging");
        std::fs::create_dir_all(&folder).unwrap();
        let key = edge.config_folder().join("age.txt");
        let made = Command::new(tool("age-keygen")).arg("-o").arg(&key).output().unwrap();
        let recipient = String::from_utf8(made.stderr).unwrap();
        let recipient = recipient.trim().rsplit(' ').next().unwrap().to_owned();
        assert!(recipient.starts_with("age1"), "age-keygen names the public key");
        let staging = Self { edge, folder, key, recipient };

        let (context, namespace) = (&edge.namespace.node.context, &edge.namespace.name);
        let (database, host) = images();
        let (repository, tag) = host.rsplit_once(':').expect("an image with a tag");
        let place = format!("context = \"{context}\"\nnamespace = \"{namespace}\"");
        staging.take(
            "postgres.toml",
            &[
                ("namespace = \"todoozle\"", &place),
                ("ghcr.io/todoozle/postgres:17", &database),
                (
                    "requests = { cpu = \"500m\", memory = \"1Gi\" }",
                    "requests = { cpu = \"20m\", memory = \"128Mi\" }",
                ),
                ("spread_required = true", "spread_required = false"),
            ],
        );
        let pods = format!(
            "replicas: 3
image: {{repository: {repository}, tag: {tag}}}
resources: {{requests: {{cpu: 20m, memory: 64Mi}}}}"
        );
        staging.take(
            "values.yaml",
            &[
                ("context: staging", &format!("context: {context}")),
                ("namespace: todoozle", &format!("namespace: {namespace}")),
                ("replicas: 3", &pods),
            ],
        );
        staging
    }

    /// Takes a file of the environment over, with other words in places.
    fn take(&self, file: &str, changes: &[(&str, &str)]) {
        let mut text = std::fs::read_to_string(root().join("config/staging").join(file)).unwrap();
        for (old, new) in changes {
            assert!(text.contains(old), "{file} has {old}");
            text = text.replace(old, new);
        }
        std::fs::write(self.folder.join(file), text).unwrap();
    }

    /// Writes `secrets.yaml`, encrypted.
    async fn seal(&self, password: &str) {
        let file = self.folder.join("secrets.yaml");
        std::fs::write(&file, format!("roles:\n  todo: {password}\n")).unwrap();
        let mut sops = Command::new(tool("sops"));
        sops.args(["--disable-version-check", "encrypt", "--in-place", "--age", &self.recipient]);
        // Not where the project's .sops.yaml is: that has no rule for this file.
        sops.arg(&file).current_dir(&self.folder);
        must(sops).await;
        assert!(!std::fs::read_to_string(file).unwrap().contains(password));
    }

    async fn deploy(&self) -> String {
        let mut command = self.edge.deploy_command_of("staging", "up", "all");
        command.env("SOPS_AGE_KEY_FILE", &self.key);
        must(command).await
    }

    async fn password(&self) -> String {
        let secret = self.edge.namespace.api::<Secret>().get("todoozle-role-todo").await.unwrap();
        String::from_utf8(secret.data.unwrap()["password"].0.clone()).unwrap()
    }
}

pub async fn staging_goes_from_nothing_to_a_page_and_takes_a_new_password_under_load() {
    let edge = Edge::configured(0).await;
    let staging = Staging::of(&edge);
    staging.seal("first-password-0").await;
    staging.deploy().await;
    let pods = edge.lives().await;
    assert_eq!(pods.len(), 3);
    assert_eq!(staging.password().await, "first-password-0");
    let service = edge.namespace.api::<Service>().get(APP).await.unwrap().spec.unwrap();
    assert_eq!(service.type_.as_deref(), Some("LoadBalancer"));
    assert_eq!(service.load_balancer_source_ranges.unwrap(), ["203.0.113.0/24"]);

    let shown = staging.deploy().await;
    assert_eq!(shown.matches("nothing would change").count(), 2, "{shown}"); // database and edge
    assert_eq!(edge.lives().await, pods, "nothing changed, and yet a pod did");

    let mut load = Load::start(&edge.origin().await);
    load.goes_on_for(3).await;
    staging.seal("other-password-0").await;
    let shown = staging.deploy().await;
    assert!(shown.contains("data.password: changes"), "{shown}");
    load.goes_on_for(3).await;
    edge.all_succeeded(&load.end().await).await;
    assert_eq!(staging.password().await, "other-password-0");
    edge.settles(3).await;
    let rolled = edge.lives().await;
    assert!(rolled.len() == 3 && rolled.iter().all(|pod| !pods.contains(pod)), "{rolled:?}");
    edge.end().await;
}
