//! Files from elsewhere, by HTTP.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::sync::oneshot;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// For all of it: 15 MB come within that on any line that is worth waiting for.
const TIMEOUT: Duration = Duration::from_mins(10);

/// Does what waits, in a thread of its own: for one of its own, the runtime would wait when the
/// host stops.
pub async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let (done, result) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = done.send(work());
    });
    result.await.context("wait for the download")?
}

/// What is there, up to `largest` bytes. It waits.
pub fn get(url: &str, largest: u64) -> Result<Vec<u8>> {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::NativeTls)
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    let agent: Agent = Agent::config_builder()
        .tls_config(tls)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_global(Some(TIMEOUT))
        .build()
        .into();
    let mut answer = agent.get(url).call().with_context(|| format!("fetch {url}"))?;
    let body = answer.body_mut().with_config().limit(largest).read_to_vec();
    body.with_context(|| format!("fetch {url}"))
}
