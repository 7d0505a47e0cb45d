//! `runtime-host migrate`: every migration once, in order, whoever else runs.

use tests::child::Outcome;
use tests::host::migrate;
use tests::{Database, Project};

/// A project with migrations of its own.
struct Migrations {
    project: Project,
    database: Database,
}

impl Migrations {
    async fn new(files: &[(&str, &str)]) -> Self {
        let mut project = Project::new();
        project.set("component.todo.tool.runtime-host.migrations", "migrations");
        for (name, sql) in files {
            project.write(&format!("migrations/{name}"), sql);
        }
        Self { project, database: Database::unmigrated().await }
    }

    fn write(&self, name: &str, sql: &str) {
        self.project.write(&format!("migrations/{name}"), sql);
    }

    async fn run(&self) -> Outcome {
        migrate(&self.project, self.database.url()).await
    }

    async fn tables(&self) -> Vec<String> {
        let sql = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 't_' ORDER BY 1";
        self.database.query(sql).await.iter().map(|row| row.get(0)).collect()
    }
}

#[tokio::test]
async fn each_is_applied_once() {
    let migrations = Migrations::new(&[
        ("V1__one.sql", "CREATE TABLE t1 ()"),
        ("V2__two.sql", "CREATE TABLE t2 ()"),
    ])
    .await;
    for _ in 0..3 {
        migrations.run().await.succeeded();
        assert_eq!(migrations.tables().await, ["t1", "t2"]);
    }
    migrations.write("V3__three.sql", "CREATE TABLE t3 ()");
    migrations.run().await.succeeded();
    assert_eq!(migrations.tables().await, ["t1", "t2", "t3"]);
}

#[tokio::test]
async fn they_are_ordered_by_number_and_not_by_name() {
    let migrations = Migrations::new(&[
        ("V10__ten.sql", "ALTER TABLE t2 RENAME TO t3"),
        ("V2__two.sql", "ALTER TABLE t1 RENAME TO t2"),
        ("V1__one.sql", "CREATE TABLE t1 ()"),
    ])
    .await;
    migrations.run().await.succeeded();
    assert_eq!(migrations.tables().await, ["t3"]);
}

#[tokio::test]
async fn two_at_once_apply_them_once() {
    for _ in 0..3 {
        let slow = "CREATE TABLE t1 (); SELECT count(*) FROM generate_series(1, 300000)";
        let migrations =
            Migrations::new(&[("V1__one.sql", slow), ("V2__two.sql", "CREATE TABLE t2 ()")]).await;
        let (first, second) = futures::future::join(migrations.run(), migrations.run()).await;
        first.succeeded();
        second.succeeded();
        assert_eq!(migrations.tables().await, ["t1", "t2"]);
    }
}

#[tokio::test]
async fn one_that_was_edited_after_it_was_applied_is_refused() {
    let migrations = Migrations::new(&[("V1__one.sql", "CREATE TABLE t1 ()")]).await;
    migrations.run().await.succeeded();
    migrations.write("V1__one.sql", "CREATE TABLE t1 (); CREATE TABLE t9 ()");
    migrations.write("V2__two.sql", "CREATE TABLE t2 ()");
    let outcome = migrations.run().await;
    assert!(outcome.failed().contains("V1__one"), "{}", outcome.stderr);
    assert_eq!(migrations.tables().await, ["t1"], "and nothing after it is applied");
}

#[tokio::test]
async fn one_that_fails_leaves_nothing_behind_and_is_named() {
    let bad = "CREATE TABLE t2 (); SELECT nonsense";
    let migrations =
        Migrations::new(&[("V1__one.sql", "CREATE TABLE t1 ()"), ("V2__two.sql", bad)]).await;
    let outcome = migrations.run().await;
    assert!(
        outcome.failed().contains("V2__two") && outcome.stderr.contains("nonsense"),
        "{}",
        outcome.stderr
    );
    assert_eq!(migrations.tables().await, ["t1"]);
    migrations.write("V2__two.sql", "CREATE TABLE t2 ()");
    migrations.run().await.succeeded();
    assert_eq!(migrations.tables().await, ["t1", "t2"]);
}

#[tokio::test]
async fn two_of_the_same_number_are_refused() {
    let migrations = Migrations::new(&[
        ("V1__one.sql", "CREATE TABLE t1 ()"),
        ("V1__other.sql", "CREATE TABLE t2 ()"),
    ])
    .await;
    let outcome = migrations.run().await;
    assert!(outcome.failed().contains("V1__other.sql"), "{}", outcome.stderr);
    assert!(migrations.tables().await.is_empty());
}

#[tokio::test]
async fn a_file_that_is_called_otherwise_is_named() {
    let migrations = Migrations::new(&[
        ("V1__one.sql", "CREATE TABLE t1 ()"),
        ("two.sql", "CREATE TABLE t2 ()"),
    ])
    .await;
    let outcome = migrations.run().await;
    assert!(outcome.failed().contains("two.sql"), "{}", outcome.stderr);
}

#[tokio::test]
async fn a_missing_folder_is_named() {
    let migrations = Migrations::new(&[]).await;
    let outcome = migrations.run().await;
    assert!(outcome.failed().contains("migrations"), "{}", outcome.stderr);
}

#[tokio::test]
async fn without_a_database_it_says_where_to_name_one() {
    let project = Project::new();
    let mut command = tests::host::command("migrate");
    command.current_dir(project.folder());
    let outcome = tests::child::run("runtime-host migrate", command).await;
    assert!(outcome.failed().contains("SPIN_VARIABLE_DATABASE_URL"), "{}", outcome.stderr);
}

#[tokio::test]
async fn a_database_that_is_away_is_told_by_its_address_without_the_password() {
    let database = Database::new().await;
    let gate = tests::Gate::closed(&database);
    let url: url::Url = gate.url().parse().unwrap();
    let outcome = migrate(&Project::new(), &url).await;
    let said = outcome.failed();
    assert!(said.contains(&format!("127.0.0.1:{}", url.port().unwrap())), "{said}");
    assert!(!said.contains(url.password().unwrap()), "{said}");
}
