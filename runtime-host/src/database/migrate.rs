//! Migrations: plain SQL files `V<number>__<name>.sql`, applied in order by
//! refinery, under a lock, each in a transaction of its own unless its first line
//! says `-- no transaction`.

mod session;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use refinery_core::error::Kind;
use refinery_core::{Migration, Runner};
use tokio::time::{sleep, timeout};
use tokio_postgres::Client;

use crate::error::misconfigured;
use crate::project::manifest::Manifest;
use crate::project::variables::{DATABASE_CA, DATABASE_URL, Sources};
use session::Session;

/// The advisory lock that keeps two hosts from migrating at once ("todoozle").
const LOCK: i64 = 0x746f_646f_6f7a_6c65;
/// How long to wait for another host's migrations, and between looks whether they are done.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(100);
/// refinery's own table.
const HISTORY: &str = "refinery_schema_history";

/// The database that migrations are for.
#[derive(Clone)]
pub struct Database {
    pub address: String,
    /// The CA that signed its certificate, as PEM.
    pub ca: Option<String>,
}

impl Database {
    /// One that needs no CA.
    pub fn at(address: String) -> Self {
        Self { address, ca: None }
    }

    /// The one that the manifest's variables name, if they do.
    pub fn given(manifest: &Manifest, sources: &Sources) -> Option<Self> {
        let given = |name| {
            let declared = manifest.variables.contains_key(name);
            sources.given(name).filter(|value| declared && !value.is_empty())
        };
        Some(Self { address: given(DATABASE_URL)?, ca: given(DATABASE_CA) })
    }
}

/// Applies what is pending; gives the names of what was applied.
pub async fn apply(database: &Database, folder: &Path) -> Result<Vec<String>> {
    let migrations = load(folder)?;
    let client = connect(database).await?;
    lock(&client).await?;
    // The lock belongs to the connection and ends with it.
    let report = Runner::new(&migrations)
        .run_async(&mut Session::of(client))
        .await
        .map_err(|error| explain(&error, folder))?;
    Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
}

/// How many migrations a database lacks.
pub async fn pending(database: &Database, folder: &Path) -> Result<usize> {
    let migrations = load(folder)?;
    let applied = applied(database).await?;
    Ok(migrations.iter().filter(|migration| !applied.contains(&migration.version())).count())
}

/// The highest migration that a database has; 0 for none.
pub async fn version(database: &Database) -> Result<i32> {
    Ok(applied(database).await?.into_iter().max().unwrap_or(0))
}

/// The files of a folder by name, checked, and the number of the last one.
pub fn files(folder: &Path) -> Result<(BTreeMap<String, String>, i32)> {
    let migrations = load(folder)?;
    let read = |migration: &Migration| {
        let name = format!("{migration}.sql");
        let sql = migration.sql().unwrap_or_default().to_owned();
        (name, sql)
    };
    let last = migrations.iter().map(Migration::version).max().unwrap_or(0);
    Ok((migrations.iter().map(read).collect(), last))
}

async fn applied(database: &Database) -> Result<Vec<i32>> {
    let client = connect(database).await?;
    let has_history: bool = client
        .query_one("SELECT to_regclass($1::text) IS NOT NULL", &[&HISTORY])
        .await
        .context("look for the migrations' table")?
        .get(0);
    if !has_history {
        return Ok(Vec::new());
    }
    let rows = client.query(&format!("SELECT version FROM {HISTORY}"), &[]).await;
    Ok(rows.context("read the migrations' table")?.iter().map(|row| row.get(0)).collect())
}

/// Reads the files, and refuses those whose names would make refinery skip them.
fn load(folder: &Path) -> Result<Vec<Migration>> {
    let entries = std::fs::read_dir(folder).map_err(|error| {
        misconfigured!(
            "cannot read the migrations in {}: {error}; correct tool.runtime-host.migrations in \
             the manifest",
            folder.display()
        )
    })?;
    let mut migrations = Vec::new();
    // Not below the folder: a mounted ConfigMap has every file there a second time.
    for entry in entries {
        let path = entry.context("read the migrations' folder")?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some(stem) = name.strip_suffix(".sql") else { continue };
        if !is_migration_name(&name) {
            return Err(misconfigured!(
                "{} is not named like a migration: rename it to V<number>__<name>.sql",
                path.display()
            ));
        }
        let sql = std::fs::read_to_string(&path)
            .with_context(|| format!("read the migration {}", path.display()))?;
        // What some editors begin a file with is no SQL.
        let sql = sql.strip_prefix('\u{feff}').unwrap_or(&sql);
        let migration = Migration::unapplied(stem, sql)
            .map_err(|error| anyhow!("cannot use the migration {stem}: {error}"))?;
        migrations.push(migration);
    }
    migrations.sort();
    refuse_twins(&migrations)?;
    Ok(migrations)
}

