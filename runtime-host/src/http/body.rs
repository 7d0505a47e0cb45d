//! Bodies on their way through the host.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;
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

/// How long a request waits for its own body before it counts as an upload.
const FIRST: Duration = Duration::from_millis(250);
/// How much of a body is kept meanwhile.
const AHEAD: usize = 64 << 10;
/// Bytes a second: a client that is slower, beside one longest pause, holds up others.
const LEAST_RATE: u64 = 500;

/// A request's body, up to the limits of size and of time without a byte.
pub struct RequestBody {
    /// What came before anybody asked for it.
    ahead: VecDeque<hyper::Result<Frame<Bytes>>>,
    body: Option<Incoming>,
    limit: u64,
    left: u64,
    pause: Duration,
    /// How long the client was waited for, but for the present pause.
    waited: Duration,
    /// Since when the client is waited for.
    waiting: Option<Instant>,
    alarm: Alarm,
    upload: Upload,
    /// The client asks before it sends: it is told to go on when the component reads.
    is_held_back: bool,
    /// Its place among the bodies that are still coming.
    place: Option<OwnedSemaphorePermit>,
}

impl RequestBody {
    pub fn new(body: Incoming, limits: &Limits, upload: Upload, expects: bool) -> Self {
        Self {
            ahead: VecDeque::new(),
            body: Some(body),
            limit: limits.max_body,
            left: limits.max_body,
            pause: limits.body_timeout,
            waited: Duration::ZERO,
            waiting: None,
            alarm: Alarm::default(),
            upload,
            is_held_back: expects,
            place: None,
        }
    }

    /// Whether the client has sent everything, for which it has a moment.
    pub async fn comes_at_once(&mut self) -> bool {
        if !self.is_held_back {
            let _ = tokio::time::timeout(FIRST, self.read_ahead()).await;
        }
        self.has_come()
    }

    async fn read_ahead(&mut self) {
        let mut length = 0;
        while !self.has_come() && length < AHEAD {
            let Some(body) = &mut self.body else { return };
            match body.frame().await {
                Some(frame) => {
                    length += frame.as_ref().map_or(0, length_of);
                    // After an error there is no more.
                    self.body = self.body.take().filter(|_| frame.is_ok());
                    self.ahead.push_back(frame);
                }
                None => self.body = None,
            }
        }
    }

    fn has_come(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    /// Keeps a place until the body has come.
    pub fn keep(&mut self, place: OwnedSemaphorePermit) {
        self.place = Some(place);
    }

    fn take_from_budget(&mut self, frame: &Frame<Bytes>) -> Result<(), Error> {
        let length = length_of(frame) as u64;
        let Some(left) = self.left.checked_sub(length) else {
            self.upload.set(Progress::TooLarge);
            return Err(Error::HttpRequestBodySize(Some(self.limit)));
        };
        self.left = left;
        Ok(())
    }

    /// The client has sent nothing yet: the time counts while the component waits.
    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        self.upload.set(Progress::Waiting);
        let since = *self.waiting.get_or_insert_with(Instant::now);
        let sent = Duration::from_secs((self.limit - self.left) / LEAST_RATE);
        let left = (self.pause + sent).saturating_sub(self.waited).min(self.pause);
        self.alarm.poll_at(since + left, cx).map(|()| {
            self.upload.set(Progress::TooSlow);
            // The rest is not waited for: dropping it has the connection closed.
            self.end();
            Error::ConnectionReadTimeout
        })
    }

    fn end(&mut self) -> Option<Incoming> {
        self.place = None;
        self.body.take()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.is_held_back = false;
        let frame = match (self.ahead.pop_front(), &mut self.body) {
            (Some(frame), _) => Some(frame),
            (None, None) => return Poll::Ready(None),
            (None, Some(body)) => match Pin::new(body).poll_frame(cx) {
                Poll::Ready(frame) => frame,
                Poll::Pending => return self.poll_pause(cx).map(|error| Some(Err(error))),
            },
        };
        self.upload.set(Progress::Fine);
        if let Some(since) = self.waiting.take() {
            self.waited += since.elapsed();
        }
        match frame {
            Some(Ok(frame)) => match self.take_from_budget(&frame) {
                Ok(()) => Poll::Ready(Some(Ok(frame))),
                Err(error) => Poll::Ready(Some(Err(error))),
            },
            Some(Err(error)) => {
                self.end();
                Poll::Ready(Some(Err(Error::Hyper(error))))
            }
            None => {
                self.end();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.is_empty() && self.has_come()
    }

    fn size_hint(&self) -> SizeHint {
        let ahead: usize = self.ahead.iter().flatten().map(length_of).sum();
        let rest = self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint);
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + ahead as u64);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + ahead as u64);
        }
        hint
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        // Reading would tell a client to send what nobody wants.
        let held_back = self.is_held_back;
        if let Some(body) = self.end().filter(|_| !held_back) {
            drain(body, self.limit);
        }
    }
}

fn length_of(frame: &Frame<Bytes>) -> usize {
    frame.data_ref().map_or(0, Bytes::len)
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
            let length = length_of(&frame) as u64;
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
            self.watch.sent(length_of(frame));
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
