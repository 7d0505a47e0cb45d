//! The CA that signs, and while it is replaced the one that comes or the one that goes. Which step a
//! rotation has taken is read from the Secret `<name>-ca` alone.

use std::collections::BTreeMap;

use anyhow::Result;
use jiff::Timestamp;

use crate::{env::Env, tls::Authority};

pub struct Authorities {
    pub signing: Authority,
    pub beside: Beside,
}

/// Whom members and clients trust beside the one that signs.
pub enum Beside {
    Nobody,
    /// Trusted, and signs nothing yet.
    Next(Authority),
    /// Still trusted, for those who hold what it signed; its key is gone.
    Previous(String),
}

impl Authorities {
    pub fn of(signing: Authority) -> Self {
        Self { signing, beside: Beside::Nobody }
    }

    /// What the CA's Secret holds. Without that Secret the CA that `trusted` names stays, though
    /// nobody has its key.
    pub fn read(value: impl Fn(&str) -> Option<String>, trusted: Option<String>) -> Option<Self> {
        let signing = Authority { certificate: value("ca.crt").or(trusted)?, key: value("ca.key") };
        let beside = match (value("next.crt"), value("next.key"), value("previous.crt")) {
            (Some(certificate), Some(key), _) => {
                Beside::Next(Authority { certificate, key: Some(key) })
            }
            (_, _, Some(previous)) => Beside::Previous(previous),
            _ => Beside::Nobody,
        };
        Some(Self { signing, beside })
    }

    /// What the CA's Secret is to hold.
    pub fn values(&self) -> BTreeMap<&'static str, &str> {
        let mut values = BTreeMap::from([("ca.crt", self.signing.certificate.as_str())]);
        values.extend(self.signing.key.as_deref().map(|key| ("ca.key", key)));
        match &self.beside {
            Beside::Nobody => {}
            Beside::Next(next) => {
                values.insert("next.crt", &next.certificate);
                values.extend(next.key.as_deref().map(|key| ("next.key", key)));
            }
            Beside::Previous(previous) => {
                values.insert("previous.crt", previous);
            }
        }
        values
    }

    /// The certificates of all that are trusted. The one that signs is the first, for who reads no
    /// further.
    pub fn bundle(&self) -> String {
        let other = match &self.beside {
            Beside::Nobody => "",
            Beside::Next(next) => &next.certificate,
            Beside::Previous(previous) => previous,
        };
        format!("{}{other}", self.signing.certificate)
    }

    /// The next step of a rotation.
    pub fn advance(self, env: &Env, now: Timestamp) -> Result<Self> {
        Ok(match self.beside {
            Beside::Nobody => Self { beside: Beside::Next(Authority::generate(env, now)?), ..self },
            Beside::Next(next) => {
                Self { signing: next, beside: Beside::Previous(self.signing.certificate) }
            }
            Beside::Previous(_) => Self { beside: Beside::Nobody, ..self },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::is_issued_by;

    fn stored(authorities: &Authorities) -> BTreeMap<String, String> {
        let values = authorities.values().into_iter();
        values.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    fn read(stored: &BTreeMap<String, String>) -> Authorities {
        Authorities::read(|key| stored.get(key).cloned(), None).unwrap()
    }

    #[test]
    fn whoever_trusts_a_bundle_trusts_what_is_signed_before_and_after_the_next_step() {
        let env = Env::parse("name = \"a\"\nimage = \"a:1\"", "dev").unwrap();
        let now = Timestamp::now();
        let first = Authorities::of(Authority::generate(&env, now).unwrap());
        let first_ca = first.signing.certificate.clone();
        let mut served = vec![first.signing.issue(&env, now).unwrap().certificate];
        let mut stored_now = stored(&first);
        let mut keys = Vec::new();
        for _ in 0..3 {
            let before = read(&stored_now).bundle();
            // What was stored is what a run that was interrupted goes on from.
            stored_now = stored(&read(&stored_now).advance(&env, now).unwrap());
            keys.push(stored_now.keys().cloned().collect::<Vec<_>>().join(" "));
            let after = read(&stored_now);
            let certificate = after.signing.issue(&env, now).unwrap().certificate;
            let last = served.last().unwrap();
            for bundle in [&before, &after.bundle()] {
                assert!(is_issued_by(&certificate, bundle), "{keys:?}");
                assert!(is_issued_by(last, bundle), "{keys:?}");
            }
            served.push(certificate);
        }
        assert_eq!(
            keys,
            ["ca.crt ca.key next.crt next.key", "ca.crt ca.key previous.crt", "ca.crt ca.key"]
        );
        let last = read(&stored_now).bundle();
        assert!(!is_issued_by(&served[0], &last) && !last.contains(&first_ca));
        assert!(!is_issued_by(served.last().unwrap(), &first_ca));
    }

    #[test]
    fn a_ca_whose_secret_is_gone_stays_trusted_and_signs_nothing() {
        let env = Env::parse("name = \"a\"\nimage = \"a:1\"", "dev").unwrap();
        let now = Timestamp::now();
        let lost = Authorities::read(|_| None, Some("old".into())).unwrap();
        assert_eq!(lost.bundle(), "old");
        let error = lost.signing.issue(&env, now).err().unwrap().to_string();
        assert!(error.contains("rotate-ca"), "{error}");
        let next = lost.advance(&env, now).unwrap();
        assert!(next.bundle().starts_with("old") && stored(&next).contains_key("next.key"));
    }
}
