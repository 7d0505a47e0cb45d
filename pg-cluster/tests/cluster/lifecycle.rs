use std::{collections::BTreeMap, process::Stdio, time::Duration};

use k8s_openapi::api::{
    apps::v1::StatefulSet,
    coordination::v1::Lease,
    core::v1::{ConfigMap, PersistentVolumeClaim, Pod, ResourceQuota, Secret, Service},
    networking::v1::NetworkPolicy,
    policy::v1::PodDisruptionBudget,
    rbac::v1::{Role, RoleBinding},
};
use kube::{
    ResourceExt,
    api::{ListParams, LogParams, PostParams},
};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{archive, fixture::Database, writer};

/// The version of each object that pg-cluster made, and of Patroni's configuration.
async fn versions(database: &Database) -> BTreeMap<String, Option<String>> {
    let mut all = BTreeMap::new();
    macro_rules! look_at {
        ($($kind:ty),*) => {$(
            let ours = ListParams::default().labels("app.kubernetes.io/managed-by=pg-cluster");
            for object in database.api::<$kind>().list(&ours).await.unwrap() {
                let name = format!("{} {}", stringify!($kind), object.name_any());
                all.insert(name, object.resource_version());
            }
        )*};
    }
    look_at!(
        ConfigMap,
        NetworkPolicy,
        PodDisruptionBudget,
        Role,
        RoleBinding,
        Secret,
        Service,
        StatefulSet
    );
    let dynamic =
        database.api::<ConfigMap>().get(&format!("{}-config", database.name)).await.unwrap();
    all.insert("Patroni's configuration".to_owned(), dynamic.resource_version());
    all
}

async fn volumes(database: &Database) -> usize {
    let selector = format!("app.kubernetes.io/instance={}", database.name);
    database
        .api::<PersistentVolumeClaim>()
        .list(&ListParams::default().labels(&selector))
        .await
        .unwrap()
        .items
        .len()
}

pub async fn init_goes_from_nothing_to_streaming_and_a_second_one_changes_nothing() {
    let database = Database::new("once").await;
    let output = nobody_comes_between(&database).await;
    assert!(output.contains("once-primary") && output.contains("Next: pg-cluster"), "{output}");
    let status = database.status();
    assert_eq!(status["verdict"], "healthy", "{status:#}");
    assert_eq!(status["primary"], "once-main-0");
    let replica = &status["members"][1];
    assert_eq!(
        (&replica["state"], &replica["slot"], &replica["sync"]),
        (&"streaming".into(), &"once_replica_0".into(), &"sync".into())
    );

    let before = versions(&database).await;
    database.must(&["init"]);
    assert_eq!(versions(&database).await, before);
    assert_eq!(database.must(&["diff"]).trim(), "nothing would change");
    database.end().await;
}

/// While one verb works, another refuses.
async fn nobody_comes_between(database: &Database) -> String {
    let mut init = database.command(&["init"]);
    let init = init.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let leases = database.api::<Lease>();
    let held = || async { leases.get_opt("once-verb").await.unwrap().is_some() };
    while !held().await {
        sleep(Duration::from_millis(100)).await;
    }
    let other = database.run(&["destroy", "--yes"]);
    let said = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(!other.status.success() && said.contains("init on "), "{said}");
    let output = init.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!held().await);
    String::from_utf8(output.stdout).unwrap()
}

pub async fn the_api_server_takes_every_object_in_a_dry_run() {
    let database = Database::new("dry").await;
    database.configure(
        r#"
roles.my_app.connection_limit = 1
[pods]
image_pull_secrets = ["registry"]
priority_class = "system-node-critical"
tolerations = [{ key = "dedicated", value = "db" }, { key = "gone", effect = "NoExecute", seconds = 30 }]
labels = { "example.org/team" = "todo" }
annotations = { "sidecar.istio.io/inject" = "false" }
"#,
    );
    database.make_namespace().await;
    let output = database.must(&["init", "--dry-run"]);
    assert!(
        output.contains("StatefulSet dry-main new")
            && output.contains("Role dry-patroni new")
            && output.contains("Secret dry-role-my-app new"),
        "{output}"
    );
    assert!(database.pods().await.is_empty());
    database.end().await;
}

