//! Patroni's REST API in a member, by a port-forward.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use data_encoding::BASE64;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
        pki_types::{CertificateDer, ServerName, UnixTime},
    },
};

use crate::{
    cluster::Cluster,
    env::PATRONI_PORT,
    names,
    objects::{patroni_speaks_tls, secrets},
};

/// How long a member has to answer before it counts as away.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(5);

impl Cluster {
    /// What Patroni in a member answers to a request with the password of its API.
    pub async fn rest(
        &self,
        pod: &str,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<(StatusCode, String)> {
        let name = names::credentials(&self.env);
        let password = self
            .secret(&name, "restapi")
            .await?
            .with_context(|| format!("there is no Secret {name}: run `pg-cluster init`"))?;
        let (status, answer) = self.send(pod, &password, method.clone(), path, body).await?;
        if status != StatusCode::UNAUTHORIZED {
            return Ok((status, answer));
        }
        // It started before the password was changed.
        let own = "printf %s \"$PATRONI_RESTAPI_PASSWORD\"";
        let own = self.shell(pod, own, "", ANSWER_LIMIT).await?;
        self.send(pod, &own, method, path, body).await
    }

    async fn send(
        &self,
        pod: &str,
        password: &str,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<(StatusCode, String)> {
        let login = BASE64.encode(format!("{}:{password}", secrets::RESTAPI_USER).as_bytes());
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("Host", "localhost")
            .header("Authorization", format!("Basic {login}"))
            .header("Content-Type", "application/json")
            .body(Full::new(Bytes::from(body.to_string())))?;
        let answer = if self.speaks_tls(pod).await? {
            exchange(self.patroni_by_tls(pod).await?, request).await
        } else {
            exchange(self.patroni(pod).await?, request).await
        };
        answer.with_context(|| format!("ask Patroni in {pod}"))
    }

    /// The certificate that Patroni in a member shows; None where it speaks no TLS yet.
    pub async fn patroni_shows(&self, pod: &str) -> Result<Option<Vec<u8>>> {
        if !self.speaks_tls(pod).await? {
            return Ok(None);
        }
        let stream = tokio::time::timeout(ANSWER_LIMIT, self.patroni_by_tls(pod)).await;
        let stream = stream.with_context(|| format!("talk to Patroni in {pod}: no answer"))??;
        let (_, connection) = stream.get_ref();
        Ok(connection.peer_certificates().and_then(|chain| Some(chain.first()?.to_vec())))
    }

    async fn speaks_tls(&self, pod: &str) -> Result<bool> {
        let found = self.find::<Pod>(pod).await?;
        Ok(patroni_speaks_tls(&found.with_context(|| format!("there is no pod {pod}"))?))
    }

    async fn patroni(&self, pod: &str) -> Result<DuplexStream> {
        self.forward(pod, u16::try_from(PATRONI_PORT)?).await
    }

    async fn patroni_by_tls(&self, pod: &str) -> Result<TlsStream<DuplexStream>> {
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .context("choose a version of TLS")?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(WhoeverIsThere(provider)))
            .with_no_client_auth();
        let stream = self.patroni(pod).await?;
        let name = ServerName::try_from("localhost")?;
        let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        connected.with_context(|| format!("talk to Patroni in {pod} by TLS"))
    }
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<(StatusCode, String)>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.context("begin HTTP")?;
    tokio::spawn(connection);
    let response = sender.send_request(request).await.context("send the request")?;
    let status = response.status();
    let answer = response.into_body().collect().await.context("read the answer")?.to_bytes();
    Ok((status, String::from_utf8_lossy(&answer).into_owned()))
}

/// A port-forward ends on the pod's own loopback, so Kubernetes has said who answers. A certificate of a CA
/// that is no longer known must not keep `init` from a member that it is about to give another one.
#[derive(Debug)]
struct WhoeverIsThere(Arc<CryptoProvider>);

impl ServerCertVerifier for WhoeverIsThere {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
