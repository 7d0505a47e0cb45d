//! Connections to one of an address's hosts: each has its own time, so that one
//! that is frozen does not keep the others from being tried.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;
use tokio::task::JoinHandle;
use tokio_postgres::config::{LoadBalanceHosts, SslMode, TargetSessionAttrs};
use tokio_postgres::{Client, Config, NoTls};

use crate::Allowed;
use crate::address::{self, CONNECT_TIMEOUT};
use crate::tls::Tls;

/// An address, and how to reach its hosts.
pub struct Target {
    /// In the address's order.
    servers: Vec<Server>,
    /// Says to which IP addresses names may lead; the host itself may go anywhere.
    allowed: Option<Arc<dyn Allowed>>,
    tls: Option<Tls>,
    balanced: bool,
    /// Where the primary was last; it is tried first.
    primary: Option<AtomicUsize>,
}

/// One host of an address.
struct Server {
    host: String,
    port: u16,
    /// What the address says of this host alone.
    config: Config,
}

type Connected = (Client, JoinHandle<()>);

/// Why no host would do, host by host.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", .0.iter().map(|(host, why)| format!("{host}: {why}")).collect::<Vec<_>>().join("; "))]
pub struct NoConnection(Vec<(String, String)>);

impl NoConnection {
    /// It was there, and failed at once.
    pub fn after(error: &(dyn std::error::Error + 'static)) -> Self {
        Self(vec![("the database".to_owned(), with_sources(error))])
    }
}

impl Target {
    /// With a CA the servers' certificates have to be of it, and TLS is not
    /// left out when a server has none.
    pub fn new(
        mut config: Config,
        ca_root: Option<&str>,
        allowed: Option<Arc<dyn Allowed>>,
    ) -> Result<Self, String> {
        if ca_root.is_some() && config.get_ssl_mode() == SslMode::Prefer {
            config.ssl_mode(SslMode::Require);
        }
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => None,
            _ => Some(Tls::new(&config, ca_root)?),
        };
        let attributes = config.get_target_session_attrs();
        Ok(Self {
            tls,
            balanced: config.get_load_balance_hosts() == LoadBalanceHosts::Random,
            primary: (attributes == TargetSessionAttrs::ReadWrite).then(AtomicUsize::default),
            servers: address::servers(&config)
                .into_iter()
                .enumerate()
                .map(|(index, (host, port))| {
                    let config = address::only(&config, index, port);
                    Server { host, port, config }
                })
                .collect(),
            allowed,
        })
    }

    /// Whether a session in which nothing can be written is of no use here.
    pub fn is_for_writing(&self) -> bool {
        self.servers.first().is_none_or(|server| {
            server.config.get_target_session_attrs() != TargetSessionAttrs::ReadOnly
        })
    }

    /// Tries the hosts one after the other. The task ends with the client.
    pub async fn connect(&self) -> Result<Connected, NoConnection> {
        let mut reasons = Vec::new();
        for index in self.order() {
            let Some(server) = self.servers.get(index) else { continue };
            let limit = server.config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
            let reason = match tokio::time::timeout(limit, self.connect_to(server)).await {
                Ok(Ok(connected)) => {
                    if let Some(primary) = &self.primary {
                        primary.store(index, Ordering::Relaxed);
                    }
                    return Ok(connected);
                }
                Ok(Err(reason)) => reason,
                Err(_) => format!("no answer within {limit:?}"),
            };
            reasons.push((format!("{}:{}", server.host, server.port), reason));
        }
        Err(NoConnection(reasons))
    }

    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.servers.len()).collect();
        if self.balanced {
            shuffle(&mut order);
        } else if let Some(primary) = &self.primary {
            let last = primary.load(Ordering::Relaxed);
            order.sort_by_key(|index| *index != last);
        }
        order
    }

    /// Looks up where the host's name leads, and connects to nothing else: a second look might
    /// find another address than the one that was checked.
    async fn connect_to(&self, server: &Server) -> Result<Connected, String> {
        let Server { host, port, config } = server;
        let connect = async |config: &Config| {
            self.connect_with(config).await.map_err(|error| with_sources(&error))
        };
        let Some(allowed) = &self.allowed else { return connect(config).await };
        if let [address] = config.get_hostaddrs() {
            allowed.check_address(host, *port, *address)?;
            return connect(config).await;
        }
        let found = tokio::net::lookup_host((host.as_str(), *port)).await;
        let mut reason = "its name leads to no address".to_owned();
        for address in found.map_err(|error| with_sources(&error))? {
            let address: IpAddr = address.ip();
            let tried = match allowed.check_address(host, *port, address) {
                Ok(()) => connect(config.clone().hostaddr(address)).await,
                Err(reason) => Err(reason),
            };
            match tried {
                Ok(connected) => return Ok(connected),
                Err(why) => reason = why,
            }
        }
        Err(reason)
    }

    async fn connect_with(&self, config: &Config) -> Result<Connected, tokio_postgres::Error> {
        let log = |result: Result<(), tokio_postgres::Error>| {
            if let Err(error) = result {
                tracing::debug!(%error, "a database connection ended");
            }
        };
        if let Some(tls) = &self.tls {
            let (client, connection) = config.connect(tls.clone()).await?;
            return Ok((client, tokio::spawn(async move { log(connection.await) })));
        }
        let (client, connection) = config.connect(NoTls).await?;
        Ok((client, tokio::spawn(async move { log(connection.await) })))
    }

    /// Asks the server to stop what a connection is doing; best effort.
    pub async fn cancel(&self, token: tokio_postgres::CancelToken) {
        let cancel = async {
            match &self.tls {
                Some(tls) => token.cancel_query(tls.clone()).await,
                None => token.cancel_query(NoTls).await,
            }
        };
        if let Ok(Err(error)) = tokio::time::timeout(CONNECT_TIMEOUT, cancel).await {
            tracing::debug!(%error, "a statement could not be cancelled");
        }
    }
}

