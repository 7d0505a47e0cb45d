//! One guest at work on one request: its time, its end, and its answer's body.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::channel::oneshot;
use http::{Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::time::Instant;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::alarm::Alarm;
use crate::guest::failure::Failure;
use crate::guest::instances::{Instance, Instances};
use crate::guest::line::Line;
use crate::guest::memory::NoMemoryLeft;
use crate::guest::store::CpuExhausted;

/// How long a guest that gave an error for an answer has to trap: of the two, the trap tells more.
const TRAP: Duration = Duration::from_millis(100);

type Work = Pin<Box<dyn Future<Output = (Instance, wasmtime::Result<()>)> + Send>>;
type Answer = oneshot::Receiver<wasmtime::Result<Response<WasiBody>>>;

/// A guest's work. Dropping it ends the guest.
pub struct Run {
    instances: Arc<Instances>,
    line: Line,
    work: Work,
    alarm: Alarm,
    deadline: Instant,
}

impl Run {
    pub fn new(instances: Arc<Instances>, line: Line, work: Work) -> Self {
        let deadline = Instant::now() + instances.shared.limits.request_timeout;
        Self { instances, line, work, alarm: Alarm::default(), deadline }
    }

    /// Works until there is an answer, whose body works on.
    pub async fn answer(
        mut self,
        mut answer: Answer,
        bodiless: bool,
    ) -> Result<Response<WasiBody>, Failure> {
        let mut ended = None;
        let answer = poll_fn(|cx| {
            if ended.is_none()
                && let Poll::Ready(end) = self.poll(cx)
            {
                ended = Some(end);
            }
            match answer.try_recv() {
                Ok(Some(answer)) => Poll::Ready(Some(answer)),
                Ok(None) if ended.is_none() => Poll::Pending,
                _ => Poll::Ready(None),
            }
        })
        .await;
        match answer {
            Some(Ok(response)) => {
                self.deadline = Instant::now() + self.instances.shared.limits.response_timeout;
                let (instances, line) = (self.instances.clone(), self.line.clone());
                let run = match ended {
                    None => Some(self),
                    Some(Ok(())) => None,
                    Some(Err(end)) => {
                        fail_late(&self.instances, &self.line, end);
                        None
                    }
                };
                Ok(Answering::wrap(response, run, instances, line, bodiless))
            }
            Some(Err(error)) => Err(self.explain(&error, ended).await),
            None => Err(self.fail(ended.and_then(Result::err))),
        }
    }

    /// Works on. When the guest has done everything, its instance is free again.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        if let Poll::Ready((instance, result)) = self.work.as_mut().poll(cx) {
            return Poll::Ready(match result {
                Ok(()) => {
                    self.instances.put(instance);
                    Ok(())
                }
                Err(error) => Err(End::Error(error)),
            });
        }
        self.alarm.poll_at(self.deadline, cx).map(|()| Err(End::TimedOut))
    }

    /// Why an error came for an answer.
    async fn explain(mut self, error: &wasmtime::Error, ended: Option<Result<(), End>>) -> Failure {
        let ended = if let Some(ended) = ended {
            ended
        } else {
            let end = poll_fn(|cx| self.poll(cx));
            tokio::time::timeout(TRAP, end).await.unwrap_or(Ok(()))
        };
        if let Err(end) = ended {
            return self.fail(Some(end));
        }
        tracing::error!("{}: the component gave an error for an answer: {error:#}", self.line);
        Failure::NoAnswer
    }

    /// Logs what ended the guest before it answered.
    fn fail(&self, end: Option<End>) -> Failure {
        let Some(end) = end else {
            tracing::error!("{}: the component ended without an answer", self.line);
            return Failure::NoAnswer;
        };
        let (failure, reason) = end.failure();
        let did = match failure {
            Failure::TimedOut => "the component did not answer in time".to_owned(),
            Failure::Trapped => format!("the component trapped: {reason}"),
            _ => reason,
        };
        tracing::error!("{}: {did}", self.line);
        failure
    }

    /// Lets the guest finish what it does after its answer.
    async fn finish(mut self) {
        if let Err(end) = poll_fn(|cx| self.poll(cx)).await {
            fail_late(&self.instances, &self.line, end);
        }
    }
}

/// The guest failed when its answer had begun, which is counted as answered.
fn fail_late(instances: &Instances, line: &Line, end: End) {
    let (failure, reason) = end.failure();
    instances.health.fail();
    instances.shared.metrics.failed(failure);
    tracing::error!("{line}: after its answer, the component failed: {reason}");
}

/// How a guest ended that did not end well.
enum End {
    TimedOut,
    Error(wasmtime::Error),
    /// Its answer's body ended with an error.
    BrokeOff(String),
}

impl End {
    /// What it counts as, and why it came.
    fn failure(self) -> (Failure, String) {
        let error = match self {
            Self::TimedOut => return (Failure::TimedOut, "its answer took too long".to_owned()),
            Self::BrokeOff(reason) => {
                return (Failure::BrokeOff, format!("its answer broke off: {reason}"));
            }
            Self::Error(error) => error,
        };
        tracing::debug!("{error:?}");
        let failure = if error.is::<CpuExhausted>() {
            Failure::CpuExhausted
        } else if error.is::<NoMemoryLeft>() {
            Failure::NoRoom
        } else {
            Failure::Trapped
        };
        (failure, error.root_cause().to_string())
    }
}

/// An answer's body. Whoever polls it drives the guest that writes it.
struct Answering {
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
    Failed,
}

impl Answering {
    /// `bodiless`: hyper sends no body, whatever there is.
    fn wrap(
        response: Response<WasiBody>,
        run: Option<Run>,
        instances: Arc<Instances>,
        line: Line,
        bodiless: bool,
    ) -> Response<WasiBody> {
        let length = response.headers().get(header::CONTENT_LENGTH);
        let left = length.and_then(|value| value.to_str().ok()?.parse().ok());
        let progress = match response.status() {
            _ if bodiless => Progress::Complete,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => Progress::Complete,
            _ => Progress::Going,
        };
        response.map(|body| Self { body, run, instances, line, left, progress }.boxed_unsync())
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

    fn fail(&mut self, end: End) {
        self.progress = Progress::Failed;
        fail_late(&self.instances, &self.line, end);
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
        if self.progress == Progress::Ended {
            return Poll::Ready(None);
        }
        self.work(cx);
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                self.count(length, cx);
            }
            // A guest that failed has been told of.
            Some(Err(_)) if self.progress == Progress::Failed => {}
            Some(Err(error)) => {
                let reason = error.to_string();
                self.fail(End::BrokeOff(reason));
            }
            None if self.progress == Progress::Going && self.left.is_some_and(|left| left > 0) => {
                self.fail(End::BrokeOff("it is shorter than its Content-Length".to_owned()));
            }
            None => {
                self.progress = Progress::Ended;
                self.work(cx);
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.progress == Progress::Ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
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
