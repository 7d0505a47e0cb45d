//! Which certificate a member serves, and how it comes to serve a new one.

use std::time::Duration;

use anyhow::Result;
use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};
use serde::Serialize;

use crate::{cluster::Cluster, commands::members, health::Member, objects::names, progress::Wait};

/// A pod's annotation: the certificate that it was last told of.
const ANNOTATION: &str = "todoozle.dev/certificate";
const RELOAD_LIMIT: Duration = Duration::from_secs(10);

/// Whether a member serves the certificate that its Secret holds.
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

/// The file that a member's PostgreSQL reads its certificate from.
#[derive(Clone, Debug)]
pub struct File {
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

pub fn digest_of(certificate: &str) -> String {
    HEXLOWER.encode(digest(&SHA256, certificate.as_bytes()).as_ref())
}

/// Whether it serves the certificate with this digest, which is None for whoever may not know it.
pub fn state(member: &Member, digest: Option<&str>) -> State {
    let (Some(file), Some(answer)) = (&member.certificate_file, &member.answer) else {
        return State::Unknown;
    };
    if digest.is_some_and(|digest| digest != file.digest) {
        State::Awaited
    } else if file.written > answer.loaded {
        State::NotLoaded
    } else {
        State::Served
    }
}

/// Waits until every member serves the certificate of the Secret; a renewed one has to get there
/// first, and is then loaded without a restart.
pub async fn served(cluster: &Cluster) -> Result<Wait<()>> {
    let name = names::certificate(&cluster.env);
    let digest = cluster.secret(&name, "tls.crt").await?.as_deref().map(digest_of);
    let digest = digest.unwrap_or_default();
    let mut awaited = Vec::new();
    for member in members(cluster).await?.members {
        match member.certificate {
            State::Served | State::Unknown => continue,
            // A kubelet looks every minute or so, and at once when the pod changes.
            State::Awaited => cluster.annotate(&member.name, ANNOTATION, &digest).await?,
            State::NotLoaded => {
                let reload = "select pg_reload_conf();";
                cluster.sql(&member.name, "postgres", reload, RELOAD_LIMIT).await?;
            }
        }
        awaited.push(member.name);
    }
    Ok(if awaited.is_empty() { Wait::Over(()) } else { Wait::For(awaited.join(", ")) })
}
