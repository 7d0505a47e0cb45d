//! The chart before anything runs: what it refuses, and that the API server takes the rest.

use crate::edge::Namespace;
use crate::node::{Node, must, run, tool};
use std::process::Command;
use tests::root;

const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "prod"];

/// `helm VERB … helm/todoozle` with an environment's values.
fn helm(verb: &[&str], environment: &str) -> Command {
    let mut command = Command::new(tool("helm"));
    let values = format!("config/{environment}/values.yaml");
    command.current_dir(root()).args(verb).arg("helm/todoozle").args(["--values", &values]);
    command.args(["--set-file", "manifest=spin.toml"]);
    command
}

fn template(environment: &str, more: &[&str]) -> Command {
    let mut command = helm(&["template", "todoozle-edge"], environment);
    command.args(more);
    command
}

/// What the chart makes of these values, which has to be an error.
async fn refused(environment: &str, more: &[&str]) -> String {
    let output = run(template(environment, more)).await;
    assert!(!output.status.success(), "{more:?} is accepted");
    String::from_utf8(output.stderr).unwrap()
}

pub async fn helm_lints_the_values_of_every_environment() {
    for environment in ENVIRONMENTS {
        must(helm(&["lint", "--strict"], environment)).await;
    }
}

pub async fn values_that_are_wrong_are_refused_by_their_name() {
    for (values, why) in [
        ("replica=2", "additional properties 'replica'"),
        ("image.tga=1", "additional properties 'tga'"),
        ("replicas=0", "/replicas"),
        ("replicas=two", "/replicas"),
        ("image.tag=latest", "/image/tag"),
        ("image.digest=sha256:12", "/image/digest"),
        ("service.type=LoadBalancer", "/service/loadBalancerSourceRanges"),
        ("service.type=Loadbalancer", "/service/type"),
        ("service.loadBalancerSourceRanges={10.0.0.0}", "/service/loadBalancerSourceRanges/0"),
        ("ingress.enabled=true", "/ingress/host"),
        ("target.app=Edge", "/target/app"),
        ("log.format=xml", "/log/format"),
        ("arguments={serve}", "/arguments/0"),
        ("variables.Public=x", "additional properties 'Public'"),
        ("variables.database_url=postgres://x", "database.secret"),
        ("secretVariables.api_key.secret=partner", "/secretVariables/api_key"),
        (
            "secretVariables.database_url.secret=a,secretVariables.database_url.key=b",
            "database.secret",
        ),
        ("address=::", "/address"),
        ("target.app=other", "use one name"),
        ("replicas=12", "13 pods with 8 connections each are 104"),
        ("autoscaling.enabled=true,autoscaling.minReplicas=9", "more than maxReplicas"),
    ] {
        let said = refused("dev", &["--set", values]).await;
        assert!(said.contains(why), "{values}: {said}");
    }
}

pub async fn without_the_text_of_a_manifest_there_is_nothing_to_serve() {
    for manifest in ["manifest=helm/todoozle/Chart.yaml", "manifest=/dev/null"] {
        let said = refused("dev", &["--set-file", manifest]).await;
        assert!(said.contains("--set-file manifest=spin.toml"), "{said}");
    }
}

pub async fn outside_dev_somebody_has_to_be_named_to_be_let_in() {
    for environment in ["staging", "prod"] {
        let empty = ["--set", "service.loadBalancerSourceRanges=null"];
        let said = refused(environment, &empty).await;
        assert!(said.contains("/service"), "{said}");
        let said =
            refused(environment, &["--set-json", "service.loadBalancerSourceRanges=[]"]).await;
        assert!(said.contains("/service/loadBalancerSourceRanges"), "{said}");
    }
}

