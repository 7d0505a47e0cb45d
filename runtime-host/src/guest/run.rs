//! One guest at work on one request: its time, its end, and what that says.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::channel::oneshot;
use http::Response;
use http_body_util::BodyExt;
use tokio::time::Instant;
use wasmtime_wasi_http::WasiBody;

use crate::alarm::Alarm;
use crate::guest::failure::Failure;
use crate::guest::instances::{Instance, Instances};
use crate::guest::line::Line;
use crate::guest::memory::NoMemoryLeft;
use crate::guest::store::CpuExhausted;

mod body;

use body::Answering;

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
            // What a guest gives is the end of an exchange: nothing would come after this.
            Some(Ok(response)) if response.status().is_informational() => {
                let status = response.status().as_u16();
                tracing::error!(
                    "{}: the component answered {status}, which is no answer",
                    self.line
                );
                Err(Failure::NoAnswer)
            }
            Some(Ok(response)) => {
                self.deadline = Instant::now() + self.instances.shared.limits.response_timeout;
                let (instances, line) = (self.instances.clone(), self.line.clone());
                let (run, end) = match ended {
                    None => (Some(self), None),
                    Some(end) => (None, end.err()),
                };
                let mut answering = Answering::new(response, run, instances, line, bodiless);
                if let Some(end) = end {
                    answering.body_mut().fail(end);
                }
                Ok(answering.map(BodyExt::boxed_unsync))
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

/// The guest failed after its answer had begun, or was whole. The request is counted as answered
/// already, so only the failure is counted here.
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
            Failure::NoMemory
        } else {
            Failure::Trapped
        };
        (failure, error.root_cause().to_string())
    }
}
