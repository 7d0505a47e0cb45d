//! TLS to a server, as its address asks for it.

use std::future::ready;
use std::sync::{Arc, OnceLock};

use native_tls::{Certificate, TlsConnector, TlsConnectorBuilder};
use postgres_native_tls::TlsStream;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};

/// Made once a server wants TLS: OpenSSL reads the machine's authorities for it, whoever is to be
/// trusted, and that takes as long as the rest of a start.
#[derive(Clone)]
pub struct Tls(Arc<Shared>);

struct Shared {
    builder: TlsConnectorBuilder,
    connector: OnceLock<TlsConnector>,
}

impl Tls {
    /// With a CA, or with `require`, certificate and host name are checked (libpq's `verify-full`);
    /// `prefer` alone promises nothing, as in libpq, and so takes any certificate.
    pub fn new(config: &Config, ca_root: Option<&str>) -> Result<Self, String> {
        let mut builder = TlsConnector::builder();
        match ca_root {
            Some(pem) => {
                builder.disable_built_in_roots(true);
                for certificate in certificates(pem)? {
                    builder.add_root_certificate(certificate);
                }
            }
            None if config.get_ssl_mode() == SslMode::Prefer => {
                builder.danger_accept_invalid_certs(true).danger_accept_invalid_hostnames(true);
            }
            None => {}
        }
        Ok(Self(Arc::new(Shared { builder, connector: OnceLock::new() })))
    }

    fn connector(&self) -> native_tls::Result<TlsConnector> {
        let Shared { builder, connector } = &*self.0;
        if let Some(connector) = connector.get() {
            return Ok(connector.clone());
        }
        let new = builder.build()?;
        Ok(connector.get_or_init(|| new).clone())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Tls {
    type Stream = TlsStream<S>;
    type TlsConnect = ToHost;
    type Error = native_tls::Error;

    fn make_tls_connect(&mut self, host: &str) -> native_tls::Result<ToHost> {
        Ok(ToHost { tls: self.clone(), host: host.to_owned() })
    }
}

/// TLS to a server of this name.
pub struct ToHost {
    tls: Tls,
    host: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for ToHost {
    type Stream = TlsStream<S>;
    type Error = native_tls::Error;
    type Future = <postgres_native_tls::TlsConnector as TlsConnect<S>>::Future;

    fn connect(self, stream: S) -> Self::Future {
        match self.tls.connector() {
            Ok(connector) => {
                postgres_native_tls::TlsConnector::new(connector, &self.host).connect(stream)
            }
            Err(error) => Box::pin(ready(Err(error))),
        }
    }
}

/// The certificates of authorities in a PEM file: several, while one replaces another.
pub fn certificates(pem: &str) -> Result<Vec<Certificate>, String> {
    let why = match Certificate::stack_from_pem(pem.as_bytes()) {
        Ok(certificates) if !certificates.is_empty() => return Ok(certificates),
        Ok(_) => "it holds no certificate".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(format!("the CA certificate cannot be read: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_ca_is_said_so_before_anybody_connects() {
        let config = "postgres://u:p@db/app?sslmode=require".parse().unwrap();
        let error = Tls::new(&config, Some("not PEM")).err().unwrap();
        assert!(error.starts_with("the CA certificate cannot be read"), "{error}");
    }
}
