//! The `.env` file beside a manifest: read without touching the process's
//! environment, and written line by line, so that what others wrote stays.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Result;

use crate::error::misconfigured;
use kit::file;

/// Beside the manifest.
pub const NAME: &str = ".env";

/// What some editors begin a file with.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads all values; a missing file has none.
pub fn read(path: &Path) -> Result<HashMap<String, String>> {
    dotenvy::from_read_iter(text(path)?.as_bytes())
        .enumerate()
        .map(|(index, line)| {
            // dotenvy's own words quote the line, which may hold a secret.
            line.map_err(|_| {
                misconfigured!(
                    "{}: value {} cannot be read: write NAME='value' on a line of its own",
                    path.display(),
                    index + 1
                )
            })
        })
        .collect()
}

/// All that is in the file; nothing if there is none.
fn text(path: &Path) -> Result<String> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(String::new()),
        Err(error) if error.kind() == ErrorKind::IsADirectory => {
            return Err(misconfigured!(
                "{} is a folder: the host keeps values in a file of this name, so move the folder",
                path.display()
            ));
        }
        Err(error) => return Err(misconfigured!("cannot read {}: {error}", path.display())),
    };
    let text = String::from_utf8(bytes).map_err(|error| {
        // Its own words quote nothing, but the bytes are with it.
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.split(|byte| *byte == b'\n').count();
        misconfigured!("{}: line {line} is no UTF-8: save the file as UTF-8", path.display())
    })?;
    Ok(text.strip_prefix(BYTE_ORDER_MARK).map(str::to_owned).unwrap_or(text))
}

/// Sets one value and keeps every other line. The file is replaced in one step
/// and is for its owner only.
pub fn set(path: &Path, name: &str, value: &str) -> Result<()> {
    file::replace_for_good(path, replace(&text(path)?, name, value))
}

fn replace(old: &str, name: &str, value: &str) -> String {
    let line = format!("{name}={}", quote(value));
    let mut done = false;
    let mut text = String::new();
    for old in old.lines() {
        if !sets(old, name) {
            text.push_str(old);
        } else if done {
            continue; // a second one would win over the first
        } else {
            text.push_str(&line);
            done = true;
        }
        text.push('\n');
    }
    if !done {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// Whether a line gives `name` a value.
fn sets(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
}

/// Double quotes, in which dotenvy takes a backslash before what would mean
/// something. (In single quotes it does not take every backslash itself.)
fn quote(value: &str) -> String {
    let mut quoted = String::from('"');
    for character in value.chars() {
        if matches!(character, '\\' | '"' | '$') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> HashMap<String, String> {
        dotenvy::from_read_iter(text.as_bytes()).map(Result::unwrap).collect()
    }

    #[test]
    fn other_lines_stay_as_they_are() {
        let old = "# a comment\nOTHER=1\n  export NAME = 'old'\n\nNAMES=2\nNAME=again";
        assert_eq!(replace(old, "NAME", "new"), "# a comment\nOTHER=1\nNAME=\"new\"\n\nNAMES=2\n");
        assert_eq!(replace("A=1", "NAME", "x"), "A=1\nNAME=\"x\"\n");
        assert_eq!(replace("", "NAME", "x"), "NAME=\"x\"\n");
    }

    #[test]
    fn the_last_line_of_a_name_does_not_win_over_the_set_one() {
        let text = replace("NAME=a\nNAME=b\nNAME=c", "NAME", "new");
        assert_eq!(text, "NAME=\"new\"\n");
    }

    #[test]
    fn a_file_that_is_no_text_is_told_for_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        assert!(read(&path).unwrap().is_empty());
        std::fs::write(&path, "\u{feff}NAME=a\n").unwrap();
        assert_eq!(read(&path).unwrap()["NAME"], "a");
        set(&path, "NAME", "b").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "NAME=\"b\"\n");
        for (bytes, says) in [
            (&b"A=1\nB=gr\xfcn\n"[..], "line 2 is no UTF-8"),
            (b"\xff\xfeA\0=\x001\0", "line 1 is no UTF-8"),
            (b"A=1\nnonsense\n", "value 2 cannot be read"),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("is a folder"));
        assert!(set(&path, "NAME", "b").unwrap_err().to_string().contains("is a folder"));
    }

    proptest! {
        #[test]
        fn every_value_is_read_back(value in "[^\u{0}\r\n]{0,40}", other in "[a-z0-9]{1,9}") {
            let text = replace(&format!("OTHER={other}\n"), "NAME", &value);
            let values = parse(&text);
            prop_assert_eq!(&values["NAME"], &value);
            prop_assert_eq!(&values["OTHER"], &other);
        }
    }
}
