//! One password.

use std::fmt;

use anyhow::{Context, Result};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Deserialize;

/// 24 of 64 characters: 144 bits.
const LENGTH: usize = 24;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A password that no log and no error shows.
#[derive(Clone, Deserialize, PartialEq)]
#[serde(try_from = "String")]
pub struct Password(String);

impl Password {
    pub fn generate() -> Result<Self> {
        let mut bytes = [0; LENGTH];
        SystemRandom::new().fill(&mut bytes).ok().context("ask the system for random bytes")?;
        Ok(Self(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 64)])).collect()))
    }

    /// One that is in use already, however it is spelt.
    pub fn kept(text: String) -> Self {
        Self(text)
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Password {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fits = text.len() >= 12 && text.bytes().all(|byte| ALPHABET.contains(&byte));
        if fits {
            Ok(Self(text))
        } else {
            Err("a password doesn't fit: write 12 or more of A-Z, a-z, 0-9, - and _")
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}
