use tokio_postgres::NoTls;

use crate::{
    fixture::Database,
    writer::{self, Login},
};

pub async fn whoever_should_not_get_in_does_not() {
    let database = Database::new("closed").await;
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
