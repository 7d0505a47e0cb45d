//! `runtime-host migrate`.

use anyhow::Result;

use crate::args::Project;
use crate::error::misconfigured;
use crate::manifest::Manifest;
use crate::variables::{DATABASE_URL, Sources, env_name};
use crate::{migrate, progress};

/// Applies pending migrations to the given database.
pub async fn run(args: &Project) -> Result<()> {
    let manifest = Manifest::load(&args.from)?;
    let component = &manifest.component;
    let Some(folder) = &component.migrations else {
        return Err(misconfigured!(
            "component.{}.tool.runtime-host has no migrations: name their folder there",
            component.id
        ));
    };
    let sources = Sources::read(&manifest)?;
    let address = sources.given(DATABASE_URL).filter(|address| !address.is_empty());
    let Some(address) = address else {
        return Err(misconfigured!(
            "no database is given: set {} in the environment or in {}",
            env_name(DATABASE_URL),
            manifest.dir.join(".env").display()
        ));
    };
    let step = progress::step("Applying migrations");
    let applied = migrate::apply(&address, sources.database_ca().as_deref(), folder).await?;
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
