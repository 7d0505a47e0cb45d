use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;
use tokio_postgres::NoTls;

use crate::{
    fixture::Database,
    writer::{self, Login},
};

const SETTINGS: &str = "roles.look.reads = [\"todo\"]\nroles.look.database = \"todo\"\nparameters.max_connections = 25\n\
     databases.words = { owner = \"app\", icu_locale = \"de\", extensions = [\"pg_trgm\", \"uuid-ossp\"] }\nroles.app.database = \"todo\"";

pub async fn whoever_should_not_get_in_does_not() {
    let database = Database::new("closed").await;
    database.configure(SETTINGS);
    database.must(&["init"]);

    let right = Login::of_role(&database, "app", "todo").await;
    assert!(writer::connect(&database, "closed-main-0", &right).await.is_ok());
    let wrong = Login { password: "a-wrong-password".to_owned(), ..right.clone() };
    let error = writer::connect(&database, "closed-main-0", &wrong).await.expect_err("a refusal");
    assert!(error.contains("password authentication failed"), "{error}");

    let mut forward = database
        .api::<k8s_openapi::api::core::v1::Pod>()
        .portforward("closed-main-0", &[5432])
        .await
        .unwrap();
    let plain = right
        .config()
        .ssl_mode(tokio_postgres::config::SslMode::Disable)
        .connect_raw(forward.take_stream(5432).unwrap(), NoTls)
        .await;
    let error = plain.err().expect("a refusal").to_string();
    assert!(error.contains("no encryption") || error.contains("db error"), "{error}");

    assert_eq!(database.must(&["diff"]).trim(), "nothing would change");
    replication_is_for_members(&database).await;
    members_believe_no_stranger(&database).await;
    who_reads_does_not_write(&database, &right).await;
    pg_rewind_gets_in_where_no_client_does(&database, &right).await;

    for (method, path, status) in [
        ("GET", "configmaps/closed-config", 200),
        ("GET", "pods?watch=1&timeoutSeconds=1", 200),
        ("DELETE", "configmaps/closed-config", 403),
        ("PUT", "configmaps/closed-config", 403),
        ("DELETE", "pods/closed-replica-0", 403),
        ("PATCH", "pods/todoozle-edge-1", 403),
        ("PATCH", "configmaps/todoozle-edge-live", 403),
        ("PATCH", "configmaps/closed-patroni", 403),
        ("PATCH", "configmaps/closed-sync", 200),
        ("POST", "pods", 403),
        ("POST", "pods/closed-replica-0/exec?command=id", 403),
        ("GET", "secrets", 403),
        ("GET", "secrets/closed-credentials", 403),
        ("POST", "services", 403),
        ("GET", "../../nodes", 403),
    ] {
        assert_eq!(asks(&database, method, path).await, status, "{method} {path}");
    }
    database.end().await;
}

/// Its open sessions end as well.
async fn no_longer_a_reader_it_reads_no_more(database: &Database, login: &Login) {
    let session = writer::connect(database, "closed-main-0", login).await.unwrap();
    database.configure(&SETTINGS.replace("reads = [\"todo\"]", "reads = []"));
    database.must(&["init"]);
    assert!(session.batch_execute("select 1").await.is_err());
    let error = writer::connect(database, "closed-main-0", login).await.expect_err("a way in");
    assert!(error.contains("permission denied"), "{error}");
}

async fn who_reads_does_not_write(database: &Database, owner: &Login) {
    let owner = writer::connect(database, "closed-main-0", owner).await.unwrap();
    let made = "create schema own; create table own.t as select 7 as x";
    owner.batch_execute(made).await.unwrap();
    let login = Login::of_role(database, "look", "todo").await;
    let reader = writer::connect(database, "closed-main-0", &login).await.unwrap();
    let found: i32 = reader.query_one("select x from own.t", &[]).await.unwrap().get(0);
    assert_eq!(found, 7);
    for refused in ["insert into own.t values (8)", "create table own.u ()", "drop table own.t"] {
        let error = reader.batch_execute(refused).await.expect_err(refused);
        assert_eq!(error.code().unwrap().code(), "42501", "{refused}: {error:?}");
    }
    let elsewhere = Login { database: "words".to_owned(), ..login.clone() };
    let error = writer::connect(database, "closed-main-0", &elsewhere).await.expect_err("a way in");
    assert!(error.contains("permission denied"), "{error}");
    no_longer_a_reader_it_reads_no_more(database, &login).await;
    // In German ö comes before z, and by its number after it.
    let order = |role: &str, name: &str| {
        let query = ["--role", role, "--database", name, "--", "-XAtc", "select 'z' < 'ö'"];
        database.must(&[&["psql"], &query[..]].concat()).trim().to_owned()
    };
    assert_eq!((order("app", "words"), order("app", "todo")), ("f".into(), "t".into()));
    let made = "select count(*) from pg_extension where extname in ('pg_trgm', 'uuid-ossp')";
    let made = ["psql", "--role", "app", "--database", "words", "--", "-XAtc", made];
    assert_eq!(database.must(&made).trim(), "2");
    let statements = "select count(*) > 0 from pg_stat_statements";
    assert_eq!(database.must(&["psql", "--", "-XAtc", statements]).trim(), "t");
}

