//! How a pod gets a version: it fetches and checks it, for as long as something is missing only for now.

use std::time::Duration;

use crate::deploy::release::Release;
use crate::deploy::rollout::cached::Cached;
use crate::deploy::rollout::pod::Pod;
use crate::deploy::rollout::refusal::Refusal;
use crate::deploy::rollout::report::Report;

/// Between two tries of a version that lacks something: doubled each time.
const RETRY: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(15)];

/// Fetches and checks a version. The error says why it is not to be served.
pub async fn obtain<P: Pod>(
    pod: &P,
    cached: &Cached,
    report: &Report,
    release: &Release,
) -> Result<P::Version, String> {
    patiently(report, release, async || {
        let bytes = pod.fetch(release).await?;
        // Whatever ends the process from here on may be the version's doing.
        let begun = cached.begin(release, &bytes);
        if let Err(error) = begun {
            tracing::warn!("the version cannot be kept for the next start: {error:#}");
        }
        let checked = pod.check(release, bytes).await;
        if checked.is_err() {
            cached.end(release.digest);
        }
        checked
    })
    .await
}

/// Tries until it is known whether a version may be served.
pub async fn patiently<T>(
    report: &Report,
    release: &Release,
    attempt: impl AsyncFn() -> Result<T, Refusal>,
) -> Result<T, String> {
    let [mut delay, longest] = RETRY;
    loop {
        match attempt().await {
            Ok(version) => return Ok(version),
            Err(Refusal::Unfit { check, reason }) => return Err(format!("{check}: {reason}")),
            Err(Refusal::NotNow(reason)) => {
                tracing::warn!("{} waits: {reason}", release.digest);
                report.problem(reason);
                tokio::time::sleep(delay).await;
                delay = longest.min(2 * delay);
            }
        }
    }
}
