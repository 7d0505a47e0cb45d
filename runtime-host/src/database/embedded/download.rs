//! PostgreSQL's programs from Maven Central: the jars of zonky's embedded-postgres-binaries, each
//! a zip with one `.txz` in it.

use std::io::{Cursor, Read as _};
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use liblzma::read::XzDecoder;
use sha2::{Digest as _, Sha512};
use zip::ZipArchive;

use crate::download::{aside, get};
use crate::hex::hex;

const MAVEN: &str = "https://repo1.maven.org/maven2/io/zonky/test/postgres";
/// By major version, the newest of each when this host was released.
const RELEASES: [(u32, &str); 4] =
    [(15, "15.19.0"), (16, "16.15.0"), (17, "17.11.0"), (18, "18.6.0")];
/// Several times what a jar has.
const LARGEST: u64 = 200 << 20;

/// Fetches a major version, checks its digest and unpacks it into `target`, which is there
/// afterwards as a whole or not at all. Gives the version.
pub async fn download(major: u32, target: &Path) -> Result<&'static str> {
    let (_, version) = RELEASES
        .into_iter()
        .find(|(known, _)| *known == major)
        .ok_or_else(|| anyhow!("there is no download of PostgreSQL {major}"))?;
    let platform = platform()?;
    let target = target.to_owned();
    aside(move || fetch(&platform, version).and_then(|jar| unpack(jar, &target))).await?;
    Ok(version)
}

/// As the jars are named.
fn platform() -> Result<String> {
    let os = match std::env::consts::OS {
        "macos" => "darwin",
        "linux" if cfg!(target_env = "musl") => bail!("there is no download for musl"),
        os => os,
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64v8",
        arch => arch,
    };
    Ok(format!("{os}-{arch}"))
}

fn fetch(platform: &str, version: &str) -> Result<Vec<u8>> {
    let artifact = format!("embedded-postgres-binaries-{platform}");
    let url = format!("{MAVEN}/{artifact}/{version}/{artifact}-{version}.jar");
    let jar = get(&url, LARGEST)?;
    let wanted = get(&format!("{url}.sha512"), LARGEST)?;
    let wanted = String::from_utf8_lossy(&wanted).trim().to_owned();
    let found = hex(&Sha512::digest(&jar));
    ensure!(found == wanted, "{url} has the SHA-512 {found} rather than {wanted}");
    Ok(jar)
}

fn unpack(jar: Vec<u8>, target: &Path) -> Result<()> {
    let mut jar = ZipArchive::new(Cursor::new(jar)).context("read the jar")?;
    let is_archive = |name: &&str| Path::new(name).extension().is_some_and(|it| it == "txz");
    let archive = jar
        .file_names_raw()
        .filter_map(|name| std::str::from_utf8(name).ok())
        .find(is_archive)
        .map(str::to_owned)
        .context("the jar has no .txz in it")?;
    let mut bytes = Vec::new();
    jar.by_name(&archive)
        .context("read the jar")?
        .read_to_end(&mut bytes)
        .context("read the jar")?;
    let folder = target.parent().context("find the folder for it")?;
    let unpacked = tempfile::tempdir_in(folder).context("make a folder for it")?;
    tar::Archive::new(XzDecoder::new(&*bytes)).unpack(unpacked.path()).context("unpack it")?;
    if target.exists() {
        std::fs::remove_dir_all(target).context("remove a broken download")?;
    }
    std::fs::rename(unpacked.keep(), target).context("keep it")
}
