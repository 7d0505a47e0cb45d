//! Files from elsewhere, by HTTP.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::sync::oneshot;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use url::Url;

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
    let context = || format!("fetch {}", shown(url));
    let mut answer = agent.get(url).call().with_context(context)?;
    let body = answer.body_mut().with_config().limit(largest).read_to_vec();
    body.with_context(context)
}

/// A URL without what may be secret in it: a password, and a query that signs it.
pub fn shown(url: &str) -> String {
    let Ok(mut plain) = Url::parse(url) else { return "a URL that cannot be read".to_owned() };
    // A URL that has no room for them has none.
    let _ = plain.set_username("");
    let _ = plain.set_password(None);
    plain.set_query(None);
    plain.set_fragment(None);
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        for (url, text) in [
            ("https://a.example/b.wasm", "https://a.example/b.wasm"),
            ("https://u:hunter2@a.example:8/b.wasm?sig=hunter2#x", "https://a.example:8/b.wasm"),
            ("hunter2", "a URL that cannot be read"),
        ] {
            assert_eq!(shown(url), text);
        }
    }
}
