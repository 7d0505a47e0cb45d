//! What opens the archive: the key of its bucket, and the cipher's.

use std::fmt;

use anyhow::{Result, bail};
use serde::Deserialize;

use crate::{env::Backup, password::Password};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessKeys {
    pub key: AccessKey,
    /// None of Azure's, which is one key.
    pub secret: Option<AccessKey>,
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
    /// None where the bucket knows the pods themselves.
    pub access: Option<AccessKeys>,
    /// Without it nobody reads what was archived.
    pub cipher: Password,
}

impl ArchiveKeys {
    /// `live` looks up what the Secret has.
    pub fn resolve(
        backup: &Backup,
        given: Option<&AccessKeys>,
        live: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let access = match (given, backup) {
            (None, Backup { gcs: Some(_), .. }) => None,
            (Some(_), Backup { gcs: Some(_), .. }) => {
                bail!("backup.gcs knows its pods without a key: take `backup` out of secrets.yaml")
            }
            (Some(AccessKeys { secret: Some(_), .. }), Backup { azure: Some(_), .. }) => {
                bail!(
                    "backup.azure takes one key: write it as `key` under `backup` in secrets.yaml, and no secret"
                )
            }
            (None, Backup { azure: Some(_), .. }) => bail!(
                "[backup] names a container of Azure's: write its key (or SAS) as `key` under `backup` in secrets.yaml"
            ),
            (Some(given), Backup { azure, .. }) if given.secret.is_some() || azure.is_some() => {
                Some(given.clone())
            }
            (Some(_), _) => bail!("`backup` in secrets.yaml lacks the `secret` of its key"),
            (None, Backup { own: Some(_), .. }) => {
                let kept_or_new = |name| match live(name) {
                    Some(old) => anyhow::Ok(AccessKey(old)),
                    None => Ok(AccessKey(Password::generate()?.expose().to_owned())),
                };
                Some(AccessKeys { key: kept_or_new("key")?, secret: Some(kept_or_new("secret")?) })
            }
            (None, _) => bail!(
                "[backup] names a bucket: write its key and secret under `backup` in secrets.yaml"
            ),
        };
        let cipher = live("cipher").map_or_else(Password::generate, |old| {
            Password::try_from(old).map_err(anyhow::Error::msg)
        })?;
        Ok(Self { access, cipher })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Backup {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_bucket_of_somebody_elses_needs_its_key_and_what_is_there_is_kept() {
        let nothing = |_: &str| None;
        let s3 = place("s3 = { bucket = \"b\", endpoint = \"e\", region = \"r\" }");
        let error = ArchiveKeys::resolve(&s3, None, nothing).unwrap_err().to_string();
        assert!(error.contains("under `backup` in secrets.yaml"), "{error}");
        let own = place("own = { image = \"s3:1\", storage = \"1Gi\" }");
        let made = ArchiveKeys::resolve(&own, None, nothing).unwrap();
        let access = made.access.clone().unwrap();
        let kept = |name: &str| {
            Some(match name {
                "key" => access.key.expose().to_owned(),
                "secret" => access.secret.as_ref().unwrap().expose().to_owned(),
                _ => made.cipher.expose().to_owned(),
            })
        };
        let again = ArchiveKeys::resolve(&own, None, kept).unwrap();
        assert_eq!(again.cipher, made.cipher);
        assert!(again.access.is_some_and(|it| it.key == access.key && it.secret == access.secret));
        assert!(!format!("{made:?}").contains(access.secret.unwrap().expose()));
    }

    #[test]
    fn a_bucket_that_knows_its_pods_has_no_key() {
        let gcs = place("gcs = { bucket = \"b\" }");
        assert!(ArchiveKeys::resolve(&gcs, None, |_| None).unwrap().access.is_none());
        let key = |text: &str| AccessKey::try_from(text.to_owned()).unwrap();
        let given = AccessKeys { key: key("a"), secret: Some(key("b")) };
        let error = ArchiveKeys::resolve(&gcs, Some(&given), |_| None).unwrap_err().to_string();
        assert!(error.contains("take `backup` out of secrets.yaml"), "{error}");
    }

    #[test]
    fn azure_takes_one_key_and_s3_two_parts() {
        let (azure, s3) = (
            place("azure = { account = \"a\", container = \"c\" }"),
            place("s3 = { bucket = \"b\", endpoint = \"e\", region = \"r\" }"),
        );
        let part = || AccessKey::try_from("sv=1&sig=a%3D".to_owned()).unwrap();
        let one = AccessKeys { key: part(), secret: None };
        let two = AccessKeys { key: part(), secret: Some(part()) };
        assert!(ArchiveKeys::resolve(&azure, Some(&one), |_| None).unwrap().access.is_some());
        for (place, given, said) in [
            (&azure, Some(&two), "and no secret"),
            (&azure, None, "write its key (or SAS)"),
            (&s3, Some(&one), "lacks the `secret`"),
        ] {
            let error = ArchiveKeys::resolve(place, given, |_| None).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn a_key_of_a_cloud_fits_and_one_with_a_line_break_does_not() {
        assert!(AccessKey::try_from("wJalrXUtnFEMI/K7MDENG+bPxRfiCY=".to_owned()).is_ok());
        for wrong in ["", "a b", "a\nrepo1-path=/", "[x]"] {
            assert!(AccessKey::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
