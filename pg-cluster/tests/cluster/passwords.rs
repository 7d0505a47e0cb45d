//! Passwords of one's own: `secrets.yaml`, plain and encrypted.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::json;

use crate::{
    fixture::Database,
    watch,
    writer::{self, Login, Writer},
};

async fn gets_in(database: &Database, password: &str) -> bool {
    knows(database, "app", "todo", password).await
}

async fn knows(database: &Database, user: &str, name: &str, password: &str) -> bool {
    let login = Login::of_role(database, "app", name).await;
    let shows =
        Some([database.secret("tls", "tls.crt").await, database.secret("tls", "tls.key").await]);
    let login = Login { user: user.to_owned(), password: password.to_owned(), shows, ..login };
    let primary = writer::leader(database).await.unwrap();
    match writer::connect(database, &primary, &login).await {
        Ok(_) => true,
        Err(error) if error.contains("password authentication failed") => false,
        Err(error) => panic!("{user}: {error}"),
    }
}

async fn a_role_that_leaves_the_file_loses_its_login(database: &Database) {
    let login = Login::of_role(database, "guest", "todo").await;
    let primary = writer::leader(database).await.unwrap();
    writer::connect(database, &primary, &login).await.unwrap();
    database.configure("");
    database.write("secrets.yaml", "roles:\n  app: first-password-0\n");
    let shown = database.must(&["diff"]);
    assert!(shown.contains("Role guest loses its login"), "{shown}");
    assert!(shown.contains("NetworkPolicy"), "Prometheus is let in no more: {shown}");
    database.must(&["init"]);
    assert!(writer::connect(database, &primary, &login).await.is_err());
    assert_eq!(database.must(&["diff"]).trim(), "nothing would change");
}

