//! SCRAM-SHA-256 verifiers (RFC 5803), so that no password is ever sent to
//! the server in the clear, not even inside `CREATE ROLE`.

use std::num::NonZeroU32;

use anyhow::{Context, Result};
use data_encoding::BASE64;
use ring::{
    digest::{SHA256, digest},
    hmac, pbkdf2,
    rand::{SecureRandom, SystemRandom},
};

const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();

/// A verifier with a salt of its own.
pub fn verifier(password: &str) -> Result<String> {
    let mut salt = [0; 16];
    SystemRandom::new().fill(&mut salt).ok().context("ask the system for random bytes")?;
    Ok(with_salt(password, &salt, ITERATIONS))
}

/// Whether `stored`, from `pg_authid`, is a verifier of `password`.
pub fn matches(stored: &str, password: &str) -> bool {
    let parsed = stored.strip_prefix("SCRAM-SHA-256$").and_then(|rest| {
        let (iterations, salt) = rest.split_once('$')?.0.split_once(':')?;
        Some((iterations.parse().ok()?, BASE64.decode(salt.as_bytes()).ok()?))
    });
    parsed.is_some_and(|(iterations, salt)| with_salt(password, &salt, iterations) == stored)
}

fn with_salt(password: &str, salt: &[u8], iterations: NonZeroU32) -> String {
    let mut salted = [0; 32];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, salt, password.as_bytes(), &mut salted);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &salted);
    let client_key = hmac::sign(&key, b"Client Key");
    let stored_key = digest(&SHA256, client_key.as_ref());
    let server_key = hmac::sign(&key, b"Server Key");
    format!(
        "SCRAM-SHA-256${iterations}:{}${}:{}",
        BASE64.encode(salt),
        BASE64.encode(stored_key.as_ref()),
        BASE64.encode(server_key.as_ref())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677's example: user `user`, password `pencil`.
    #[test]
    fn it_is_the_verifier_of_the_rfc() {
        let verifier =
            with_salt("pencil", &BASE64.decode(b"W22ZaJ0SNY7soEsUEjb6gQ==").unwrap(), ITERATIONS);
        assert_eq!(
            verifier,
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        );
    }

    #[test]
    fn a_verifier_matches_its_password_only() {
        let verifier = verifier("right-password").unwrap();
        assert!(matches(&verifier, "right-password"));
        assert!(!matches(&verifier, "wrong-password"));
        assert!(!matches("md5abc", "right-password"));
    }
}
