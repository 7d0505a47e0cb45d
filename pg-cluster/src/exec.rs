//! A shell in a member's pod: for a short answer, for SQL, and for streams of any length.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::api::AttachParams;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, copy},
    time::timeout,
};

use crate::{cluster::Cluster, objects};

/// What the configuration or a database says for clients must not keep out who would put it right:
/// libraries that are not there, and limits that end a statement.
macro_rules! own_settings {
    () => {
        "-c session_preload_libraries= -c local_preload_libraries= -c statement_timeout=0 -c transaction_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 -c default_transaction_read_only=off -c client_min_messages=warning"
    };
}

/// Terse, because a longer error would quote the statement and its verifier.
/// Only PostgreSQL's own names are looked up: the superuser works in databases whose owners could
/// have planted operators and functions of the same names.
pub const PSQL: &str = concat!(
    "PGOPTIONS='-c search_path=pg_catalog ",
    own_settings!(),
    "' PGPASSWORD=\"$PATRONI_SUPERUSER_PASSWORD\" exec psql -XAtq -v ON_ERROR_STOP=1 -v VERBOSITY=terse"
);
/// Lets PostgreSQL's programs in, and a pipe fail with its first part.
pub const PASSWORD: &str = concat!(
    "export PGPASSWORD=\"$PATRONI_SUPERUSER_PASSWORD\" PGOPTIONS='",
    own_settings!(),
    "'; set -o pipefail;"
);
/// kube's own buffers hold a kilobyte.
const BUFFER: usize = 64 << 10;

impl Cluster {
    /// Runs a shell script in a member, feeds it `input` and returns its output.
    /// Secrets go into `input`, never into the script, which is an argument.
    pub async fn shell(
        &self,
        pod: &str,
        script: &str,
        input: &str,
        limit: Duration,
    ) -> Result<String> {
        let mut output = Vec::new();
        let run = self.stream(pod, script, input.as_bytes(), |bytes| {
            output.extend_from_slice(bytes);
            Ok(())
        });
        timeout(limit, run)
            .await
            .with_context(|| format!("{pod} gave no answer within {} s", limit.as_secs()))?
            .with_context(|| format!("run a command in {pod}"))?;
        // What a program quotes of a file that it could not read is no text.
        Ok(String::from_utf8_lossy(&output).into_owned())
    }

    /// Runs a script, feeds it `input`, and hands its output on piece by piece. What comes
    /// back is its standard error. Whoever reads `input` there knows where it ends: not
    /// every server passes its end on.
    pub async fn stream(
        &self,
        pod: &str,
        script: &str,
        input: impl AsyncRead + Unpin,
        output: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<String> {
        self.stream_in(objects::CONTAINER, pod, script, input, output).await
    }

    /// The same in another container of the pod.
    pub async fn stream_in(
        &self,
        container: &str,
        pod: &str,
        script: &str,
        mut input: impl AsyncRead + Unpin,
        mut output: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<String> {
        let params = AttachParams::default()
            .container(container)
            .stdin(true)
            .stderr(true)
            .max_stdin_buf_size(BUFFER)
            .max_stdout_buf_size(BUFFER);
        let mut process = self.api::<Pod>().exec(pod, ["bash", "-c", script], &params).await?;
        let streams = (process.stdin(), process.stdout(), process.stderr(), process.take_status());
        let (Some(mut stdin), Some(mut stdout), Some(mut stderr), Some(status)) = streams else {
            bail!("the connection has no streams")
        };
        let feed = async {
            copy(&mut input, &mut stdin).await?;
            stdin.shutdown().await
        };
        let read = async {
            let mut buffer = vec![0; BUFFER];
            loop {
                match stdout.read(&mut buffer).await.context("read its output")? {
                    0 => return anyhow::Ok(()),
                    count => output(&buffer[..count])?,
                }
            }
        };
        let complain = async {
            let mut text = String::new();
            stderr.read_to_string(&mut text).await.context("read its complaints")?;
            Ok(text)
        };
        // A script may end without having read all, and nobody takes the rest then.
        let listen = async { tokio::try_join!(read, complain) };
        tokio::pin!(feed, listen);
        let mut written = None;
        let complaint = loop {
            tokio::select! {
                result = &mut feed, if written.is_none() => written = Some(result),
                heard = &mut listen => break heard?.1,
            }
        };
        let ended = status.await.context("the connection ended early")?;
        if ended.status.as_deref() != Some("Success") {
            let code = ended.message.unwrap_or_default();
            bail!(
                "{}",
                if complaint.trim().is_empty() { code } else { complaint.trim().to_owned() }
            );
        }
        written.unwrap_or(Ok(())).context("write its input")?;
        Ok(complaint)
    }

    /// Runs SQL as the superuser over the pod's own socket. The last statement's
    /// rows come back, one a line.
    pub async fn sql(
        &self,
        pod: &str,
        database: &str,
        statements: &str,
        limit: Duration,
    ) -> Result<String> {
        ensure!(
            database.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)),
            "{database} is no database of ours"
        );
        let script = format!("{PSQL} -d {database}");
        // psql leaves at \q, so it doesn't matter whether the server passes the end of input on.
        self.shell(pod, &script, &format!("{statements}\n\\q\n"), limit).await
    }
}
