//! SHA-256 of a component, by which it is known everywhere.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::hex::hex;

/// Hexadecimal digits that are shown.
const SHORT: usize = 12;
const PREFIX: &str = "sha256:";

/// The digest of a component's bytes, before any compression. Displayed by its
/// first 12 hexadecimal digits; written down as `sha256:` and all 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Reads 64 hexadecimal digits, with `sha256:` before them or without.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.strip_prefix(PREFIX).unwrap_or(text);
        let invalid = || {
            format!(
                "{text:?} is no SHA-256: write its 64 hexadecimal digits (sha256sum prints them)"
            )
        };
        if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(invalid());
        }
        let mut bytes = [0; 32];
        for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| invalid())?;
        }
        Ok(Self(bytes))
    }

    /// `sha256:` and 64 digits.
    pub fn full(&self) -> String {
        format!("{PREFIX}{}", hex(&self.0))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0)[..SHORT])
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.full())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use crate::digest::Digest;

    #[test]
    fn a_digest_is_shown_short_and_written_in_full() {
        let digest = Digest::of(b"");
        assert_eq!(digest.to_string(), "e3b0c44298fc");
        assert!(digest.full().starts_with("sha256:e3b0c44298fc1c149afbf4c8996fb924"));
        assert_eq!(Digest::parse(&digest.full()), Ok(digest));
        assert_eq!(Digest::parse(&format!(" {}\n", &digest.full()[7..])), Ok(digest));
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for text in ["", "e3b0c44298fc", &"g".repeat(64), &"ä".repeat(32), &"+1".repeat(32)] {
            assert!(Digest::parse(text).is_err(), "{text}");
        }
    }
}