pub async fn a_secret_of_the_component_stands_in_no_deployment() {
    let set = "secretVariables.api_key.secret=partner,secretVariables.api_key.key=api-key";
    let show = ["--show-only", "templates/deployment.yaml", "--set", set];
    let deployment = must(template("dev", &show)).await;
    let reference = "- name: SPIN_VARIABLE_API_KEY\n              valueFrom:\n                \
        secretKeyRef:\n                  name: partner\n                  key: api-key\n";
    assert!(deployment.contains(reference), "{deployment}");

    let folder = tempfile::tempdir().unwrap();
    let manifest = std::fs::read_to_string(root().join("spin.toml")).unwrap();
    let secret = "[variables]\napi_key = { required = true, secret = true }";
    let manifest = manifest.replace("[variables]", secret);
    let path = folder.path().join("spin.toml");
    std::fs::write(&path, manifest).unwrap();
    let manifest = format!("manifest={}", path.display());
    let arguments = ["--set-file", &manifest, "--set", "variables.api_key=x"];
    let said = refused("dev", &arguments).await;
    assert!(said.contains("secretVariables"), "{said}");
}

pub async fn pods_listen_where_the_clusters_addresses_are() {
    let show = ["--show-only", "templates/deployment.yaml", "--set", "address=[::]"];
    let deployment = must(template("dev", &show)).await;
    for flag in ["--listen=[::]:8080", "--admin=[::]:9090"] {
        assert!(deployment.contains(flag), "{deployment}");
    }
}

pub async fn pods_reach_one_cluster_and_no_other_of_its_kind() {
    let template_of = async |set: &str| {
        let show = ["--show-only", "templates/network.yaml", "--set", set];
        must(template("dev", &show)).await
    };
    let own = "- podSelector:\n            matchLabels:\n              \
        app.kubernetes.io/name: postgres\n              app.kubernetes.io/instance: orders\n";
    let here = template_of("database.cluster=orders").await;
    assert!(here.contains(own) && !here.contains("metadata.name: data"), "{here}");
    let elsewhere = format!(
        "{own}          namespaceSelector:\n            matchLabels:\n              \
         kubernetes.io/metadata.name: data\n"
    );
    let there = template_of("database.cluster=orders,database.namespace=data").await;
    assert!(there.contains(&elsewhere), "{there}");
}

pub async fn another_manifest_rolls_the_pods_and_the_same_one_does_not() {
    let show = ["--show-only", "templates/deployment.yaml"];
    let before = must(template("dev", &show)).await;
    assert_eq!(before, must(template("dev", &show)).await);

    let folder = tempfile::tempdir().unwrap();
    let manifest = std::fs::read_to_string(root().join("spin.toml")).unwrap();
    let other = folder.path().join("spin.toml");
    std::fs::write(&other, manifest + "# another\n").unwrap();
    let set = format!("manifest={}", other.display());
    let after = must(template("dev", &[show[0], show[1], "--set-file", &set])).await;
    let differing = before.lines().zip(after.lines()).filter(|(before, after)| before != after);
    let differing: Vec<_> = differing.map(|(_, after)| after.trim()).collect();
    assert!(
        matches!(differing[..], [name] if name.starts_with("name: todoozle-edge-manifest-")),
        "{differing:?}"
    );
}

pub async fn the_api_server_takes_every_object_of_every_environment_without_a_warning() {
    let node = Node::get();
    let namespace = Namespace::restricted(node).await;
    let folder = tempfile::tempdir().unwrap();
    for environment in ENVIRONMENTS {
        let extra =
            ["--namespace", &namespace.name, "--set", "ingress.enabled=true,ingress.host=a.test"];
        let file = folder.path().join(environment);
        std::fs::write(&file, must(template(environment, &extra)).await).unwrap();
        let mut apply = node.kubectl(&namespace.name);
        apply.args(["apply", "--server-side", "--dry-run=server", "--filename"]).arg(&file);
        let output = run(apply).await;
        // PodSecurity and what is out of date show as warnings.
        assert!(output.status.success() && output.stderr.is_empty(), "{environment}: {output:?}");
        let applied = String::from_utf8(output.stdout).unwrap();
        for kind in ["deployment", "service/", "ingress", "networkpolicy", "role.", "cronjob"] {
            assert!(applied.contains(kind), "no {kind} in {applied}");
        }
        assert_eq!(applied.contains("autoscaler"), environment == "prod");
        assert_eq!(applied.contains("disruptionbudget"), environment != "dev");
    }
    namespace.end().await;
}
