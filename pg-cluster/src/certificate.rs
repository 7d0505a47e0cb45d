//! Which certificate a member serves.

use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};
use serde::Serialize;

/// Whether a member serves the certificate that its Secret holds, and trusts whom it names.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    #[default]
    Unknown,
    Served,
    /// Its file is newer than PostgreSQL's last reload.
    NotLoaded,
    /// The kubelet has not brought the file yet.
    Awaited,
}

impl State {
    pub fn is_behind(self) -> bool {
        matches!(self, Self::NotLoaded | Self::Awaited)
    }
}

/// The files that a member's PostgreSQL reads its certificate and its CAs' from. The kubelet renews
/// them together.
#[derive(Clone, Debug)]
pub struct File {
    /// Of both, one after the other.
    pub digest: String,
    /// Seconds since 1970, by the node's clock.
    pub written: f64,
}

impl File {
    /// From `DIGEST - SECONDS`.
    pub fn parse(line: &str) -> Option<Self> {
        let (digest, written) = line.split_once(" - ")?;
        Some(Self { digest: digest.to_owned(), written: written.trim().parse().ok()? })
    }
}

pub fn digest_of(text: &str) -> String {
    HEXLOWER.encode(digest(&SHA256, text.as_bytes()).as_ref())
}

/// Whether it serves the certificate with this digest, which is None for whoever may not know it.
pub fn state(file: Option<&File>, loaded: Option<f64>, digest: Option<&str>) -> State {
    let (Some(file), Some(loaded)) = (file, loaded) else { return State::Unknown };
    if digest.is_some_and(|digest| digest != file.digest) {
        State::Awaited
    } else if file.written > loaded {
        State::NotLoaded
    } else {
        State::Served
    }
}
