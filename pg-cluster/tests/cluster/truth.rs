//! `status` in states that pass too quickly to be met, held still by stopping Patroni.

use k8s_openapi::api::core::v1::{ConfigMap, Node, Pod};
use kube::api::{AttachParams, ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::{
    fixture::{Database, Program},
    watch::{amiss, member, says},
};

/// Nobody takes the lock away while a state is looked at.
const PATIENT: &str = "replication.ttl = 120\nmonitors = [\"monitoring\"]\nexporter = true";

fn status(database: &Database) -> Value {
    tokio::task::block_in_place(|| database.status())
}

/// What a member's port tells Prometheus.
async fn metrics(database: &Database, member: &str, url: &str) -> String {
    let read = "import ssl, urllib.request as r; print(r.urlopen('{url}', context=ssl._create_unverified_context()).read().decode())";
    let read = read.replace("{url}", url);
    database.shell(member, &format!("python3 -c \"{read}\"")).await
}

/// Those of a prefix that the folder `monitoring` asks for, and that are not told.
fn untold<'a>(prefix: &str, metrics: &str) -> Vec<&'a str> {
    let told = |name: &str| {
        let rest =
            |line: &str| line.strip_prefix(name).is_some_and(|it| it.starts_with(['{', ' ']));
        metrics.lines().any(rest)
    };
    let asked = [
        include_str!("../../../monitoring/alerts.yaml"),
        include_str!("../../../monitoring/database.json"),
    ];
    let words =
        asked.into_iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric() && c != '_'));
    words.filter(|word| word.starts_with(prefix) && !told(word)).collect()
}

async fn what_alerts_and_dashboards_ask_of_a_member_is_told(database: &Database) {
    let told = metrics(database, "true-replica-0", "https://127.0.0.1:8008/metrics").await;
    assert!(told.contains("patroni_primary{"), "{told}");
    assert_eq!(untold("patroni_", &told), [""; 0], "{told}");
    for member in ["true-main-0", "true-replica-0"] {
        let told = metrics(database, member, "http://127.0.0.1:9187/metrics").await;
        assert!(told.lines().any(|line| line == "pg_up 1"), "{told}");
        assert_eq!(untold("pg_", &told), [""; 0], "{told}");
        let failed =
            |line: &&str| line.starts_with("pg_scrape_collector_success{") && !line.ends_with(" 1");
        assert_eq!(told.lines().find(failed), None);
        the_exporter_is_nobody_but_itself(database, member).await;
    }
}

async fn the_exporter_is_nobody_but_itself(database: &Database, member: &str) {
    let login =
        |role| format!("psql -XAt 'host=/run/postgresql dbname=postgres user={role}' 2>&1 -c");
    for (container, role) in [("exporter", "postgres"), ("postgres", "pg-exporter")] {
        let script = format!("{} 'select 1'", login(role));
        let said = database.shell_in(container, member, &script).await;
        assert!(said.contains("Peer authentication failed"), "{container}: {said}");
    }
    let may = "select rolsuper, pg_has_role('pg_write_all_data', 'member') from pg_roles where rolname = current_user";
    let may = format!("{} \"{may}\"", login("pg-exporter"));
    assert_eq!(database.shell_in("exporter", member, &may).await.trim(), "f|f");
    let token = "ls /var/run/secrets/kubernetes.io/serviceaccount";
    assert_eq!(database.shell_in("exporter", member, token).await.trim(), "queries.yaml");
}

/// Until Kubernetes waits with its next start.
async fn one_that_ends_beside_the_primary_takes_it_from_nobody(database: &Database) {
    let params = AttachParams::default().container("exporter");
    let now = loop {
        // It may be away already.
        let pods = database.api::<Pod>();
        if let Ok(kill) = pods.exec("true-main-0", ["sh", "-c", "kill 1"], &params).await {
            let _ended = kill.join().await;
        }
        let now = status(database);
        assert_eq!(now["primary"], "true-main-0", "{now:#}");
        if amiss(&now) {
            break now;
        }
    };
    assert!(says(&now, "true-main-0's container exporter, restarted"), "{now:#}");
    assert_eq!(now["verdict"], "degraded", "{now:#}");
    database.until_healthy();
}

pub async fn status_tells_what_is_wrong_while_it_is() {
    let database = Database::new("true").await;
    database.configure(PATIENT);
    database.must(&["init"]);
    let nodes = kube::Api::<Node>::all(database.client.clone());
    let nodes = nodes.list(&ListParams::default()).await.unwrap().items.len();
    assert_eq!(says(&status(&database), "there is no other"), nodes == 1);

    what_alerts_and_dashboards_ask_of_a_member_is_told(&database).await;
    one_that_ends_beside_the_primary_takes_it_from_nobody(&database).await;

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
