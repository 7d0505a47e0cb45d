use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crate::{
    fixture::Database,
    writer::{Login, leader},
};

/// More than any buffer on the way holds, and hardly to be compressed.
const FILL: &str = "create table notes (id int primary key, body bytea not null);
    insert into notes select n, sha512((n || 'a')::bytea) || sha512((n || 'b')::bytea) from generate_series(1, 20000) n;
    create index on notes (substr(body, 1, 4));";
/// What would make its owner a superuser if one filled the table.
const TRAP: &str = "create function rise(int) returns bool language plpgsql as $$ begin
        execute 'reset role';
        if current_user = 'postgres' then execute 'alter role app superuser'; end if;
        execute 'set role app';
        return true; end $$;
    create table trap (n int check (rise(n))); insert into trap values (1)";
const CONTENT: &str = "select count(*), md5(string_agg(md5(body), '' order by id)),
    (select tableowner::text from pg_tables where tablename = 'notes') from notes";

/// How many, their digest, and whose they are.
async fn content(database: &Database, name: &str) -> Option<(i64, String, String)> {
    let row = client(database, name).await.query_one(CONTENT, &[]).await.ok()?;
    Some((row.get(0), row.get(1), row.get(2)))
}

pub async fn client(database: &Database, name: &str) -> tokio_postgres::Client {
    let login = Login::of_role(database, "app", name).await;
    let primary = leader(database).await.unwrap();
    crate::writer::connect(database, &primary, &login).await.unwrap()
}

fn refused(database: &Database, arguments: &[&str]) -> String {
    let output = database.run(arguments);
    assert!(!output.status.success(), "{arguments:?} was not refused");
    String::from_utf8(output.stderr).unwrap()
}

pub async fn a_backup_is_restored_as_it_was_into_an_empty_database() {
    let database = Database::new("saved").await;
    database.configure(
        "databases.copy.owner = \"app\"\ndatabases.moved.owner = \"app\"\nroles.app.database = \"todo\"",
    );
    database.must(&["init"]);
    client(&database, "todo").await.batch_execute(FILL).await.unwrap();
    client(&database, "todo").await.batch_execute(TRAP).await.unwrap();
    let wanted = content(&database, "todo").await;
    assert_eq!(wanted.as_ref().unwrap().0, 20_000);

    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (whole, cut) = (path("todo.dump"), path("cut.dump"));
    assert!(
        refused(&database, &["export", "--to", &whole]).contains("--database: copy, moved, todo")
    );
    let backup = ["export", "--database", "todo", "--to", &whole];
    let output = database.run(&backup);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("todo from saved-replica-0"), "{said}");
    let mode = fs::metadata(&whole).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "a backup is for its owner only");
    assert!(refused(&database, &backup).contains("is there already"));

    // Neither over what is there, nor a part of it.
    let restore = |database, file| ["import", "--yes", "--database", database, "--from", file];
    assert!(refused(&database, &restore("todo", &whole)).contains("todo is not empty"));
    let bytes = fs::read(&whole).unwrap();
    fs::write(&cut, &bytes[..bytes.len() * 2 / 3]).unwrap();
    assert!(refused(&database, &restore("copy", &cut)).contains("as empty as before"));
    assert_eq!(content(&database, "copy").await, None);

    database.must(&restore("copy", &whole));
    assert_eq!(content(&database, "copy").await, wanted);
    assert_eq!(wanted.unwrap().2, "app");
    let risen = "select rolsuper from pg_roles where rolname = 'app'";
    assert_eq!(database.must(&["psql", "--", "-XAtc", risen]).trim(), "f");
    assert_eq!(leftovers(folder.path()), ["cut.dump", "todo.dump"]);
    a_server_elsewhere_is_copied_whole(&database).await;
    database.end().await;
}

/// It is the same server by the address that others have for it.
async fn a_server_elsewhere_is_copied_whole(database: &Database) {
    let password = database.secret("role-app", "password").await;
    let authority = database.write("ca.crt", &database.secret("tls", "ca.crt").await);
    let at = |login: &str, host: &str| {
        let authority = authority.display();
        format!("postgres://{login}@{host}/todo?sslmode=verify-full&sslrootcert={authority}")
    };
    let host = format!("saved-primary.{}.svc", database.namespace);
    let import = |uri: &str, password: &str| {
        let arguments = ["import", "--yes", "--database", "moved", "--from", uri];
        database.command(&arguments).env("PGPASSWORD", password).output().unwrap()
    };
    for (uri, password, word) in [
        (at(&format!("app:{password}"), &host), "", "the variable PGPASSWORD"),
        (at("app", &host), "wrong", "authentication failed"),
        // What its certificate doesn't name.
        (at("app", &format!("{host}.cluster.local.")), &*password, "does not match host name"),
    ] {
        let output = import(&uri, password);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(word), "{said}");
        assert!(!said.contains(&*database.secret("role-app", "password").await), "{said}");
    }
    let output = import(&at("app", &host), &password);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(content(database, "moved").await, content(database, "todo").await);
}

fn leftovers(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
