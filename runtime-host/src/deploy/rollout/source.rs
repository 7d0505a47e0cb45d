//! The pointer, as the API server tells of it: by a watch, and by a look every
//! minute, because watches stall without a word.

use std::pin::pin;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::utils::ResetTimerBackoff;
use kube::runtime::watcher::{self, ExponentialBackoff};
use tokio::sync::watch;

use super::check::API_TIMEOUT;
use super::report::Report;
use crate::deploy::release::{self, Pointer};

/// Between two looks.
const REREAD: Duration = Duration::from_mins(1);

/// Between two attempts to watch: the first, and the longest, which is how much
/// later than its return the API server is heard again at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));

/// Follows the pointer for as long as it is polled. What is sent differs from
/// what was sent before. A pointer that is deleted or cannot be read changes
/// nothing: whatever is live stays.
pub async fn follow(
    config_maps: &Api<ConfigMap>,
    app: &str,
    report: &Report,
    pointer: watch::Sender<Option<Pointer>>,
) {
    let name = release::pointer_name(app);
    let backoff = backon::ExponentialBuilder::new()
        .with_min_delay(RETRY.0)
        .with_max_delay(RETRY.1)
        .with_jitter()
        .without_max_times();
    let watch = watcher::watch_object(config_maps.clone(), &name)
        .backoff(ResetTimerBackoff::new(ExponentialBackoff::from(backoff), 2 * RETRY.1));
    let mut watch = pin!(watch);
    let mut look = tokio::time::interval(REREAD);
    // The watch begins with a look of its own.
    look.reset();
    loop {
        let seen = tokio::select! {
            Some(event) = watch.next() => event.map_err(|error| error.to_string()),
            _ = look.tick() => read(config_maps, &name).await,
        };
        match seen {
            Ok(found) => {
                report.reached();
                match understand(&name, found) {
                    Ok(found) => {
                        report.pointer_problem(None);
                        pointer.send_if_modified(|known| {
                            let new = known.as_ref() != Some(&found);
                            if new {
                                *known = Some(found);
                            }
                            new
                        });
                    }
                    Err(problem) => report.pointer_problem(Some(problem)),
                }
            }
            Err(error) => report.lost(&error),
        }
    }
}

async fn read(config_maps: &Api<ConfigMap>, name: &str) -> Result<Option<ConfigMap>, String> {
    tokio::time::timeout(API_TIMEOUT, config_maps.get_opt(name))
        .await
        .map_err(|_| format!("no answer within {} s", API_TIMEOUT.as_secs()))?
        .map_err(|error| error.to_string())
}

fn understand(name: &str, found: Option<ConfigMap>) -> Result<Pointer, String> {
    let found = found.ok_or_else(|| format!("there is no ConfigMap {name}: push a component"))?;
    Pointer::parse(&found.data.unwrap_or_default())
        .map_err(|error| format!("the ConfigMap {name} cannot be used: {error}"))
}
