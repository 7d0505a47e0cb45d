//! Where PostgreSQL's programs come from: `PATH`, else Maven Central.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use tokio::process::Command;

use super::download::download as fetch;
use super::home::Home;
use crate::terminal::progress;

/// The oldest version that is taken from `PATH`.
const OLDEST: u32 = 15;
/// The version that is downloaded.
const DOWNLOADED: u32 = 17;

/// A folder with `initdb`, `pg_ctl` and `postgres`.
#[derive(Debug)]
pub struct Binaries {
    pub dir: PathBuf,
    pub major: u32,
}

/// Finds programs that fit the data in `home`, or downloads them.
pub async fn find(home: &Home) -> Result<Binaries> {
    let wanted = home.data_version()?;
    let on_path = on_path(home).await;
    match (&on_path, wanted) {
        (Some(found), None) if found.major >= OLDEST => {}
        (Some(found), Some(wanted)) if found.major == wanted => {}
        _ => {
            let major = wanted.unwrap_or(DOWNLOADED);
            return download(home, major)
                .await
                .map_err(|error| explain(&error, home, on_path, wanted));
        }
    }
    on_path.ok_or_else(|| anyhow!("PostgreSQL went away from PATH"))
}

fn explain(
    error: &anyhow::Error,
    home: &Home,
    on_path: Option<Binaries>,
    wanted: Option<u32>,
) -> anyhow::Error {
    match (wanted, on_path) {
        (Some(wanted), Some(found)) => anyhow!(
            "the database in {} was made by PostgreSQL {wanted}, PATH has {}, and {wanted} cannot \
             be downloaded ({error:#}): put PostgreSQL {wanted} on PATH, or delete that folder to \
             start without its data",
            home.dir.display(),
            found.major
        ),
        _ => anyhow!(
            "PostgreSQL cannot be downloaded ({error:#}): put PostgreSQL {} on PATH, or give a \
             database in SPIN_VARIABLE_DATABASE_URL",
            wanted.map_or_else(|| format!("{OLDEST} or newer"), |wanted| wanted.to_string())
        ),
    }
}

/// The first complete PostgreSQL on `PATH` that the database's user may run.
async fn on_path(home: &Home) -> Option<Binaries> {
    for dir in std::env::split_paths(&std::env::var_os("PATH")?) {
        // A link in /usr/local/bin leads to the folder with the other programs.
        let Ok(program) = dir.join("postgres").canonicalize() else { continue };
        let Some(dir) = program.parent() else { continue };
        let complete = ["initdb", "pg_ctl"].iter().all(|name| dir.join(name).exists());
        if complete
            && home.user_reaches(dir)
            && let Ok(major) = version(dir).await
        {
            return Some(Binaries { dir: dir.to_owned(), major });
        }
    }
    None
}

/// The major version: `postgres (PostgreSQL) 15.18 (Debian …)`, `… 18beta1`.
async fn version(dir: &Path) -> Result<u32> {
    let output = Command::new(dir.join("postgres")).arg("--version").output().await?;
    let text = String::from_utf8_lossy(&output.stdout);
    let number =
        text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let digits: String =
        number.unwrap_or_default().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().context("read PostgreSQL's version")
}

/// Downloads a version into `home`, unless it is there already.
async fn download(home: &Home, major: u32) -> Result<Binaries> {
    let target = home.dir.join(format!("pgsql-{major}"));
    let binaries = Binaries { dir: target.join("bin"), major };
    if binaries.dir.join("postgres").exists() {
        return Ok(binaries);
    }
    let step = progress::step(format!("Downloading PostgreSQL {major} (about 15 MB)"));
    let version = fetch(major, &target).await?;
    if !binaries.dir.join("postgres").exists() {
        bail!("the download has no PostgreSQL in it");
    }
    home.give_to_user(&target)?;
    step.done(&format!("Downloaded PostgreSQL {version}"));
    Ok(binaries)
}
