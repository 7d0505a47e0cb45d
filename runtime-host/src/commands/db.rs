//! `runtime-host db`.

use anyhow::Result;

use crate::cli::Db;
use crate::commands::migrate::summary;
use crate::database::embedded::{Embedded, Running};
use crate::database::migrate;
use crate::database::migrate::Database;
use crate::project::data_dir;
use crate::project::dotenv;
use crate::project::manifest::Manifest;
use crate::project::variables::{DATABASE_URL, env_name};
use crate::terminal::progress;
use crate::terminal::signals::Signals;
use kit::say;

/// Runs the embedded PostgreSQL until a signal comes.
pub async fn run(args: &Db) -> Result<()> {
    let manifest = Manifest::load(&args.project.from)?;
    let data_dir = data_dir::prepare(&manifest.dir, args.data.data_dir.as_deref())?;
    let mut signals = Signals::new()?;
    let Some(embedded) = signals.unless(Embedded::install(&data_dir)).await else { return Ok(()) };
    let database = embedded?.start().await?;

    let result = serve(&manifest, &database, &mut signals).await;
    database.stop().await?;
    result
}

async fn serve(manifest: &Manifest, database: &Running, signals: &mut Signals) -> Result<()> {
    prepare(manifest, database).await?;
    dotenv::set(&manifest.dir.join(dotenv::NAME), &env_name(DATABASE_URL), &database.url())?;
    say::line(format!("PostgreSQL ready on 127.0.0.1:{}", database.port()))?;
    signals.unless(database.supervise()).await;
    Ok(())
}

/// Migrates an embedded database.
pub async fn prepare(manifest: &Manifest, database: &Running) -> Result<()> {
    if let Some(folder) = manifest.migrations() {
        let step = progress::step("Applying migrations");
        let applied = migrate::apply(&Database::at(database.url()), folder).await?;
        step.done(&summary(&applied));
    }
    Ok(())
}