/// Two files of one number have no order, and the second could not be recorded.
fn refuse_twins(migrations: &[Migration]) -> Result<()> {
    let mut seen: BTreeMap<i32, &Migration> = BTreeMap::new();
    for migration in migrations {
        if let Some(twin) = seen.insert(migration.version(), migration) {
            return Err(misconfigured!(
                "the migrations {twin}.sql and {migration}.sql have the same number: give the newer one the next"
            ));
        }
    }
    Ok(())
}

fn is_migration_name(name: &str) -> bool {
    let parts = name
        .strip_prefix('V')
        .and_then(|name| name.strip_suffix(".sql"))
        .and_then(|name| name.split_once("__"));
    parts.is_some_and(|(number, words)| {
        number.parse::<i32>().is_ok_and(|number| number > 0)
            && !words.is_empty()
            && words.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

async fn connect(database: &Database) -> Result<Client> {
    spin_postgres::connect(&database.address, database.ca.as_deref())
        .await
        .context("cannot reach the database: start it, or correct SPIN_VARIABLE_DATABASE_URL")
}

/// Who waits for the lock asks again and again: a statement that waited would hold up the building
/// of an index, which waits for every statement that began before it.
async fn lock(client: &Client) -> Result<()> {
    let locked = async {
        loop {
            let row = client.query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK]).await;
            if row.context("lock the migrations")?.get(0) {
                return Ok(());
            }
            sleep(PAUSE).await;
        }
    };
    timeout(PATIENCE, locked).await.unwrap_or_else(|_| {
        Err(anyhow!(
            "another program has been migrating this database for {} s: wait for it, or stop it",
            PATIENCE.as_secs()
        ))
    })
}

fn explain(error: &refinery_core::Error, folder: &Path) -> anyhow::Error {
    match error.kind() {
        Kind::DivergentVersion(applied, _) => anyhow!(
            "the migration {applied} in {} was edited after it had been applied: restore the \
             file, and make the change in a new migration",
            folder.display()
        ),
        Kind::MissingVersion(missing) => anyhow!(
            "the database has the migration {missing}, but {} has no such file, or an older one \
             came after it: restore the file, or give a new file the highest number",
            folder.display()
        ),
        Kind::Connection(message, source) => anyhow!("{message}: {}", with_detail(source.as_ref())),
        _ => anyhow!("a migration failed: {error}"),
    }
}

/// A database's own words, where there are some.
fn with_detail(error: &(dyn std::error::Error + Send + Sync + 'static)) -> String {
    match error.downcast_ref::<tokio_postgres::Error>().and_then(tokio_postgres::Error::as_db_error)
    {
        Some(error) => error.to_string(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{files, is_migration_name};

    #[test]
    fn a_file_is_read_as_any_editor_saves_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("V2__a.sql"), "\u{feff}SELECT 1;\r\n").unwrap();
        let (files, last) = files(folder.path()).unwrap();
        assert_eq!((files["V2__a.sql"].as_str(), last), ("SELECT 1;\r\n", 2));
    }

    #[test]
    fn names_that_refinery_would_skip_are_noticed() {
        for good in ["V1__a.sql", "V20__add_order_2.sql"] {
            assert!(is_migration_name(good), "{good}");
        }
        for bad in [
            "1__a.sql",
            "v1__a.sql",
            "V1_a.sql",
            "V__a.sql",
            "V1__.sql",
            "V1__a-b.sql",
            "V0__a.sql",
            "U1__a.sql",
        ] {
            assert!(!is_migration_name(bad), "{bad}");
        }
    }
}
