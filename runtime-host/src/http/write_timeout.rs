//! A connection whose client may not take for ever to read its answer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

/// Fails when the client takes nothing of what is written for too long, or too
/// long for all of a response.
pub struct Paced {
    stream: TcpStream,
    pause: Duration,
    /// For a whole response, from its first byte.
    limit: Duration,
    began: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
    /// The time counts only while something waits to be written.
    waiting: bool,
    unanswered: Arc<AtomicBool>,
}

impl Paced {
    pub fn new(stream: TcpStream, pause: Duration, limit: Duration) -> Self {
        let (began, unanswered) = (Instant::now(), Arc::default());
        Self { stream, pause, limit, began, sleep: None, waiting: false, unanswered }
    }

    /// Whether the client sent something after what was last written: tells a
    /// head that stays unfinished from a connection that is only kept.
    pub fn unanswered(&self) -> Arc<AtomicBool> {
        self.unanswered.clone()
    }

    fn written(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if result.is_ready() {
            self.waiting = false;
            if self.unanswered.swap(false, Ordering::Relaxed) {
                self.began = Instant::now();
            }
            return result;
        }
        let deadline = (Instant::now() + self.pause).min(self.began + self.limit);
        let waiting = std::mem::replace(&mut self.waiting, true);
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if !waiting {
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.unanswered.store(true, Ordering::Relaxed);
        }
        result
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
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