pub async fn a_role_gets_the_password_of_secrets_yaml_and_a_new_one_replaces_it() {
    let database = Database::new("chosen").await;
    database.configure("roles.guest.reads = [\"todo\"]\nmonitors = [\"watching\"]\n");
    database.write("secrets.yaml", "roles:\n  app: first-password-0\n  guest: guests-password-0\n");
    database.must(&["init"]);
    assert!(gets_in(&database, "first-password-0").await);
    a_role_that_leaves_the_file_loses_its_login(&database).await;

    database.write("secrets.yaml", "roles:\n  app: other-password-0\n");
    let shown = database.must(&["diff"]);
    assert!(shown.contains("-role-app.data.password: changes (not shown)"), "{shown}");
    assert!(!shown.contains("password-0"), "{shown}");
    database.must(&["init"]);
    assert_eq!(database.must(&["diff"]).trim(), "nothing would change");
    assert!(gets_in(&database, "other-password-0").await);
    assert!(!gets_in(&database, "first-password-0").await);
    assert_eq!(database.secret("role-app", "password").await, "other-password-0");

    let refused = database.run(&["rotate-passwords", "--role", "app"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("is in secrets.yaml"), "{said}");
    std::fs::remove_file(database.write("secrets.yaml", "")).unwrap();
    a_role_gets_a_new_password_also_after_an_interruption(&database).await;
    patronis_users_get_new_passwords_while_writes_go_on(database).await;
}

async fn a_role_gets_a_new_password_also_after_an_interruption(database: &Database) {
    let rotate = ["rotate-passwords", "--role", "app"];
    let output = database.run(&rotate);
    let said = String::from_utf8(output.stderr).unwrap();
    let rotated = database.secret("role-app", "password").await;
    assert!(output.status.success() && !said.contains(&rotated), "{said}");
    assert!(gets_in(database, &rotated).await && !gets_in(database, "other-password-0").await);
    assert!(database.secret("role-app", "uri").await.contains(&rotated));

    // As one leaves it that ends after its first step.
    put(database, "chosen-role-app", "password", "begun-password-0").await;
    database.must(&rotate);
    let again = database.secret("role-app", "password").await;
    assert!(again != "begun-password-0" && gets_in(database, &again).await);
    assert!(!gets_in(database, &rotated).await);
    assert_eq!(database.must(&["diff"]).trim(), "nothing would change");
}

async fn put(database: &Database, secret: &str, key: &str, value: &str) {
    let data = Patch::Merge(json!({ "stringData": { key: value } }));
    database.api::<Secret>().patch(secret, &PatchParams::default(), &data).await.unwrap();
}

const USERS: [(&str, &str); 3] =
    [("superuser", "postgres"), ("replication", "replicator"), ("rewind", "rewind")];

async fn held(database: &Database) -> Vec<String> {
    let mut all = Vec::new();
    for (key, _) in USERS {
        all.push(database.secret("credentials", key).await);
    }
    all
}

/// While members have different ones, what one of them has may be what was.
async fn nobody_knows_which_password_counts(database: &Database) {
    let (secrets, name) = (database.api::<Secret>(), "chosen-credentials");
    let mut copy = secrets.get(name).await.unwrap();
    secrets.delete(name, &DeleteParams::default()).await.unwrap();
    let init = tokio::task::block_in_place(|| database.run(&["init"]));
    let said = String::from_utf8(init.stderr).unwrap();
    assert!(!init.status.success() && said.contains("chosen-credentials is gone"), "{said}");
    copy.metadata.resource_version = None;
    secrets.create(&PostParams::default(), &copy).await.unwrap();
}

async fn patronis_users_get_new_passwords_while_writes_go_on(database: Database) {
    let database = Arc::new(database);
    let rotate = ["rotate-passwords", "--system"];
    let old = held(&database).await;
    let mut writer = Writer::start(&database).await;
    writer.goes_on_for(50).await;

    // It ends when PostgreSQL knows the new ones and no member does. One that starts then has them.
    assert!(!tokio::task::block_in_place(|| database.interrupted_after(3, &rotate)));
    let status = tokio::task::block_in_place(|| database.status());
    assert_eq!(status["verdict"], "degraded", "{status:#}");
    assert!(status["advice"].to_string().contains("rotate-passwords --system"), "{status:#}");
    for verb in ["pause", "resume"] {
        tokio::task::block_in_place(|| database.must(&[verb]));
    }
    let pods = database.api::<Pod>();
    pods.delete("chosen-replica-0", &DeleteParams::default()).await.unwrap();
    let status = database.until("a replica with the new passwords", |status| {
        let replica = watch::member(status, "chosen-replica-0");
        replica["state"] == "streaming" && replica["credentials"] == "current"
    });
    assert_eq!(watch::member(&status, "chosen-main-0")["credentials"], "old", "{status:#}");
    writer.goes_on_for(50).await;

    let new = held(&database).await;
    nobody_knows_which_password_counts(&database).await;
    let output = tokio::task::block_in_place(|| database.run(&rotate));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert_eq!(held(&database).await, new, "it goes on with what was begun");
    assert!(old.iter().chain(&new).all(|password| !said.contains(password)), "{said}");
    database.until_healthy();
    writer.goes_on_for(50).await;
    writer.finish(&database).await;
    for (n, (_, user)) in USERS.iter().enumerate() {
        assert!(knows(&database, user, "postgres", &new[n]).await, "{user}");
        assert!(!knows(&database, user, "postgres", &old[n]).await, "{user}");
    }
    Arc::into_inner(database).expect("no writer is left").end().await;
}

pub async fn an_encrypted_secrets_yaml_is_read_with_sops_or_refused_before_anything_is_made() {
    let database = Database::new("sealed").await;
    let key = seal(&database, "roles:\n  app: sealed-password-0\n");
    let without = database.run(&["init"]);
    let said = String::from_utf8(without.stderr).unwrap();
    assert!(!without.status.success() && said.contains("decrypt"), "{said}");
    assert!(!said.contains("sealed-password-0") && !said.contains("created"), "{said}");

    let with = database.command(&["init"]).env("SOPS_AGE_KEY_FILE", key).output().unwrap();
    assert!(with.status.success(), "{}", String::from_utf8_lossy(&with.stderr));
    assert!(gets_in(&database, "sealed-password-0").await);
    database.end().await;
}

/// Encrypts `secrets.yaml` with a new key, whose file comes back. None without sops and age.
fn seal(database: &Database, text: &str) -> PathBuf {
    let key = database.write("key.txt", "");
    std::fs::remove_file(&key).unwrap();
    let made = output("age-keygen", &["-o", key.to_str().unwrap()], key.parent().unwrap());
    assert!(made.status.success());
    let made = String::from_utf8(made.stderr).unwrap();
    let recipient = made.trim().rsplit(' ').next().unwrap().to_owned();
    let file = database.write("secrets.yaml", text);
    let options = [
        "--disable-version-check",
        "--encrypt",
        "--in-place",
        "--age",
        &recipient,
        file.to_str().unwrap(),
    ];
    let sealed = output("sops", &options, key.parent().unwrap());
    assert!(sealed.status.success(), "{}", String::from_utf8_lossy(&sealed.stderr));
    key
}

fn output(program: &str, options: &[&str], folder: &Path) -> Output {
    Command::new(program).args(options).current_dir(folder).output().expect("run it")
}
