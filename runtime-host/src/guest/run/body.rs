//! An answer's body, on its way from the guest that writes it to whoever reads.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use wasmtime_wasi_http::{Error, WasiBody};

use super::{End, Run, fail_late};
use crate::guest::instances::Instances;
use crate::guest::line::Line;

/// An answer's body. Whoever polls it drives the guest that writes it.
pub struct Answering {
    body: WasiBody,
    /// Gone when the guest has done everything.
    run: Option<Run>,
    instances: Arc<Instances>,
    line: Line,
    /// Bytes to come, where the guest said how many.
    left: Option<u64>,
    progress: Progress,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Going,
    /// Nobody reads further: the last byte is out, or there is no body to send.
    Complete,
    Ended,
    /// The guest failed before its answer's end. What it had written goes out first.
    Failed,
    /// The guest failed, and what it had written has gone out: the next read gets the error.
    Broken,
}

impl Answering {
    /// `bodiless`: hyper sends no body, whatever there is.
    pub fn new(
        mut response: Response<WasiBody>,
        run: Option<Run>,
        instances: Arc<Instances>,
        line: Line,
        bodiless: bool,
    ) -> Response<Self> {
        let progress = match response.status() {
            _ if bodiless => Progress::Complete,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => Progress::Complete,
            // It has no body, and unlike with 204 that has to be said (RFC 9110, 15.3.6).
            StatusCode::RESET_CONTENT => {
                response.headers_mut().remove(header::CONTENT_LENGTH);
                Progress::Ended
            }
            _ => Progress::Going,
        };
        let length = response.headers().get(header::CONTENT_LENGTH);
        let left = length.and_then(|value| value.to_str().ok()?.parse().ok());
        response.map(|body| Self { body, run, instances, line, left, progress })
    }

    fn work(&mut self, cx: &mut Context<'_>) {
        let Some(run) = &mut self.run else { return };
        if let Poll::Ready(end) = run.poll(cx) {
            self.run = None;
            if let Err(end) = end {
                self.fail(end);
            }
        }
    }

    /// The guest failed. An answer that is out is whole all the same.
    pub fn fail(&mut self, end: End) {
        if self.progress == Progress::Going {
            self.progress = Progress::Failed;
        }
        fail_late(&self.instances, &self.line, end);
    }

    /// The answer broke off: whoever reads must not take what there is for all of it. What it has
    /// goes out before that, so that it is not mistaken for no answer at all.
    fn break_off(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.progress == Progress::Failed {
            self.progress = Progress::Broken;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(Error::HttpResponseIncomplete)))
    }

    fn has_failed(&self) -> bool {
        matches!(self.progress, Progress::Failed | Progress::Broken)
    }

    /// Counts down to the byte after which hyper asks for no more.
    fn count(&mut self, length: usize, cx: &mut Context<'_>) {
        let Some(left) = &mut self.left else { return };
        *left = left.saturating_sub(length as u64);
        if *left == 0 && self.progress == Progress::Going {
            self.progress = Progress::Complete;
            self.let_finish(cx);
        }
    }

    /// A guest that only has to learn that its bytes are out does so at once, and is free again.
    fn let_finish(&mut self, cx: &mut Context<'_>) {
        self.work(cx);
        if self.run.is_some()
            && let Poll::Ready(None) = Pin::new(&mut self.body).poll_frame(cx)
        {
            self.progress = Progress::Ended;
            self.work(cx);
        }
    }
}

impl Body for Answering {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.progress {
            Progress::Ended => return Poll::Ready(None),
            Progress::Broken => return self.break_off(cx),
            Progress::Going | Progress::Complete | Progress::Failed => {}
        }
        self.work(cx);
        let frame = match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => frame,
            _ if self.has_failed() => return self.break_off(cx),
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(Err(error))) if self.progress == Progress::Going => {
                self.fail(End::BrokeOff(error.to_string()));
                return self.break_off(cx);
            }
            Poll::Ready(None)
                if self.progress == Progress::Going && self.left.is_some_and(|left| left > 0) =>
            {
                self.fail(End::BrokeOff("it is shorter than its Content-Length".to_owned()));
                return self.break_off(cx);
            }
            // Whatever comes behind the last byte concerns nobody.
            Poll::Ready(Some(Err(_)) | None) => {
                self.progress = Progress::Ended;
                self.work(cx);
                return Poll::Ready(None);
            }
        };
        let length = frame.data_ref().map_or(0, Bytes::len);
        self.count(length, cx);
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.progress == Progress::Ended || !self.has_failed() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.progress {
            Progress::Ended => SizeHint::with_exact(0),
            _ => self.body.size_hint(),
        }
    }
}

impl Drop for Answering {
    /// A client that left takes its guest along.
    fn drop(&mut self) {
        let Some(run) = self.run.take() else { return };
        let finished = matches!(self.progress, Progress::Complete | Progress::Ended);
        // Outside of the runtime the process is ending.
        if (finished || self.body.is_end_stream())
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(run.finish());
        }
    }
}
