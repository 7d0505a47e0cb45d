//! The rows of a statement, as they arrive, and how they end.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use tokio::time::{Instant, Sleep};
use tokio_postgres::{Row, RowStream, Statement};

use crate::bindings::Error;
use crate::in_flight::InFlight;

/// What the server answers to a statement. Dropped before its end, it has the
/// statement cancelled.
pub struct Reply {
    statement: Statement,
    rows: Pin<Box<RowStream>>,
    /// Gone at the end, whichever it was.
    in_flight: Option<InFlight>,
    /// The time counts only while somebody waits for a row.
    silence: Pin<Box<Sleep>>,
    waiting: bool,
}

impl Reply {
    pub fn new(statement: Statement, rows: RowStream, in_flight: InFlight) -> Self {
        let silence = Box::pin(tokio::time::sleep(in_flight.timeout()));
        Self {
            statement,
            rows: Box::pin(rows),
            in_flight: Some(in_flight),
            silence,
            waiting: false,
        }
    }

    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// Rows changed or found; known at the end.
    pub fn rows_affected(&self) -> u64 {
        self.rows.rows_affected().unwrap_or(0)
    }

    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Row, Error>>> {
        let Some(in_flight) = &self.in_flight else { return Poll::Ready(None) };
        if !self.waiting {
            self.waiting = true;
            let deadline = Instant::now() + in_flight.timeout();
            self.silence.as_mut().reset(deadline);
        }
        std::task::ready!(self.silence.as_mut().poll(cx));
        let error = self.in_flight.take().map(InFlight::silent);
        Poll::Ready(error.map(Err))
    }
}

impl Stream for Reply {
    type Item = Result<Row, Error>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Row, Error>>> {
        if self.in_flight.is_none() {
            return Poll::Ready(None);
        }
        let Poll::Ready(row) = self.rows.as_mut().poll_next(cx) else {
            return self.poll_silence(cx);
        };
        self.waiting = false;
        Poll::Ready(match row {
            Some(Ok(row)) => {
                if let Some(in_flight) = &mut self.in_flight {
                    in_flight.answers();
                }
                Some(Ok(row))
            }
            Some(Err(error)) => {
                self.in_flight.take().map(|in_flight| Err(in_flight.failed(&error)))
            }
            None => {
                if let Some(in_flight) = self.in_flight.take() {
                    in_flight.finish();
                }
                None
            }
        })
    }
}
