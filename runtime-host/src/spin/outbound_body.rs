//! The bodies of outgoing requests and their answers, and how long each end may take.

use std::future::{Future, pending};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::sync::watch;
use tokio::time::Instant;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::alarm::Alarm;

/// Since when the other end has had its turn: from the last that it was given. `None` while the
/// component itself is awaited.
type Turn = Option<Instant>;

/// A request's body that tells whose turn it is.
struct Sending {
    body: WasiBody,
    turn: watch::Sender<Turn>,
}

impl Body for Sending {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        let turn = frame.is_ready().then(Instant::now);
        // Whoever waits polls this as well: to be told the same again, it would never come to rest.
        self.turn.send_if_modified(|old| std::mem::replace(old, turn) != turn);
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Sends a request, whose answer has so long to begin: from the end of the body, or from where
/// whoever reads the body got stuck.
pub async fn answer_within<T, E: Into<Error>, F: Future<Output = Result<T, E>>>(
    limit: Option<Duration>,
    request: Request<WasiBody>,
    send: impl FnOnce(Request<WasiBody>) -> F,
) -> Result<T, Error> {
    let Some(limit) = limit else { return send(request).await.map_err(Into::into) };
    let (turn, mut turns) = watch::channel(Some(Instant::now()));
    let request = request.map(|body| Sending { body, turn }.boxed_unsync());
    let mut answer = std::pin::pin!(send(request));
    let mut may_change = true;
    loop {
        let since = *turns.borrow_and_update();
        let late = async {
            match since {
                Some(since) => tokio::time::sleep_until(since + limit).await,
                None => pending().await,
            }
        };
        tokio::select! {
            answer = &mut answer => return answer.map_err(Into::into),
            () = late => return Err(Error::ConnectionReadTimeout),
            changed = turns.changed(), if may_change => may_change = changed.is_ok(),
        }
    }
}

/// A body that fails when nothing of it has come for too long.
pub struct TimedBody<B, K> {
    body: B,
    limit: Duration,
    /// Only while the component waits.
    wait_until: Option<Instant>,
    alarm: Alarm,
    /// What is kept until the end.
    _kept: K,
}

impl<B, K> TimedBody<B, K> {
    pub fn new(body: B, limit: Duration, kept: K) -> Self {
        Self { body, limit, wait_until: None, alarm: Alarm::default(), _kept: kept }
    }
}

impl<B: Body<Data = Bytes, Error = Error> + Unpin, K: Unpin> Body for TimedBody<B, K> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.wait_until = None;
            return Poll::Ready(frame);
        }
        let limit = self.limit;
        let deadline = *self.wait_until.get_or_insert_with(|| Instant::now() + limit);
        self.alarm.poll_at(deadline, cx).map(|()| Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{Empty, StreamBody};

    use super::*;

    fn body(pauses: &'static [u64]) -> WasiBody {
        let stream = futures::stream::unfold(pauses.iter(), |mut pauses| async {
            tokio::time::sleep(Duration::from_secs(*pauses.next()?)).await;
            Some((Ok(Frame::data(Bytes::from_static(b"x"))), pauses))
        });
        StreamBody::new(stream).boxed_unsync()
    }

    /// Whether a server that reads with these pauses, and then has to think, answers in time.
    async fn is_in_time(body: WasiBody, reads: &[u64], thinks: u64) -> bool {
        let limit = Some(Duration::from_secs(5));
        let answer = answer_within(limit, Request::new(body), |request| async {
            let mut body = request.into_body();
            let mut pauses = reads.iter();
            while body.frame().await.is_some() {
                tokio::time::sleep(Duration::from_secs(*pauses.next().unwrap_or(&0))).await;
            }
            drop(body);
            tokio::time::sleep(Duration::from_secs(thinks)).await;
            Ok::<_, Error>(())
        });
        answer.await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_to_the_first_byte_begins_with_the_bodys_end() {
        let empty = || Empty::new().map_err(|never| match never {}).boxed_unsync();
        assert!(is_in_time(empty(), &[], 4).await);
        assert!(!is_in_time(empty(), &[], 6).await);
        // A reader that is slow, but reads, and a component that takes its time.
        assert!(is_in_time(body(&[0, 0, 0]), &[4, 4, 4], 4).await);
        assert!(is_in_time(body(&[20, 20]), &[], 4).await);
        assert!(!is_in_time(body(&[0, 0, 0]), &[4, 6, 4], 4).await);
        assert!(!is_in_time(body(&[20, 20]), &[], 6).await);
    }
}
