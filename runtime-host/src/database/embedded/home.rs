//! The folder and the user of the embedded PostgreSQL.

use std::io::Read as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use nix::unistd::{Uid, User, chown, geteuid};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::hex::hex;
use kit::file;

/// PostgreSQL refuses to run as root; this user does it then.
const UNPRIVILEGED: &str = "nobody";
/// Where the data goes when the project's folders are closed to that user.
const FALLBACK: &str = "/var/lib";

/// A folder that holds everything of one embedded PostgreSQL: `data`, `log`,
/// `server.json`, and its programs when they were downloaded.
#[derive(Debug, Clone)]
pub struct Home {
    pub dir: PathBuf,
    /// Whom the server runs as, when not as the host's own user.
    pub user: Option<User>,
}

/// What has to be known to connect again. It is a secret, so it has no `Debug`.
#[derive(Clone, Serialize, Deserialize)]
pub struct Access {
    pub port: u16,
    pub password: String,
}

impl Home {
    /// The folder that belongs to a data folder: `postgres` in it, or one under
    /// `/var/lib` when the unprivileged user could not get there.
    pub fn of(data_dir: &Path) -> Result<Self> {
        let user = if geteuid().is_root() { Some(unprivileged()?) } else { None };
        let mut home = Self { dir: data_dir.join("postgres"), user };
        if !home.user_reaches(data_dir) {
            let digest = Sha256::digest(data_dir.as_os_str().as_encoded_bytes());
            let name = hex(&digest[..6]);
            home.dir = Path::new(FALLBACK).join(format!("todoozle-{name}"));
        }
        Ok(home)
    }

    /// Makes the folder, for the server's user only.
    pub fn create(&self) -> Result<()> {
        if !self.dir.exists() {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&self.dir)
                .with_context(|| format!("make the database's folder {}", self.dir.display()))?;
            self.give_to_user(&self.dir)?;
        }
        let owner = Uid::from_raw(self.dir.metadata()?.uid());
        let wanted = self.user.as_ref().map_or_else(geteuid, |user| user.uid);
        if owner != wanted {
            bail!(
                "the database in {} belongs to another user (id {owner}): run as that user, or \
                 choose another folder with --data-dir",
                self.dir.display()
            );
        }
        Ok(())
    }

    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    pub fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// The major version that made the data, if there is data.
    pub fn data_version(&self) -> Result<Option<u32>> {
        let file = self.data().join("PG_VERSION");
        if !file.exists() {
            return Ok(None);
        }
        let text =
            std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        let version = text.trim().parse().with_context(|| format!("read {}", file.display()))?;
        Ok(Some(version))
    }

    pub fn access(&self) -> Result<Option<Access>> {
        let file = self.access_file();
        if !file.exists() {
            return Ok(None);
        }
        let text =
            std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        serde_json::from_str(&text).map(Some).map_err(|_| {
            anyhow!("{} is damaged: restore it, or delete its folder with the data", file.display())
        })
    }

    pub fn keep_access(&self, access: &Access) -> Result<()> {
        let text = serde_json::to_string(access).context("write the database's access")?;
        file::replace_for_good(&self.access_file(), text)
    }

    pub fn access_file(&self) -> PathBuf {
        self.dir.join("server.json")
    }

    /// Whether the server's user may enter a folder.
    pub fn user_reaches(&self, dir: &Path) -> bool {
        let Some(user) = &self.user else { return true };
        dir.ancestors().all(|dir| {
            dir.metadata().is_ok_and(|meta| {
                meta.mode() & 0o001 != 0
                    || (meta.uid() == user.uid.as_raw() && meta.mode() & 0o100 != 0)
            })
        })
    }

    /// Hands a folder or file, with all that is in it, to the server's user.
    pub fn give_to_user(&self, path: &Path) -> Result<()> {
        let Some(user) = &self.user else { return Ok(()) };
        let meta =
            path.symlink_metadata().with_context(|| format!("look at {}", path.display()))?;
        if meta.is_dir() {
            for entry in
                std::fs::read_dir(path).with_context(|| format!("read {}", path.display()))?
            {
                self.give_to_user(&entry?.path())?;
            }
        }
        if !meta.is_symlink() {
            chown(path, Some(user.uid), Some(user.gid))
                .with_context(|| format!("give {} to {}", path.display(), user.name))?;
        }
        Ok(())
    }
}

fn unprivileged() -> Result<User> {
    User::from_name(UNPRIVILEGED).ok().flatten().ok_or_else(|| {
        anyhow!(
            "PostgreSQL does not run as root, and there is no user {UNPRIVILEGED}: run as another \
             user, or give a database in SPIN_VARIABLE_DATABASE_URL"
        )
    })
}

/// Digits of a password.
pub const PASSWORD_DIGITS: usize = 48;

/// 192 random bits, in hexadecimal digits.
pub fn new_password() -> Result<String> {
    let mut bytes = [0; PASSWORD_DIGITS / 2];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("read random bytes")?;
    Ok(hex(&bytes))
}