/// Any order, each as likely: from the hasher's random keys, of which the
/// standard library makes new ones each time.
fn shuffle(order: &mut [usize]) {
    use std::hash::{BuildHasher as _, RandomState};
    let keys = RandomState::new();
    order.sort_by_cached_key(|index| keys.hash_one(index));
}

pub fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// One connection outside of any pool, for the host's own work. With a CA, the
/// server's certificate has to be of it.
pub async fn connect(address: &str, ca_root: Option<&str>) -> anyhow::Result<Client> {
    let config = address::parse(address).map_err(anyhow::Error::msg)?;
    let target = Target::new(config, ca_root, None).map_err(anyhow::Error::msg)?;
    let (client, _) = target.connect().await.context("connect to PostgreSQL")?;
    Ok(client)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn target(address: &str) -> Target {
        Target::new(address::parse(address).unwrap(), None, None).unwrap()
    }

    #[test]
    fn every_host_keeps_what_the_address_says() {
        let target = target(
            "postgres://u:p@a:1,b:2/app?connect_timeout=1&application_name=x&sslmode=disable\
             &target_session_attrs=read-write&tcp_user_timeout=7&options=-c%20a.b%3D1",
        );
        for (index, Server { host, port, config }) in target.servers.iter().enumerate() {
            assert_eq!((host.as_str(), *port), [("a", 1), ("b", 2)][index]);
            assert_eq!(config.get_hosts().len(), 1);
            assert_eq!(config.get_ports(), [[1], [2]][index]);
            assert_eq!(config.get_user(), Some("u"));
            assert_eq!(config.get_password(), Some(b"p".as_slice()));
            assert_eq!(config.get_dbname(), Some("app"));
            assert_eq!(config.get_application_name(), Some("x"));
            assert_eq!(config.get_options(), Some("-c a.b=1"));
            assert_eq!(config.get_ssl_mode(), SslMode::Disable);
            assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(1)));
            assert_eq!(config.get_tcp_user_timeout(), Some(&Duration::from_secs(7)));
            assert_eq!(config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        }
    }

    #[test]
    fn the_last_primary_is_tried_first() {
        let target = target("postgres://u:p@a,b,c/app?target_session_attrs=read-write");
        assert_eq!(target.order(), [0, 1, 2]);
        target.primary.as_ref().unwrap().store(2, Ordering::Relaxed);
        assert_eq!(target.order(), [2, 0, 1]);
    }

    #[test]
    fn without_a_primary_the_order_is_the_addresss_or_any() {
        assert!(target("postgres://u:p@a,b/app").primary.is_none());
        let balanced = target("postgres://u:p@a,b,c/app?load_balance_hosts=random");
        let firsts: std::collections::BTreeSet<usize> =
            (0..200).map(|_| balanced.order()[0]).collect();
        assert_eq!(firsts.len(), 3);
    }

    #[test]
    fn a_ca_leaves_no_way_around_tls() {
        let ca = include_str!("testdata/ca.pem"); // any authority's
        let config = address::parse("postgres://u:p@a/app").unwrap();
        let target = Target::new(config, Some(ca), None).unwrap();
        assert_eq!(target.servers[0].config.get_ssl_mode(), SslMode::Require);
        assert!(target.tls.is_some());
    }
}
