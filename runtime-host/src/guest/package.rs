//! What is loaded at once: the components of an application with their files. It travels as one
//! run of bytes: a component alone as it is, more than that as a tar archive, in which the same
//! content has the same bytes.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use tar::{Archive, Builder, EntryType, Header};

use crate::guest::unfit::Unfit;

const COMPONENT: &str = "component.wasm";
const FILES: &str = "files";
/// Where tar has its magic, and which.
const MAGIC: (std::ops::Range<usize>, &[u8]) = (257..262, b"ustar");
/// Files that a package may have.
const MAX_FILES: usize = 10_000;

/// One component of a package.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Part {
    pub id: String,
    pub component: Vec<u8>,
    /// By their paths in the component, without a slash before them.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// The bytes of a package; its parts are in the order of their names.
pub fn pack(parts: &[Part]) -> Result<Vec<u8>> {
    if let [only] = parts
        && only.files.is_empty()
    {
        return Ok(only.component.clone());
    }
    if parts.iter().map(|part| 1 + part.files.len()).sum::<usize>() > MAX_FILES {
        bail!("the components have more than {MAX_FILES} files together");
    }
    let mut archive = Builder::new(Vec::new());
    for part in parts {
        append(&mut archive, &format!("{}/{COMPONENT}", part.id), &part.component)?;
        for (path, content) in &part.files {
            append(&mut archive, &format!("{}/{FILES}/{path}", part.id), content)?;
        }
    }
    archive.into_inner().context("pack the components")
}

/// Nothing of the file but its name and content, so that the archive depends on nothing else.
fn append(archive: &mut Builder<Vec<u8>>, path: &str, content: &[u8]) -> Result<()> {
    let mut header = Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, path, content).with_context(|| format!("pack {path}"))
}

/// The parts of a package, for an application whose components have these names. A lone component
/// is the only one's.
pub fn unpack(bytes: Vec<u8>, ids: &[&str]) -> Result<Vec<Part>, Unfit> {
    let (place, magic) = MAGIC;
    let parts = match ids {
        _ if bytes.get(place) == Some(magic) => entries(&bytes).map_err(Unfit::Kind)?,
        [only] => {
            let id = (*only).to_owned();
            vec![Part { id, component: bytes, files: BTreeMap::new() }]
        }
        _ => {
            return Err(Unfit::Surroundings(anyhow!(
                "it is one component, and the manifest here has {}: push all of them, as \
                 `runtime-host push` does",
                ids.join(", ")
            )));
        }
    };
    let found: Vec<&str> = parts.iter().map(|part| part.id.as_str()).collect();
    if found != ids {
        return Err(Unfit::Surroundings(anyhow!(
            "it has the components {}, and the manifest here has {}: deploy the edge tier with the \
             manifest that was pushed",
            found.join(", "),
            ids.join(", ")
        )));
    }
    Ok(parts)
}

fn entries(bytes: &[u8]) -> Result<Vec<Part>> {
    const DAMAGED: &str = "it is damaged: push it again";
    let mut parts: BTreeMap<String, Part> = BTreeMap::new();
    let mut count = 0;
    for entry in Archive::new(bytes).entries().context(DAMAGED)? {
        let mut entry = entry.context(DAMAGED)?;
        let path = entry.path().context(DAMAGED)?.into_owned();
        let clean = inside(&path).filter(|_| entry.header().entry_type() == EntryType::Regular);
        let clean = clean.as_deref().and_then(Path::to_str);
        let Some((id, name)) = clean.and_then(|path| path.split_once('/')) else {
            bail!("it has {} in it, which is no file of a component", path.display());
        };
        count += 1;
        if count > MAX_FILES {
            bail!("it has more than {MAX_FILES} files");
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content).context(DAMAGED)?;
        let part = parts.entry(id.to_owned()).or_default();
        id.clone_into(&mut part.id);
        match name.split_once('/') {
            None if name == COMPONENT => part.component = content,
            Some((FILES, path)) => {
                part.files.insert(path.to_owned(), content);
            }
            _ => bail!("it has {} in it, which is no file of a component", path.display()),
        }
    }
    Ok(parts.into_values().collect())
}

/// The path without `.`, unless it leads out of its folder.
pub fn inside(path: &Path) -> Option<PathBuf> {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => clean.push(name),
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(id: &str, files: &[(&str, &str)]) -> Part {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
        Part { id: id.to_owned(), component: b"\0asm".to_vec(), files: files.collect() }
    }

    fn parts() -> Vec<Part> {
        let long = format!("{}/{}", "folder".repeat(20), "name".repeat(30));
        vec![part("a", &[("index.html", "<p>"), (&long, "")]), part("b", &[])]
    }

    #[test]
    fn what_is_packed_comes_out() {
        assert_eq!(unpack(pack(&parts()).unwrap(), &["a", "b"]).unwrap(), parts());
        assert_eq!(pack(&parts()).unwrap(), pack(&parts()).unwrap());
        let one = || vec![part("a", &[("b", "c")])];
        assert_eq!(unpack(pack(&one()).unwrap(), &["a"]).unwrap(), one());
    }

    #[test]
    fn a_component_alone_is_itself() {
        let alone = pack(&[part("a", &[])]).unwrap();
        assert_eq!(alone, b"\0asm");
        assert_eq!(unpack(alone, &["other"]).unwrap(), [part("other", &[])]);
    }

    #[test]
    fn what_does_not_fit_the_manifest_is_refused() {
        let error = |bytes, ids: &[&str]| unpack(bytes, ids).unwrap_err().to_string();
        assert!(error(b"\0asm".to_vec(), &["a", "b"]).contains("push all of them"));
        assert!(error(pack(&parts()).unwrap(), &["a"]).contains("has a: deploy"));
        assert!(error(pack(&parts()).unwrap(), &["a", "b", "c"]).contains("components a, b, and"));
    }

    #[test]
    fn no_file_leads_elsewhere() {
        for (path, kind) in [
            ("a/files/../../../etc/passwd", EntryType::Regular),
            ("/etc/passwd", EntryType::Regular),
            ("a/other.wasm", EntryType::Regular),
            ("a", EntryType::Regular),
            ("a/files/link", EntryType::Symlink),
        ] {
            let mut archive = Builder::new(Vec::new());
            let mut header = Header::new_gnu();
            header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(kind);
            header.set_size(0);
            header.set_cksum();
            archive.append(&header, &b""[..]).unwrap();
            let error = unpack(archive.into_inner().unwrap(), &["a"]).unwrap_err().to_string();
            assert!(error.contains("no file of a component"), "{path}: {error}");
        }
        let mut cut = pack(&parts()).unwrap();
        cut.truncate(900);
        assert!(unpack(cut, &["a", "b"]).unwrap_err().to_string().contains("damaged"));
    }
}
