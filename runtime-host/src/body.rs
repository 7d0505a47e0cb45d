//! Bodies on their way through the host.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use wasmtime_wasi_http::{Error, WasiBody};

/// Largest request body that reaches a component.
pub const MAX_REQUEST_BODY: u64 = 10 << 20;
/// How long a body that nobody wants is still read, so that its sender gets to
/// read the answer instead of a reset connection.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// A request's body, up to [`MAX_REQUEST_BODY`].
pub struct RequestBody {
    body: Option<Incoming>,
    left: u64,
    too_large: Arc<AtomicBool>,
}

impl RequestBody {
    /// `too_large` is set when the limit is passed.
    pub fn new(body: Incoming, too_large: Arc<AtomicBool>) -> Self {
        Self { body: Some(body), left: MAX_REQUEST_BODY, too_large }
    }

    fn take_from_budget(&mut self, frame: &Frame<Bytes>) -> Result<(), Error> {
        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
        let Some(left) = self.left.checked_sub(length) else {
            self.too_large.store(true, Ordering::Relaxed);
            return Err(Error::HttpRequestBodySize(Some(MAX_REQUEST_BODY)));
        };
        self.left = left;
        Ok(())
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(body) = self.body.as_mut() else { return Poll::Ready(None) };
        match ready!(Pin::new(body).poll_frame(cx)) {
            Some(Ok(frame)) => match self.take_from_budget(&frame) {
                Ok(()) => Poll::Ready(Some(Ok(frame))),
                Err(error) => Poll::Ready(Some(Err(error))),
            },
            Some(Err(error)) => Poll::Ready(Some(Err(Error::Hyper(error)))),
            None => {
                self.body = None;
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let Some(body) = self.body.take() {
            drain(body);
        }
    }
}

/// Reads the rest of a body in the background, within limits.
pub fn drain(mut body: Incoming) {
    if body.is_end_stream() {
        return;
    }
    // Outside of the runtime the process is ending.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(tokio::time::timeout(DRAIN_TIMEOUT, async move {
        let mut left = MAX_REQUEST_BODY;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len) as u64;
            match left.checked_sub(length) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    }));
}

/// A response's body that keeps something alive until it has ended.
pub struct KeepAlive<T> {
    body: WasiBody,
    _kept: T,
}

impl<T: Unpin + Send + 'static> KeepAlive<T> {
    pub fn wrap(body: WasiBody, kept: T) -> WasiBody {
        Self { body, _kept: kept }.boxed_unsync()
    }
}

impl<T: Unpin> Body for KeepAlive<T> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
