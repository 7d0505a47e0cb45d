//! Connections for outgoing requests. A name is looked up once, and what is connected to is what
//! was checked: a second look might find another address.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::spin::allowed_hosts::AllowedHosts;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The address to which a name leads is not allowed; the text says what would allow it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Prohibited(String);

/// Connects to the addresses of a host that are allowed, the first that answers.
#[derive(Clone)]
pub struct Connector {
    pub allowed_hosts: Arc<AllowedHosts>,
    pub timeout: Duration,
}

impl Connector {
    async fn connect(self, uri: Uri) -> Result<TokioIo<TcpStream>, BoxError> {
        let addresses = self.addresses(&uri).await?;
        let mut http = HttpConnector::new_with_resolver(Found(addresses));
        http.enforce_http(false);
        http.set_nodelay(true);
        http.call(uri).await.map_err(Into::into)
    }

    async fn addresses(&self, uri: &Uri) -> Result<Vec<SocketAddr>, BoxError> {
        let (scheme, host, port) = target(uri).ok_or("the address names no host")?;
        let name = host.trim_start_matches('[').trim_end_matches(']');
        let mut allowed = Vec::new();
        let mut prohibited = None;
        for address in tokio::net::lookup_host((name, port)).await? {
            match self.allowed_hosts.check_address(scheme, host, port, address.ip()) {
                Ok(()) => allowed.push(address),
                Err(reason) => prohibited = Some(Prohibited(reason)),
            }
        }
        match prohibited {
            Some(prohibited) if allowed.is_empty() => Err(prohibited.into()),
            _ => Ok(allowed),
        }
    }
}

/// Scheme, host and port of an address. One with a user in it has none: it would be sent on as the
/// host, to which it does not belong (RFC 9110, 4.2.4).
pub fn target(uri: &Uri) -> Option<(&str, &str, u16)> {
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    let host = authority.host();
    let port = match authority.as_str().strip_prefix(host)? {
        "" | ":" if scheme == "http" => 80,
        "" | ":" => 443,
        _ => authority.port_u16()?,
    };
    Some((scheme, host, port))
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let timeout = connector.timeout;
            match tokio::time::timeout(timeout, connector.connect(uri)).await {
                Ok(result) => result,
                Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
            }
        })
    }
}

/// The addresses of the only name that is asked for.
#[derive(Clone)]
struct Found(Vec<SocketAddr>);

impl Service<Name> for Found {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        std::future::ready(Ok(self.0.clone().into_iter()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_with_a_port_or_without() {
        let target = |uri: &str| {
            let uri = uri.parse().unwrap();
            target(&uri).map(|(scheme, host, port)| format!("{scheme} {host} {port}"))
        };
        for (uri, found) in [
            ("http://a/x", "http a 80"),
            ("https://a:/x", "https a 443"),
            ("http://[::1]:7/x", "http [::1] 7"),
        ] {
            assert_eq!(target(uri).as_deref(), Some(found));
        }
        for uri in ["/x", "http://u@a/", "http://u:p@a:7/", "http://a@a/", "http://a:99999/"] {
            assert_eq!(target(uri), None, "{uri}");
        }
    }
}
