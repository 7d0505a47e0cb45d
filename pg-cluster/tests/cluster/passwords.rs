//! Passwords of one's own: `secrets.yaml`, plain and encrypted.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::{
    fixture::Database,
    writer::{self, Login},
};

async fn gets_in(database: &Database, password: &str) -> bool {
    let login = Login::of_role(database, "app", "todo").await;
    let login = Login { password: password.to_owned(), ..login };
    let primary = writer::leader(database).await.unwrap();
    writer::connect(database, &primary, &login).await.is_ok()
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
    database.end().await;
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
