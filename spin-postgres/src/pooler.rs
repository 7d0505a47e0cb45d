//! Poolers between the host and PostgreSQL (`PgBouncer` and its kin). One that gives a server to a
//! transaction at a time knows nothing of statements that were prepared before, or has another
//! client's under the same name. So on such a connection no statement is run by a name: each is
//! described once, in a transaction of its own that keeps the server, and from then on sent
//! together with the types of its parameters.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf,
};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};
use tokio_postgres::{CancelToken, Client, Error, SimpleQueryMessage, Statement};

use crate::by_statement::ByStatement;

/// Bytes of a request to cancel: its length, its code, the process, its secret.
const CANCEL: usize = 16;
/// Bytes of a question whether there is TLS, and the answer.
const TLS_QUESTION: usize = 8;
/// How such a question begins: with its length.
const TLS_LENGTH: [u8; 4] = 8_u32.to_be_bytes();
const TLS_YES: u8 = b'S';

/// Whether something stands between the connection and PostgreSQL: then the process that works for
/// it is another than the one that the connection's requests to cancel name.
pub async fn is_between(client: &Client) -> Result<bool, Error> {
    let Some(named) = named_process(client.cancel_token()).await else { return Ok(false) };
    let messages = client.simple_query("SELECT pg_backend_pid()").await?;
    let works = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0)?.parse::<i32>().ok(),
        _ => None,
    });
    Ok(works.is_some_and(|works| works != named))
}

/// The process that a request to cancel names. tokio-postgres tells it to none but the server, so
/// the request goes to this end of a pipe.
async fn named_process(token: CancelToken) -> Option<i32> {
    let (request, mut received) = tokio::io::duplex(64);
    let read = async {
        let mut message = [0; CANCEL];
        received.read_exact(&mut message[..TLS_QUESTION]).await?;
        // A cancel request is longer than a question about TLS, and says so at its beginning.
        if message[..4] == TLS_LENGTH {
            received.write_all(&[TLS_YES]).await?;
            received.read_exact(&mut message).await?;
        } else {
            received.read_exact(&mut message[TLS_QUESTION..]).await?;
        }
        io::Result::Ok(message)
    };
    let (sent, read) = tokio::join!(token.cancel_query_raw(request, Pipe), read);
    let message = sent.ok().and(read.ok())?;
    Some(i32::from_be_bytes(message[8..12].try_into().ok()?))
}

/// TLS that hides nothing, for a pipe within the process.
struct Pipe;

struct Plain(DuplexStream);

impl TlsConnect<DuplexStream> for Pipe {
    type Stream = Plain;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<Plain>>;

    fn connect(self, stream: DuplexStream) -> Self::Future {
        std::future::ready(Ok(Plain(stream)))
    }
}

impl TlsStream for Plain {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Plain {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Plain {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// The types of statements' parameters and columns, by their texts. Nothing of it is kept at the
/// server.
#[derive(Default)]
pub struct Described(ByStatement<Statement>);

impl Described {
    /// `in_transaction`: the component has begun one, which is ended by nobody else.
    pub async fn get(
        &self,
        client: &Client,
        sql: &str,
        in_transaction: bool,
    ) -> Result<Statement, Error> {
        if let Some(known) = self.0.get(sql) {
            return Ok(known);
        }
        let statement = describe(client, sql, in_transaction).await?;
        self.0.keep(sql, &statement);
        Ok(statement)
    }

    /// What is known of it may be out of date.
    pub fn forget(&self, sql: &str) {
        self.0.forget(sql);
    }
}

/// Leaves nothing under a name that another client may use.
async fn describe(client: &Client, sql: &str, in_transaction: bool) -> Result<Statement, Error> {
    if in_transaction {
        let statement = client.prepare(sql).await?;
        client.batch_execute("DEALLOCATE ALL").await?;
        return Ok(statement);
    }
    client.batch_execute("BEGIN").await?;
    let described = client.prepare(sql).await;
    let end = if described.is_ok() { "DEALLOCATE ALL; COMMIT" } else { "ROLLBACK" };
    client.batch_execute(end).await?;
    described
}