async fn pg_rewind_gets_in_where_no_client_does(database: &Database, client: &Login) {
    let mut held = Vec::new();
    let refusal = loop {
        match writer::connect(database, "closed-main-0", client).await {
            Ok(connection) => held.push(connection),
            Err(refusal) => break refusal,
        }
        assert!(held.len() < 30, "there is no end of connections");
    };
    assert!(
        refusal.contains("connection slots are reserved") || refusal.contains("too many"),
        "{refusal}"
    );
    assert_eq!(as_member(database, "rewind", CERTIFICATE).await, "rewind");
}

const CERTIFICATE: &str = "sslcert=/etc/tls/tls.crt sslkey=/etc/tls/tls.key";

/// Logs in as one of the members' users, who know its password, with more of a connection string.
async fn as_member(database: &Database, user: &str, more: &str) -> String {
    let script = format!(
        "PGPASSWORD=$PATRONI_{}_PASSWORD psql -XAt \"host=127.0.0.1 user={user} dbname=postgres {more}\" -c {} 2>&1",
        if user == "rewind" { "REWIND" } else { "REPLICATION" },
        if more.contains("replication") { "identify_system" } else { "'select current_user'" },
    );
    database.shell("closed-main-0", &script).await.trim().to_owned()
}

/// A password alone copies no database. Members of before, which show no certificate, are let in until
/// the last of them is gone.
async fn replication_is_for_members(database: &Database) {
    for (user, more) in [("rewind", ""), ("replicator", ""), ("replicator", "replication=true")] {
        let said = as_member(database, user, more).await;
        assert!(said.contains("requires a valid client certificate"), "{user} {more}: {said}");
    }
    let known = as_member(database, "replicator", &format!("replication=true {CERTIFICATE}")).await;
    assert!(!known.contains("FATAL"), "{known}");

    let maps = database.api::<ConfigMap>();
    let config = maps.get("closed-config").await.unwrap().annotations()["config"].clone();
    let new = "hostssl all,replication replicator,rewind all scram-sha-256 clientcert=verify-ca";
    let old = config.replace(new, "hostssl replication replicator all scram-sha-256");
    let patch = Patch::Merge(json!({ "metadata": { "annotations": { "config": old } } }));
    maps.patch("closed-config", &PatchParams::default(), &patch).await.unwrap();
    assert!(database.must(&["diff"]).contains("without the members' certificate"));
    database.must(&["init"]);
    assert_eq!(database.must(&["diff"]).trim(), "nothing would change");
    let closed = maps.get("closed-config").await.unwrap().annotations()["config"].clone();
    assert!(closed.contains(new), "{closed}");
}

/// Patroni asks whoever stands at a member's address, and trusts what the cluster's CA has signed.
async fn members_believe_no_stranger(database: &Database) {
    let script = r#"cd /tmp
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=stranger -keyout stranger.key -out stranger.crt 2> /dev/null
openssl s_server -quiet -www -accept 9999 -cert stranger.crt -key stranger.key > /dev/null 2>&1 & stranger=$!
python3 - <<'END'
import socket
from patroni.config import Config
from patroni.request import PatroniRequest
from urllib3 import PoolManager
while True:
    try:
        socket.create_connection(("localhost", 9999)).close()
        break
    except ConnectionRefusedError:
        pass
member = PatroniRequest(Config("/etc/patroni"), True).request
plain = PoolManager().request
for ask, url in (member, "https://localhost:8008/"), (member, "https://localhost:9999/"), (plain, "http://localhost:8008/"):
    try:
        print(ask("GET", url, retries=False, timeout=20).status)
    except Exception as error:
        print(error)
END
kill $stranger"#;
    let said = database.shell("closed-main-0", script).await;
    let said: Vec<_> = said.lines().collect();
    assert_eq!(said.len(), 3, "{said:?}");
    assert_eq!(said[0], "200", "{said:?}");
    assert!(said[1].contains("CERTIFICATE_VERIFY_FAILED"), "{said:?}");
    assert!(said[2].contains("Connection aborted"), "{said:?}");
}

/// What the API server answers a member that uses its own token.
async fn asks(database: &Database, method: &str, path: &str) -> u16 {
    let script = format!(
        r#"python3 - <<'END'
import os, ssl, urllib.error, urllib.request
home = "/var/run/secrets/kubernetes.io/serviceaccount/"
server = "https://" + os.environ["KUBERNETES_SERVICE_HOST"] + ":" + os.environ["KUBERNETES_SERVICE_PORT"]
request = urllib.request.Request(
    server + os.path.normpath("/api/v1/namespaces/{}/{path}"), method="{method}",
    headers={{"Authorization": "Bearer " + open(home + "token").read(), "Content-Type": "application/merge-patch+json" if "{method}" == "PATCH" else "application/json"}},
    data=None if "{method}" == "GET" else b"{{}}")
context = ssl.create_default_context(cafile=home + "ca.crt")
context.verify_flags &= ~ssl.VERIFY_X509_STRICT # a CA for tests may lack an extension
try:
    print(urllib.request.urlopen(request, context=context, timeout=30).status)
except urllib.error.HTTPError as refusal:
    print(refusal.code)
END"#,
        database.namespace
    );
    database.shell("closed-main-0", &script).await.trim().parse().unwrap()
}
