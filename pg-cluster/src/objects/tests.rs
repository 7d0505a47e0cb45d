mod addresses;
mod buckets;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn env(text: &str) -> Env {
    Env::parse(&format!("name = \"a\"\nimage = \"a:1\"\n{text}"), "dev").unwrap()
}

const OWN_ARCHIVE: &str = "backup.own = { image = \"s3:1\", storage = \"1Gi\" }";

fn found<'a>(objects: &'a [Object], kind: &str, name: &str) -> &'a Value {
    &objects
        .iter()
        .find(|object| object.resource.kind == kind && object.name == name)
        .unwrap()
        .value
}

fn patroni_yml<'a>(env: &Env, objects: &'a [Object]) -> &'a str {
    let map = found(objects, "ConfigMap", &names::patroni(env));
    map["data"]["patroni.yml"].as_str().unwrap()
}

/// Configurations that parse, over all that changes an object's shape.
fn environments() -> impl Strategy<Value = Env> {
    let name = "[a-z]([a-z0-9-]{0,38}[a-z0-9])?";
    let sync = prop::sample::select(vec!["on", "off", "quorum"]);
    let commit = prop::sample::select(vec!["on", "off", "local", "remote_write", "remote_apply"]);
    let class = prop::option::of("[a-z]{1,9}");
    (name, 0..=8, 20..600, sync, commit, any::<bool>(), class).prop_map(
        |(name, replicas, ttl, sync, commit, flag, class)| {
            let class = class.map(|class| format!("main.storage_class = \"{class}\""));
            let text = format!(
                r#"
name = "{name}"
image = "a:1"
replica.count = {replicas}
main.spread_required = {flag}
{}
roles.app.connection_limit = 3
databases.todo.owner = "app"
parameters.work_mem = "4MB"
{}
[replication]
ttl = {ttl}
synchronous_mode = "{sync}"
synchronous_commit = "{commit}"
failsafe_mode = {flag}
checksums = {flag}
"#,
                class.unwrap_or_default(),
                if flag { OWN_ARCHIVE } else { "" },
            );
            Env::parse(&text, "dev").unwrap()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn objects_follow_from_the_configuration_alone(env in environments()) {
        let (once, again) = (without_secrets(&env).unwrap(), without_secrets(&env).unwrap());
        for (one, other) in once.iter().zip(&again) {
            prop_assert_eq!(&one.value, &other.value);
        }
    }

    #[test]
    fn no_two_objects_share_a_name_and_none_is_too_long(env in environments()) {
        let objects = without_secrets(&env).unwrap();
        for (n, object) in objects.iter().enumerate() {
            // A StatefulSet adds a revision to its name, and that is a label of 63.
            prop_assert!(object.name.len() <= 52, "{}", object.name);
            let key = (&object.name, &object.resource.kind);
            prop_assert!(objects[..n].iter().all(|other| (&other.name, &other.resource.kind) != key));
        }
    }

    #[test]
    fn every_selector_finds_the_pods_and_patroni_finds_them_too(env in environments()) {
        let objects = without_secrets(&env).unwrap();
        let config: Value = serde_saphyr::from_str(patroni_yml(&env, &objects)).unwrap();
        for home in [HomeSet::Main, HomeSet::Replica] {
            let set = found(&objects, "StatefulSet", &home.name(&env));
            let pod = set["spec"]["template"]["metadata"]["labels"].as_object().unwrap();
            prop_assert_eq!(&pod[SCOPE_LABEL], &json!(&*env.name));
            let selectors = [&set["spec"]["selector"]["matchLabels"], &config["kubernetes"]["labels"]];
            for (key, value) in selectors.iter().flat_map(|selector| selector.as_object().unwrap()) {
                prop_assert_eq!(&pod[key], value);
            }
        }
    }

    #[test]
    fn pods_are_restricted_and_nobody_gets_in_without_tls_and_scram(env in environments()) {
        let objects = without_secrets(&env).unwrap();
        for name in [names::main(&env), names::replica(&env)] {
            let pod = &found(&objects, "StatefulSet", &name)["spec"]["template"]["spec"];
            let container = &pod["containers"][0]["securityContext"];
            prop_assert_eq!(&pod["securityContext"]["runAsNonRoot"], &json!(true));
            prop_assert_eq!(&container["readOnlyRootFilesystem"], &json!(true));
            prop_assert_eq!(&container["capabilities"]["drop"], &json!(["ALL"]));
        }
        for line in dynamic(&env)["postgresql"]["pg_hba"].as_array().unwrap() {
            let line = line.as_str().unwrap();
            let password = line.trim_end_matches(" clientcert=verify-ca").ends_with("scram-sha-256");
            let safe = password && !line.starts_with("host ");
            let own = line == SUPERUSERS_SOCKET; // who is in the pod already
            prop_assert!(line.ends_with("reject") || safe || own, "{}", line);
        }
    }

    #[test]
    fn patroni_reads_back_what_was_meant(env in environments()) {
        let objects = without_secrets(&env).unwrap();
        let text = patroni_yml(&env, &objects);
        let read: Value = serde_saphyr::from_str(text).unwrap();
        prop_assert_eq!(&read["bootstrap"]["dcs"], &dynamic(&env));
        prop_assert_eq!(&read["postgresql"]["authentication"]["rewind"]["sslkey"], &json!(KEY_FILE));
        // Patroni's YAML is 1.1, where a bare on or off is a boolean.
        for line in text.lines() {
            prop_assert!(!line.ends_with(": on") && !line.ends_with(": off"), "{}", line);
        }
    }
}

#[test]
fn what_the_cluster_s_rules_want_is_on_every_pod_and_takes_nothing_of_ours() {
    let rules = r#"
[pods]
image_pull_secrets = ["registry"]
priority_class = "database"
tolerations = [{ key = "dedicated", value = "db" }, { key = "gone", effect = "NoExecute", seconds = 30 }]
labels = { "example.org/team" = "todo" }
annotations = { "sidecar.istio.io/inject" = "false" }
"#;
    let plain = without_secrets(&env(OWN_ARCHIVE)).unwrap();
    let with_rules = without_secrets(&env(&format!("{OWN_ARCHIVE}{rules}"))).unwrap();
    let templates = |objects: &[Object]| -> Vec<Value> {
        let of = |object: &Object| match &*object.resource.kind {
            "StatefulSet" => Some(object.value["spec"]["template"].clone()),
            "CronJob" => Some(object.value["spec"]["jobTemplate"]["spec"]["template"].clone()),
            _ => None,
        };
        objects.iter().filter_map(of).collect()
    };
    let all = templates(&with_rules);
    assert_eq!(all.len(), 6);
    for (template, before) in all.iter().zip(templates(&plain)) {
        let (meta, spec) = (&template["metadata"], &template["spec"]);
        assert_eq!(spec["priorityClassName"], "database");
        assert_eq!(spec["imagePullSecrets"], json!([{ "name": "registry" }]));
        let tolerations = json!([
            { "key": "dedicated", "operator": "Equal", "value": "db" },
            { "key": "gone", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30 },
        ]);
        assert_eq!(spec["tolerations"], tolerations);
        assert_eq!(meta["labels"]["example.org/team"], "todo");
        assert_eq!(meta["annotations"]["sidecar.istio.io/inject"], "false");
        for (key, value) in before["metadata"]["labels"].as_object().unwrap() {
            assert_eq!(&meta["labels"][key], value);
        }
    }
}

#[test]
fn a_role_with_an_underscore_has_a_secret_that_kubernetes_takes() {
    let env = env("roles.my_app.connection_limit = 1\ndatabases.my_data.owner = \"my_app\"");
    assert_eq!(names::role_secret(&env, "my_app"), "a-role-my-app");
    assert_eq!(env.database_of("my_app").map(|name| &**name), Some("my_data"));
}

#[test]
fn a_single_member_has_no_budget_and_more_have_one() {
    assert!(
        without_secrets(&env("replica.count = 0"))
            .unwrap()
            .iter()
            .all(|object| object.resource.kind != "PodDisruptionBudget")
    );
    let budgets = |text| {
        let objects = obsolete(&env(text)).unwrap();
        objects.iter().filter(|object| object.resource.kind == "PodDisruptionBudget").count()
    };
    assert_eq!((budgets("replica.count = 0"), budgets("")), (1, 0));
    let objects = without_secrets(&env("")).unwrap();
    let budget = &found(&objects, "PodDisruptionBudget", "a")["spec"];
    assert_eq!(budget["maxUnavailable"], json!(1));
    assert_eq!(budget["unhealthyPodEvictionPolicy"], "AlwaysAllow");
}

#[test]
fn the_role_has_the_verbs_that_patroni_uses_and_no_other() {
    let objects = without_secrets(&env("")).unwrap();
    let rules = &found(&objects, "Role", "a-patroni")["rules"];
    assert_eq!(rules[0]["verbs"], json!(["get", "list", "watch"]));
    assert_eq!(rules[2]["verbs"], json!(["create", "get", "list", "watch"]));
    for (rule, own) in [(1, "a-replica-7"), (3, "a-leader")] {
        assert_eq!(rules[rule]["verbs"], json!(["patch"]));
        let names = rules[rule]["resourceNames"].as_array().unwrap();
        assert!(names.contains(&json!(own)), "{names:?}");
        assert!(names.iter().all(|name| name.as_str().unwrap().starts_with("a-")), "{names:?}");
    }
    assert_eq!(rules.as_array().unwrap().len(), 4);
    assert!(objects.iter().all(|object| !object.resource.kind.starts_with("Cluster")));
}

#[test]
fn only_secrets_hold_what_is_secret() {
    assert!(
        without_secrets(&env("roles.app.connection_limit = 1"))
            .unwrap()
            .iter()
            .all(|object| object.resource.kind != "Secret")
    );
}

#[test]
fn what_another_archive_left_is_taken_away() {
    let names = |text: &str| {
        let objects = obsolete(&env(text)).unwrap();
        objects
            .iter()
            .map(|object| format!("{} {}", object.resource.kind, object.name))
            .collect::<Vec<_>>()
    };
    assert_eq!(names(OWN_ARCHIVE), [""; 0]);
    let s3 = "backup.s3 = { bucket = \"b\", endpoint = \"s3.example.org\", region = \"r\" }";
    assert_eq!(names(s3), ["StatefulSet a-s3", "NetworkPolicy a-s3", "Service a-s3"]);
    assert!(names("").contains(&"CronJob a-drill".to_owned()));
}

#[test]
fn a_backup_has_no_rights_a_drill_may_write_its_verdict_and_no_wal_is_archived_without_it() {
    let objects = without_secrets(&env(OWN_ARCHIVE)).unwrap();
    let in_gcs = without_secrets(&env("backup.gcs.bucket = \"b\"")).unwrap();
    for (objects, name, account) in [
        (&objects, "a-backup-full", Value::Null),
        (&objects, "a-backup-diff", Value::Null),
        (&objects, "a-drill", json!("a-drill")),
        (&in_gcs, "a-backup-full", json!("a-patroni")),
        (&in_gcs, "a-drill", json!("a-drill")),
    ] {
        let pod = &found(objects, "CronJob", name)["spec"]["jobTemplate"]["spec"]["template"];
        assert_eq!(pod["spec"]["automountServiceAccountToken"], name == "a-drill");
        assert_eq!(pod["spec"]["serviceAccountName"], account);
        assert_eq!(pod["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"], true);
    }
    // A copy is known to the origin's bucket as itself.
    let origin = env("backup.gcs.bucket = \"b\"");
    let copy = Env::parse("name = \"c\"\nimage = \"postgres:1\"", "dev").unwrap();
    let of = schedule::Recovery::CopyOf { origin: &origin, secret: "key", masked: "" };
    let job = schedule::recovery(&copy, "c-clone".to_owned(), "", &of);
    let pod = job.spec.unwrap().template.spec.unwrap();
    assert_eq!(pod.service_account_name.as_deref(), Some("c-patroni"));
    let rules = &found(&objects, "Role", "a-drill")["rules"];
    assert_eq!(rules.as_array().unwrap().len(), 1);
    assert_eq!(rules[0]["resourceNames"], json!(["a-drill"]));
    assert_eq!(rules[0]["verbs"], json!(["patch"]));
    let mode = |text| dynamic(&env(text))["postgresql"]["parameters"]["archive_mode"].clone();
    assert_eq!((mode(OWN_ARCHIVE), mode("")), (json!("on"), Value::Null));
    let fetches = |text| dynamic(&env(text))["postgresql"]["recovery_conf"].is_object();
    let makes = dynamic(&env(OWN_ARCHIVE))["postgresql"]["pgbackrest"]["command"].clone();
    // Patroni takes it apart as a shell would.
    assert_eq!(makes.as_str().unwrap().matches('\'').count(), 2);
    assert!(fetches(OWN_ARCHIVE) && !fetches(""));
}

#[test]
fn a_member_runs_the_major_version_of_the_file_and_an_upgrade_knows_both() {
    let at = |text: &str| {
        let env = env(text);
        patroni_yml(&env, &without_secrets(&env).unwrap()).to_owned()
    };
    assert_eq!((major(&at("")), major(&at("major = 18"))), (Some(17), Some(18)));
    assert_eq!(major("bin_dir: /usr/bin"), None);
    // 18 makes checksums unless it is told not to, and 17 knows no such word.
    let none = |text: &str| at(&format!("{text}\nreplication.checksums = false"));
    assert!(!none("").contains("data-checksums"));
    assert!(none("major = 18").contains("no-data-checksums"));
    let job = serde_json::to_value(upgrade::job(&env("major = 18"), 17, "a-upgrade".to_owned()));
    let pod = &job.unwrap()["spec"]["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["volumes"][0]["persistentVolumeClaim"]["claimName"], "data-a-main-0");
    let given = pod["containers"][0]["env"].as_array().unwrap();
    for (name, value) in [("FROM", "17"), ("TO", "18"), ("MODE", "upgrade")] {
        assert!(given.contains(&json!({ "name": name, "value": value })), "{given:?}");
    }
}