pub async fn a_quota_that_allows_no_pod_is_named() {
    let database = Database::new("poor").await;
    database.make_namespace().await;
    let none = json!({
        "metadata": { "name": "none" },
        "spec": { "hard": { "count/pods": "0" } },
        "status": { "hard": { "count/pods": "0" }, "used": { "count/pods": "0" } },
    });
    let none: ResourceQuota = serde_json::from_value(none).unwrap();
    database.api().create(&PostParams::default(), &none).await.unwrap();
    let output = database.run(&["init", "--timeout", "5"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("poor-main: ") && said.contains("exceeded quota: none"), "{said}");
    let status = database.run(&["status"]);
    let said = String::from_utf8_lossy(&status.stdout);
    assert_eq!(status.status.code(), Some(5), "{said}");
    assert!(said.contains("exceeded quota: none") && said.contains("raise the quota"), "{said}");
    database.end().await;
}

pub async fn init_may_be_interrupted_after_every_step() {
    let database = Database::new("often").await;
    let mut lines = 1;
    while !database.interrupted_after(lines, &["init"]) {
        lines += 1;
    }
    assert!(lines > 15, "it said only {lines} lines");
    assert_eq!(database.status()["verdict"], "healthy");
    database.end().await;
}

pub async fn two_clusters_live_side_by_side_in_one_namespace() {
    let left = Database::new("left").await;
    let right = left.beside("right").await;
    left.must(&["init"]);
    right.must(&["init"]);
    left.until_healthy();
    assert_ne!(
        left.secret("credentials", "superuser").await,
        right.secret("credentials", "superuser").await
    );
    right.end().await;
    assert_eq!(left.status()["verdict"], "healthy");
    left.end().await;
}

pub async fn a_destroyed_cluster_comes_back_under_its_name_with_its_data_or_without() {
    let database = Database::new("again").await;
    database.must(&["init"]);
    writer::superuser(&database)
        .await
        .batch_execute("create table kept (n int); insert into kept values (42)")
        .await
        .unwrap();

    database.must(&["destroy", "--yes"]);
    assert_eq!((database.pods().await.len(), volumes(&database).await), (0, 2));
    let wrong = database.run(&["destroy", "--name", "other", "--delete-volumes"]);
    assert!(!wrong.status.success() && volumes(&database).await == 2);

    database.must(&["init"]);
    let row =
        writer::superuser(&database).await.query_one("select n from kept", &[]).await.unwrap();
    assert_eq!(row.get::<_, i32>(0), 42);

    database.must(&["destroy", "--name", "again", "--delete-volumes"]);
    database.must(&["init"]);
    let error =
        writer::superuser(&database).await.query_one("select n from kept", &[]).await.unwrap_err();
    assert!(error.as_db_error().unwrap().message().contains("does not exist"));
    database.end().await;
}

pub async fn the_replicas_scale_to_two_and_back() {
    let database = Database::new("scaled").await;
    database.configure(&archive::own());
    database.must(&["init"]);
    database.until_healthy();
    database.must(&["scale", "2"]);
    database.configure(&format!("replica.count = 2\n{}", archive::own()));
    // The first one came before there was a backup.
    let of = LogParams { container: Some("postgres".to_owned()), ..LogParams::default() };
    let log = async |pod| database.api::<Pod>().logs(pod, &of).await.unwrap();
    assert!(log("scaled-replica-0").await.contains("replica has been created using basebackup"));
    let log = log("scaled-replica-1").await;
    assert!(log.contains("replica has been created using pgbackrest"), "{log}");
    let healthy = |status: &Value, members: usize| {
        status["verdict"] == "healthy"
            && status["members"].as_array().is_some_and(|all| all.len() == members)
    };
    database.until("three members, healthy", |status| healthy(status, 3));
    assert!(database.secret("role-app", "uri").await.contains("scaled-replica-1."));

    database.must(&["scale", "1"]);
    database.configure(&archive::own());
    database.until("two members, healthy", |status| healthy(status, 2));
    database.end().await;
}

pub async fn volumes_grow_and_no_member_restarts_for_it() {
    let database = Database::new("grown").await;
    let larger = || database.rewrite(&[("main.storage = \"1Gi\"", "main.storage = \"2Gi\"")]);
    database.must(&["init"]);
    let lives = |pods: Vec<Pod>| pods.into_iter().map(|pod| pod.metadata.uid).collect::<Vec<_>>();
    let before = lives(database.pods().await);

    larger();
    assert!(database.must(&["diff"]).contains("is made anew around its pods, with volumes of 2Gi"));
    database.must(&["init"]);
    let size = async |name: &str| {
        let claim = database.api::<PersistentVolumeClaim>().get(name).await.unwrap();
        claim.spec.unwrap().resources.unwrap().requests.unwrap()["storage"].0.clone()
    };
    assert_eq!(size("data-grown-main-0").await, "2Gi");
    assert_eq!(size("data-grown-replica-0").await, "1Gi");
    assert_eq!(lives(database.pods().await), before, "a member restarted");
    assert_eq!(database.must(&["diff"]).trim(), "nothing would change");
    database.until_healthy();

    database.configure("");
    let refused = database.run(&["init"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("volumes do not shrink"), "{said}");
    larger();
    database.end().await;
}
