//! `runtime-host migrate`.

use anyhow::Result;

use crate::cli::Migrate;
use crate::database::migrate;
use crate::database::migrate::Database;
use crate::error::misconfigured;
use crate::project::dotenv;
use crate::project::manifest::Manifest;
use crate::project::variables::{DATABASE_URL, Sources, env_name};
use crate::terminal::progress;

/// Applies pending migrations to the given database.
pub async fn run(args: &Migrate) -> Result<()> {
    let manifest = Manifest::load(&args.project.from)?;
    let Some(folder) = args.migrations.as_deref().or(manifest.migrations()) else {
        return Err(misconfigured!(
            "component.{}.tool.runtime-host has no migrations: name their folder there",
            manifest.ids().join(" and component.")
        ));
    };
    let Some(database) = Database::given(&manifest, &Sources::read(&manifest)?) else {
        return Err(misconfigured!(
            "no database is given: set {} in the environment or in {}",
            env_name(DATABASE_URL),
            manifest.dir.join(dotenv::NAME).display()
        ));
    };
    let step = progress::step("Applying migrations");
    let applied = migrate::apply(&database, folder).await?;
    step.done(&summary(&applied));
    Ok(())
}

/// What was done, in one line.
pub fn summary(applied: &[String]) -> String {
    if applied.is_empty() {
        "The database is up to date".into()
    } else {
        format!("Applied {}", applied.join(", "))
    }
}
