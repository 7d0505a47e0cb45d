//! The stream of rows of `query-async`.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures::Stream as _;
use tokio::sync::oneshot;
use wasmtime::StoreContextMut;
use wasmtime::component::{Destination, StreamProducer, StreamResult, VecBuffer};

use crate::bindings::{Error, Row};
use crate::reply::Reply;
use crate::values;

/// Rows handed over at once. What the guest has no room for yet waits in the
/// host; it saves one host call a row for guests that read one by one.
const BATCH: usize = 64;

/// Gives rows to the guest as they arrive, and then the outcome to `outcome`.
pub struct RowProducer {
    reply: Pin<Box<Reply>>,
    outcome: Option<oneshot::Sender<Result<(), Error>>>,
    /// No row comes any more.
    ended: bool,
}

impl RowProducer {
    pub fn new(reply: Reply, outcome: oneshot::Sender<Result<(), Error>>) -> Self {
        Self { reply: Box::pin(reply), outcome: Some(outcome), ended: false }
    }

    /// `None` after the last row, when the outcome has been told.
    fn poll_row(&mut self, cx: &mut Context<'_>) -> Poll<Option<Row>> {
        let outcome = match std::task::ready!(self.reply.as_mut().poll_next(cx)) {
            Some(Ok(row)) => match values::row(&row) {
                Ok(row) => return Poll::Ready(Some(row)),
                // The rows behind it are of no use: dropping the reply cancels them.
                Err(error) => Err(error),
            },
            Some(Err(error)) => Err(error),
            None => Ok(()),
        };
        self.ended = true;
        if let Some(sender) = self.outcome.take() {
            // A guest that dropped the future does not want to know.
            let _ = sender.send(outcome);
        }
        Poll::Ready(None)
    }
}

impl<D> StreamProducer<D> for RowProducer {
    type Item = Row;
    type Buffer = VecBuffer<Row>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, Row, VecBuffer<Row>>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        if destination.remaining(store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        if self.ended {
            return Poll::Ready(Ok(StreamResult::Dropped));
        }
        let mut batch = Vec::new();
        let mut ended = false;
        while batch.len() < BATCH {
            match self.poll_row(cx) {
                Poll::Ready(Some(row)) => batch.push(row),
                Poll::Ready(None) => {
                    ended = true;
                    break;
                }
                Poll::Pending => break,
            }
        }
        let result = match (ended, batch.is_empty()) {
            (true, _) => StreamResult::Dropped,
            (false, false) => StreamResult::Completed,
            (false, true) if finish => StreamResult::Cancelled,
            (false, true) => return Poll::Pending,
        };
        destination.set_buffer(batch.into());
        Poll::Ready(Ok(result))
    }
}

impl Drop for RowProducer {
    fn drop(&mut self) {
        // A guest that wanted one row often leaves just the end unread; only if
        // there is more to come has the statement been given up.
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..BATCH {
            if self.ended || self.poll_row(&mut cx).is_pending() {
                break;
            }
        }
        if let Some(sender) = self.outcome.take() {
            let _ = sender.send(Ok(()));
        }
    }
}
