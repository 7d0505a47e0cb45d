//! `status` in states that pass too quickly to be met, held still by stopping Patroni.

use k8s_openapi::api::core::v1::{ConfigMap, Node};
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::{
    acts::member,
    fixture::{Database, Program},
};

/// Nobody takes the lock away while a state is looked at.
const PATIENT: &str = "replication.ttl = 120";

fn status(database: &Database) -> Value {
    tokio::task::block_in_place(|| database.status())
}

/// By the names of its metrics, in the folder `monitoring`.
async fn what_alerts_and_dashboards_ask_of_patroni_is_told(database: &Database) {
    let read = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8008/metrics').read().decode())";
    let metrics = database.shell("true-replica-0", &format!("python3 -c \"{read}\"")).await;
    let told = |name: &str| metrics.lines().any(|line| line.starts_with(&format!("{name}{{")));
    assert!(told("patroni_primary"), "{metrics}");
    let asked = [
        include_str!("../../../monitoring/alerts.yaml"),
        include_str!("../../../monitoring/database.json"),
    ];
    let words =
        asked.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric() && c != '_'));
    let unknown: Vec<_> =
        words.filter(|word| word.starts_with("patroni_") && !told(word)).collect();
    assert!(unknown.is_empty(), "{unknown:?} are not in\n{metrics}");
}

fn says(status: &Value, words: &str) -> bool {
    status["advice"].as_array().unwrap().iter().any(|line| line.as_str().unwrap().contains(words))
}

pub async fn status_tells_what_is_wrong_while_it_is() {
    let database = Database::new("true").await;
    database.configure(PATIENT);
    database.must(&["init"]);
    let nodes = kube::Api::<Node>::all(database.client.clone());
    let nodes = nodes.list(&ListParams::default()).await.unwrap().items.len();
    assert_eq!(says(&status(&database), "there is no other"), nodes == 1);

    what_alerts_and_dashboards_ask_of_patroni_is_told(&database).await;

    // Patroni agreed on no standby that may be promoted, as in the seconds after a crash.
    database.signal("true-main-0", "STOP", Program::Patroni).await;
    let nobody = Patch::Merge(json!({ "metadata": { "annotations": { "sync_standby": "" } } }));
    let maps = database.api::<ConfigMap>();
    maps.patch("true-sync", &PatchParams::default(), &nobody).await.unwrap();
    let now = status(&database);
    assert_eq!(now["verdict"], "unprotected", "{now:#}");
    let replica = member(&now, "true-replica-0");
    assert_eq!((&replica["state"], &replica["sync"]), (&json!("streaming"), &json!("sync")));
    database.signal("true-main-0", "CONT", Program::Patroni).await;
    database.until_healthy();

    // PostgreSQL is dead, and Patroni has not noticed.
    database.signal("true-main-0", "STOP", Program::Patroni).await;
    database.shell("true-main-0", "kill -9 $(head -n 1 $PGDATA/postmaster.pid)").await;
    let now = status(&database);
    assert_eq!((&now["verdict"], &now["primary"]), (&json!("no_primary"), &Value::Null), "{now:#}");
    assert!(says(&now, "true-main-0 holds the leader's lock"), "{now:#}");
    database.signal("true-main-0", "CONT", Program::Patroni).await;
    database.until_healthy();

    // The only replica stands still.
    let primary = database.status()["primary"].as_str().unwrap().to_owned();
    let replica = if primary == "true-main-0" { "true-replica-0" } else { "true-main-0" };
    database.signal(replica, "STOP", Program::All).await;
    let now = status(&database);
    assert_eq!((&now["verdict"], &now["primary"]), (&json!("unprotected"), &json!(primary)));
    assert_eq!(member(&now, replica)["state"], "no answer");
    database.signal(replica, "CONT", Program::All).await;
    database.until_healthy();
    database.end().await;
}

pub async fn a_cluster_whose_commits_do_not_wait_is_unprotected() {
    let database = Database::new("hasty").await;
    database.configure("replication.synchronous_commit = \"off\"");
    let output = database.run(&["init"]);
    let warning = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && warning.contains("may be lost"), "{warning}");
    let now = database.until("the setting", |status| status["synchronous_commit"] == "off");
    assert_eq!(now["verdict"], "unprotected", "{now:#}");
    assert!(says(&now, "synchronous_commit is off"), "{now:#}");

    // A misspelt parameter is one that PostgreSQL runs without, and a value that it refuses ends its next start.
    database.configure(
        "parameters.work_memm = \"4MB\"\nparameters.timezone = \"Europe/Berlim\"\nreplication.checksums = false\nroles.my_app.connection_limit = 3\ndatabases.my_data = { owner = \"my_app\", extensions = [\"pg_trgm\"] }",
    );
    database.must(&["init"]);
    let now = database.until("two parameters left out", |status| {
        says(status, "work_memm") && says(status, "would not start again with")
    });
    assert_eq!(now["verdict"], "degraded", "{now:#}");
    assert!(says(&now, "write replication.checksums = true"), "{now:#}");
    let query =
        ["psql", "--role", "my_app", "--database", "my_data", "--", "-XAtc", "select current_user"];
    assert_eq!(database.must(&query).trim(), "my_app");
    database.configure("");
    database.must(&["init"]);
    database.until_healthy();

    // A role that gives up the promise for itself is seen.
    let own = |sql: &str| database.must(&["psql", "--", "-XAtc", sql]);
    own("alter role app set synchronous_commit = 'False'");
    let now = database.until("a hasty role", |status| status["verdict"] == "unprotected");
    assert!(says(&now, "app gave up the promise"), "{now:#}");
    own("alter role app reset synchronous_commit");
    database.until_healthy();
    database.end().await;
}
