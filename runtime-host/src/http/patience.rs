//! A connection whose client may not take for ever: to send a head, or to read its answer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::alarm::Alarm;

/// What a connection and its requests tell each other.
#[derive(Debug)]
pub struct Pace {
    /// The client sent something after what was last written.
    unanswered: AtomicBool,
    stage: AtomicU8,
}

/// How often it is looked whether a client has left whose connection nobody reads.
const LOOK: Duration = Duration::from_millis(500);

/// Where a connection stands.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Stage {
    /// Between an answer's end and the next head's first byte.
    Idle,
    /// A head has begun, or the connection has.
    Head,
    /// A request is being answered; bytes that come are its body.
    Request,
}

/// A request under way; dropped with the end of its answer.
#[derive(Debug)]
pub struct UnderWay(Arc<Pace>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.set(Stage::Idle);
    }
}

impl Pace {
    /// The head of a request is there.
    pub fn begin_request(self: &Arc<Self>) -> UnderWay {
        self.set(Stage::Request);
        UnderWay(self.clone())
    }

    fn set(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Relaxed);
    }

    fn is(&self, stage: Stage) -> bool {
        self.stage.load(Ordering::Relaxed) == stage as u8
    }

    /// Tells a head that stays unfinished from a connection that is only kept.
    pub fn is_unanswered(&self) -> bool {
        self.unanswered.load(Ordering::Relaxed)
    }
}

/// Why reading failed: a head took too long. hyper's own limit is that of idle connections.
#[derive(Debug, thiserror::Error)]
#[error("the request's head did not come in time")]
pub struct HeadTimeout;

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub head: Duration,
    /// Without taking anything of what is written.
    pub pause: Duration,
    /// For a whole response, from its first byte.
    pub response: Duration,
}

/// Fails when the client sends no whole head in time, takes nothing of what is written for too
/// long, or takes too long for all of a response.
pub struct Paced {
    stream: TcpStream,
    patience: Patience,
    began: Instant,
    /// Only while something waits to be written.
    write_by: Option<Instant>,
    write_alarm: Alarm,
    head_began: Instant,
    head_alarm: Alarm,
    /// The connection was read from, or tried to be, since it was last flushed.
    is_read: bool,
    look_at: Option<Instant>,
    look_alarm: Alarm,
    pace: Arc<Pace>,
}

impl Paced {
    pub fn new(stream: TcpStream, patience: Patience) -> Self {
        let now = Instant::now();
        let pace =
            Pace { unanswered: AtomicBool::new(false), stage: AtomicU8::new(Stage::Head as u8) };
        Self {
            stream,
            patience,
            began: now,
            write_by: None,
            write_alarm: Alarm::default(),
            head_began: now,
            head_alarm: Alarm::default(),
            is_read: false,
            look_at: None,
            look_alarm: Alarm::default(),
            pace: Arc::new(pace),
        }
    }

    pub fn pace(&self) -> Arc<Pace> {
        self.pace.clone()
    }

    /// The client has sent nothing new: a head that has begun has its time.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.pace.is(Stage::Head) {
            return Poll::Pending;
        }
        let deadline = self.head_began + self.patience.head;
        let late = || io::Error::new(io::ErrorKind::TimedOut, HeadTimeout);
        self.head_alarm.poll_at(deadline, cx).map(|()| Err(late()))
    }

    /// hyper notices by reading that a client has left. While it reads nothing, as the next request
    /// has come already or nobody takes the body of this one, it would not.
    fn poll_left(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if std::mem::take(&mut self.is_read) || !self.pace.is(Stage::Request) {
            self.look_at = None;
            return Ok(());
        }
        loop {
            let ready = self.stream.ready(Interest::READABLE).now_or_never();
            if ready.is_some_and(|ready| ready.is_ok_and(Ready::is_read_closed)) {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            let next = *self.look_at.get_or_insert_with(|| Instant::now() + LOOK);
            if self.look_alarm.poll_at(next, cx).is_pending() {
                return Ok(());
            }
            self.look_at = None;
        }
    }

    fn written(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if result.is_ready() {
            self.write_by = None;
            if self.pace.unanswered.swap(false, Ordering::Relaxed) {
                self.began = Instant::now();
            }
            return result;
        }
        let Patience { pause, response, .. } = self.patience;
        let deadline = (Instant::now() + pause).min(self.began + response);
        let deadline = *self.write_by.get_or_insert(deadline);
        self.write_alarm.poll_at(deadline, cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.is_read = true;
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.pace.unanswered.store(true, Ordering::Relaxed);
            if self.pace.is(Stage::Idle) {
                self.pace.set(Stage::Head);
                self.head_began = Instant::now();
            }
        }
        if result.is_pending() { self.poll_head(cx) } else { result }
    }
}

impl AsyncWrite for Paced {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.written(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_left(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
