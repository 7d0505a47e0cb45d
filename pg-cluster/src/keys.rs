//! What opens the archive: the key of its bucket, and the cipher's.

use std::fmt;

use anyhow::{Result, bail};
use serde::Deserialize;

use crate::password::Password;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenKeys {
    pub key: AccessKey,
    pub secret: AccessKey,
}

/// A part of an access key, as its cloud made it.
#[derive(Clone, Deserialize, PartialEq)]
#[serde(try_from = "String")]
pub struct AccessKey(String);

impl AccessKey {
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AccessKey {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fits = !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_graphic() && !b"#[]\"'\\".contains(&b));
        fits.then_some(Self(text)).ok_or("an access key doesn't fit: write it in one piece")
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKey(…)")
    }
}

/// What opens the archive.
#[derive(Clone, Debug)]
pub struct ArchiveKeys {
    pub key: AccessKey,
    pub secret: AccessKey,
    /// Without it nobody reads what was archived.
    pub cipher: Password,
}

impl ArchiveKeys {
    /// `live` looks up what the Secret has.
    pub fn resolve(
        own: bool,
        given: Option<&GivenKeys>,
        live: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let (key, secret) = match given {
            Some(given) => (given.key.clone(), given.secret.clone()),
            None if own => {
                let kept_or_new = |name| match live(name) {
                    Some(old) => anyhow::Ok(AccessKey(old)),
                    None => Ok(AccessKey(Password::generate()?.expose().to_owned())),
                };
                (kept_or_new("key")?, kept_or_new("secret")?)
            }
            None => bail!(
                "[backup] names a bucket: write its key and secret under `backup` in secrets.yaml"
            ),
        };
        let cipher = live("cipher").map_or_else(Password::generate, |old| {
            Password::try_from(old).map_err(anyhow::Error::msg)
        })?;
        Ok(Self { key, secret, cipher })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_of_somebody_elses_needs_its_key_and_what_is_there_is_kept() {
        let nothing = |_: &str| None;
        let error = ArchiveKeys::resolve(false, None, nothing).unwrap_err().to_string();
        assert!(error.contains("under `backup` in secrets.yaml"), "{error}");
        let made = ArchiveKeys::resolve(true, None, nothing).unwrap();
        let kept = |name: &str| {
            Some(match name {
                "key" => made.key.expose().to_owned(),
                "secret" => made.secret.expose().to_owned(),
                _ => made.cipher.expose().to_owned(),
            })
        };
        let again = ArchiveKeys::resolve(true, None, kept).unwrap();
        assert_eq!((&again.key, &again.cipher), (&made.key, &made.cipher));
        assert!(!format!("{again:?}").contains(again.secret.expose()));
    }

    #[test]
    fn a_key_of_a_cloud_fits_and_one_with_a_line_break_does_not() {
        assert!(AccessKey::try_from("wJalrXUtnFEMI/K7MDENG+bPxRfiCY=".to_owned()).is_ok());
        for wrong in ["", "a b", "a\nrepo1-path=/", "[x]"] {
            assert!(AccessKey::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
