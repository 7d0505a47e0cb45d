//! The sidecar that tells Prometheus what PostgreSQL says of itself. It runs as a user of its own, whom PostgreSQL's socket
//! lets in as a role of the same name and as nobody else: so it has no password, and no way to the superuser.

use k8s_openapi::{
    api::core::v1::{Container, EnvVar, ResourceRequirements, SecurityContext},
    apimachinery::pkg::api::resource::Quantity,
};

use super::{
    parts::{mount, port, read, requests, security, shell},
    paths::SOCKET_DIR,
};
use crate::env::Env;

pub const PORT: i32 = 9187;
/// A name that no role of the configuration can have.
pub const ROLE: &str = "pg-exporter";
/// The line of `pg_hba.conf` that lets it in.
pub const SOCKET: &str = "local postgres pg-exporter peer";
/// The volume for the file that it reads its queries from.
pub const SCRATCH: &str = "exporter";

/// The user of that name in the image.
const UID: i64 = 10_002;
/// Kubernetes would put the token of the members' account there, which is none of its business.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

pub fn container(env: &Env) -> Container {
    // What waits for a lock, or for a server that stands still, must not pile up.
    let source = format!(
        "host={SOCKET_DIR} user={ROLE} dbname=postgres sslmode=disable connect_timeout=5 statement_timeout=5000"
    );
    let limits = [("memory".to_owned(), Quantity("128Mi".to_owned()))].into();
    Container {
        name: "exporter".to_owned(),
        image: Some(env.image.to_string()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        command: Some(shell(include_str!("exporter.sh"))),
        env: Some(vec![EnvVar {
            name: "DATA_SOURCE_NAME".to_owned(),
            value: Some(source),
            ..EnvVar::default()
        }]),
        ports: Some(vec![port("metrics", PORT)]),
        resources: Some(ResourceRequirements { limits: Some(limits), ..requests("10m", "32Mi") }),
        security_context: Some(SecurityContext {
            run_as_user: Some(UID),
            run_as_group: Some(UID),
            ..security()
        }),
        volume_mounts: Some(vec![
            read("run", SOCKET_DIR),
            mount(SCRATCH, "/tmp"),
            read(SCRATCH, TOKEN),
        ]),
        ..Container::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{
        env::Env,
        objects::{HomeSet, dynamic, fixed_digest, set, without_secrets},
    };

    const ON: &str = "monitors = [\"monitoring\"]\nexporter = true";

    fn env(more: &str) -> Env {
        Env::parse(&format!("name = \"a\"\nimage = \"a:1\"\n{more}"), "dev").unwrap()
    }

    fn pod(env: &Env, home: HomeSet) -> Value {
        set(env, home).unwrap().value["spec"]["template"].clone()
    }

    fn policy(env: &Env) -> Vec<Value> {
        let objects = without_secrets(env).unwrap();
        let policy = objects.into_iter().find(|object| object.resource.kind == "NetworkPolicy");
        policy.unwrap().value["spec"]["ingress"].as_array().unwrap().clone()
    }

    fn lines(env: &Env) -> Vec<Value> {
        dynamic(env)["postgresql"]["pg_hba"].as_array().unwrap().clone()
    }

    #[test]
    fn it_stands_beside_each_member_and_changes_nothing_else_of_it() {
        let (off, on) = (env("monitors = [\"monitoring\"]"), env(ON));
        for home in [HomeSet::Main, HomeSet::Replica] {
            let (without, mut with) = (pod(&off, home), pod(&on, home));
            let containers = with["spec"]["containers"].as_array_mut().unwrap();
            let sidecar = containers.pop().unwrap();
            assert_eq!((&sidecar["name"], containers.len()), (&json!("exporter"), 1));
            let volume = with["spec"]["volumes"].as_array_mut().unwrap().pop().unwrap();
            assert_eq!(volume, json!({ "name": "exporter", "emptyDir": {} }));
            assert_eq!(with, without);
            assert_eq!(
                with["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"],
                "postgres"
            );
        }
        assert_eq!(fixed_digest(&off), fixed_digest(&on));
    }

    #[test]
    fn it_has_neither_a_password_nor_a_token_nor_the_data() {
        let pod = pod(&env(ON), HomeSet::Main);
        let sidecar = &pod["spec"]["containers"][1];
        let given = sidecar["env"].as_array().unwrap();
        assert_eq!(given.len(), 1, "{given:?}");
        assert!(!given[0].to_string().contains("assword") && given[0]["valueFrom"].is_null());
        let mounts = sidecar["volumeMounts"].as_array().unwrap();
        let at = |path: &str| mounts.iter().find(|it| it["mountPath"] == path).unwrap();
        assert_eq!(at("/run/postgresql")["readOnly"], true);
        assert_eq!(at("/var/run/secrets/kubernetes.io/serviceaccount")["name"], "exporter");
        let volumes: Vec<_> = mounts.iter().map(|mount| mount["name"].as_str().unwrap()).collect();
        assert_eq!(volumes, ["run", "exporter", "exporter"]);
        let security = &sidecar["securityContext"];
        assert_ne!(security["runAsUser"], pod["spec"]["securityContext"]["runAsUser"]);
        assert_eq!(security["readOnlyRootFilesystem"], true);
        assert_eq!(security["allowPrivilegeEscalation"], false);
        assert_eq!(security["capabilities"]["drop"], json!(["ALL"]));
        assert_eq!(sidecar["resources"]["limits"]["memory"], "128Mi");
    }

    #[test]
    fn those_who_monitor_may_ask_it_and_the_socket_lets_it_in() {
        let (off, on) = (env("monitors = [\"monitoring\"]"), env(ON));
        let mut rules = policy(&on);
        let rule = rules.pop().unwrap();
        assert_eq!(rules, policy(&off));
        assert_eq!(rule["ports"][0]["port"], 9187);
        let from = &rule["from"][0]["namespaceSelector"]["matchLabels"];
        assert_eq!(from["kubernetes.io/metadata.name"], "monitoring");
        assert_eq!(rule["from"].as_array().unwrap().len(), 1);
        let mut open = lines(&on);
        // Before the line for everybody else, which wants a password.
        assert_eq!(open.remove(1), "local postgres pg-exporter peer");
        assert_eq!(open, lines(&off));
    }
}
