//! Bodies on their way through the host.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::Instant;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::alarm::Alarm;
use crate::limits::Limits;

/// How long a body that nobody wants is still read, so that its sender gets to
/// read the answer instead of a reset connection.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// How a request's body is coming along, told to whoever answers the request.
#[derive(Clone, Default)]
pub struct Upload(Arc<AtomicU8>);

/// The states of an [`Upload`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Progress {
    /// The component has what it asked for.
    Fine,
    /// The component waits for the client.
    Waiting,
    /// The client sent nothing for too long.
    TooSlow,
    /// The client sent more than it may.
    TooLarge,
}

impl Upload {
    fn set(&self, progress: Progress) {
        self.0.store(progress as u8, Ordering::Relaxed);
    }

    pub fn progress(&self) -> Progress {
        match self.0.load(Ordering::Relaxed) {
            0 => Progress::Fine,
            1 => Progress::Waiting,
            2 => Progress::TooSlow,
            _ => Progress::TooLarge,
        }
    }
}

/// A request's body, up to the limits of size and of time without a byte.
pub struct RequestBody {
    body: Option<Incoming>,
    limit: u64,
    left: u64,
    pause: Duration,
    /// The end of the pause, while the client is waited for.
    wait_until: Instant,
    alarm: Alarm,
    upload: Upload,
}

impl RequestBody {
    pub fn new(body: Incoming, limits: &Limits, upload: Upload) -> Self {
        Self {
            body: Some(body),
            limit: limits.max_body,
            left: limits.max_body,
            pause: limits.body_timeout,
            wait_until: Instant::now(),
            alarm: Alarm::default(),
            upload,
        }
    }

    fn take_from_budget(&mut self, frame: &Frame<Bytes>) -> Result<(), Error> {
        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
        let Some(left) = self.left.checked_sub(length) else {
            self.upload.set(Progress::TooLarge);
            return Err(Error::HttpRequestBodySize(Some(self.limit)));
        };
        self.left = left;
        Ok(())
    }

    /// The client has sent nothing yet: the time counts while the component waits.
    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        if self.upload.progress() != Progress::Waiting {
            self.upload.set(Progress::Waiting);
            self.wait_until = Instant::now() + self.pause;
        }
        self.alarm.poll_at(self.wait_until, cx).map(|()| {
            self.upload.set(Progress::TooSlow);
            // The rest is not waited for: dropping it has the connection closed.
            self.body = None;
            Error::ConnectionReadTimeout
        })
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
        let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) else {
            return self.poll_pause(cx).map(|error| Some(Err(error)));
        };
        self.upload.set(Progress::Fine);
        match frame {
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
            drain(body, self.limit);
        }
    }
}

/// Reads the rest of a body in the background, within limits.
pub fn drain(mut body: Incoming, limit: u64) {
    if body.is_end_stream() {
        return;
    }
    // Outside of the runtime the process is ending.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(tokio::time::timeout(DRAIN_TIMEOUT, async move {
        let mut left = limit;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len) as u64;
            match left.checked_sub(length) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    }));
}

/// Told of what a response's body sends.
pub trait Watch: Unpin + Send + 'static {
    fn sent(&mut self, bytes: usize);
}

/// A response's body that is watched, and keeps its watch until it has ended.
pub struct Watched<W> {
    body: WasiBody,
    watch: W,
}

impl<W: Watch> Watched<W> {
    pub fn wrap(body: WasiBody, watch: W) -> WasiBody {
        Self { body, watch }.boxed_unsync()
    }
}

impl<W: Watch> Body for Watched<W> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &frame {
            self.watch.sent(frame.data_ref().map_or(0, Bytes::len));
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
