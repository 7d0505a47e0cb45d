//! The request that a version has to answer before it takes over.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};

use super::refusal::{Check, Refusal};
use crate::guest::answer::answer;
use crate::guest::failure::Failure;
use crate::guest::instances::Instances;
use crate::guest::line::Line;

/// How long a version has to answer, its body included.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Asks for the page at `path`. Anything under 500 will do: what the component
/// calls a bad request is its own business.
pub async fn probe(component: &Arc<Instances>, path: &str) -> Result<(), Refusal> {
    let failed = |reason: String| Refusal::Unfit { check: Check::Probe, reason };
    let answer = tokio::time::timeout(TIMEOUT, ask(component, path)).await;
    let status = answer
        .map_err(|_| failed(format!("GET {path} got no answer within {} s", TIMEOUT.as_secs())))?
        .map_err(|unanswered| match unanswered {
            // As many instances as there may be are at work for others.
            Unanswered::NoRoom(failure) => Refusal::NotNow(format!("GET {path}: {failure}")),
            Unanswered::Failed(reason) => failed(format!("GET {path}: {reason}")),
        })?;
    match status {
        // What it needs is away; that is not its fault.
        StatusCode::SERVICE_UNAVAILABLE => {
            Err(Refusal::NotNow(format!("GET {path} answers 503, so something it needs is away")))
        }
        status if status.is_server_error() => Err(failed(format!("GET {path} answers {status}"))),
        _ => Ok(()),
    }
}

/// Why the probe got no whole answer.
enum Unanswered {
    NoRoom(Failure),
    Failed(String),
}

impl From<String> for Unanswered {
    fn from(reason: String) -> Self {
        Self::Failed(reason)
    }
}

async fn ask(component: &Arc<Instances>, path: &str) -> Result<StatusCode, Unanswered> {
    let body = Empty::<Bytes>::new().map_err(|never| match never {}).boxed_unsync();
    let request = Request::get(format!("http://localhost{path}"))
        .header(http::header::HOST, "localhost")
        .body(body)
        .map_err(|error| error.to_string())?;
    let line = Line { method: Method::GET, path: format!("{path} (probe)").into() };
    let answer = answer(component, line, request).await;
    let response = answer.map_err(|failure| match failure {
        Failure::NoRoom | Failure::NoMemory => Unanswered::NoRoom(failure),
        failure => Unanswered::Failed(failure.to_string()),
    })?;
    let status = response.status();
    response
        .into_body()
        .collect()
        .await
        .map_err(|error| format!("its answer broke off: {error}"))?;
    Ok(status)
}
