//! One request, given to an instance.

use std::sync::Arc;

use futures::channel::oneshot;
use http::{Method, Request, Response};
use wasmtime_wasi_http::WasiBody;

use crate::guest::failure::Failure;
use crate::guest::instances::Instances;
use crate::guest::line::Line;
use crate::guest::run::Run;

/// Has an instance answer. `line` names the request in the log. Whoever drops the answer, or
/// what this returns, before its end ends the guest's work on it.
pub async fn answer(
    instances: &Arc<Instances>,
    line: Line,
    request: Request<WasiBody>,
) -> Result<Response<WasiBody>, Failure> {
    let instance = match instances.take() {
        Some(instance) => instance,
        None => instances.instantiate(&line).await?,
    };
    let bodiless = request.method() == Method::HEAD;
    let (sender, receiver) = oneshot::channel();
    let work = instance.work(request, sender);
    Run::new(instances.clone(), line, Box::pin(work)).answer(receiver, bodiless).await
}
