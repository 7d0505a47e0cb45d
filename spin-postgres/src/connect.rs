//! Connections to one of an address's hosts: each has its own time, so that one
//! that is frozen does not keep the others from being tried.

use std::sync::atomic::{AtomicUsize, Ordering};

use postgres_native_tls::MakeTlsConnector;
use tokio::task::JoinHandle;
use tokio_postgres::config::{Host, LoadBalanceHosts, SslMode, TargetSessionAttrs};
use tokio_postgres::{Client, Config, NoTls};

use crate::address::{self, CONNECT_TIMEOUT};

/// An address, and how to reach its hosts.
pub struct Target {
    /// One for each host, in the address's order.
    hosts: Vec<(String, Config)>,
    tls: Option<MakeTlsConnector>,
    balanced: bool,
    /// Where the primary was last; it is tried first.
    primary: Option<AtomicUsize>,
}

/// Why no host would do, host by host.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", .0.iter().map(|(host, why)| format!("{host}: {why}")).collect::<Vec<_>>().join("; "))]
pub struct NoConnection(Vec<(String, String)>);

impl Target {
    /// With a CA the servers' certificates have to be of it, and TLS is not
    /// left out when a server has none.
    pub fn new(mut config: Config, ca_root: Option<&str>) -> Result<Self, String> {
        if ca_root.is_some() && config.get_ssl_mode() == SslMode::Prefer {
            config.ssl_mode(SslMode::Require);
        }
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => None,
            _ => Some(address::tls(&config, ca_root)?),
        };
        let attributes = config.get_target_session_attrs();
        Ok(Self {
            tls,
            balanced: config.get_load_balance_hosts() == LoadBalanceHosts::Random,
            primary: (attributes == TargetSessionAttrs::ReadWrite).then(AtomicUsize::default),
            hosts: address::servers(&config)
                .into_iter()
                .enumerate()
                .map(|(index, (host, port))| (format!("{host}:{port}"), only(&config, index, port)))
                .collect(),
        })
    }

    /// Whether a session in which nothing can be written is of no use here.
    pub fn is_for_writing(&self) -> bool {
        self.hosts
            .first()
            .is_none_or(|(_, host)| host.get_target_session_attrs() != TargetSessionAttrs::ReadOnly)
    }

    /// Tries the hosts one after the other. The task ends with the client.
    pub async fn connect(&self) -> Result<(Client, JoinHandle<()>), NoConnection> {
        let mut reasons = Vec::new();
        for index in self.order() {
            let Some((name, config)) = self.hosts.get(index) else { continue };
            let limit = config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
            let reason = match tokio::time::timeout(limit, self.connect_to(config)).await {
                Ok(Ok(connected)) => {
                    if let Some(primary) = &self.primary {
                        primary.store(index, Ordering::Relaxed);
                    }
                    return Ok(connected);
                }
                Ok(Err(error)) => with_sources(&error),
                Err(_) => format!("no answer within {limit:?}"),
            };
            reasons.push((name.clone(), reason));
        }
        Err(NoConnection(reasons))
    }

    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.hosts.len()).collect();
        if self.balanced {
            shuffle(&mut order);
        } else if let Some(primary) = &self.primary {
            let last = primary.load(Ordering::Relaxed);
            order.sort_by_key(|index| *index != last);
        }
        order
    }

    async fn connect_to(
        &self,
        config: &Config,
    ) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error> {
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

/// The same configuration for one of its hosts: tokio-postgres limits the time
/// of TCP's handshake alone, and has no way to take a host away.
fn only(config: &Config, index: usize, port: u16) -> Config {
    let mut one = Config::new();
    match config.get_hosts().get(index) {
        Some(Host::Tcp(name)) => {
            one.host(name);
        }
        #[cfg(unix)]
        Some(Host::Unix(path)) => {
            one.host_path(path);
        }
        None => {}
    }
    if let Some(address) = config.get_hostaddrs().get(index) {
        one.hostaddr(*address);
    }
    one.port(port)
        .ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .keepalives(config.get_keepalives())
        .keepalives_idle(config.get_keepalives_idle())
        .target_session_attrs(config.get_target_session_attrs())
        .channel_binding(config.get_channel_binding())
        .load_balance_hosts(config.get_load_balance_hosts());
    if let Some(user) = config.get_user() {
        one.user(user);
    }
    if let Some(password) = config.get_password() {
        one.password(password);
    }
    if let Some(name) = config.get_dbname() {
        one.dbname(name);
    }
    if let Some(options) = config.get_options() {
        one.options(options);
    }
    if let Some(name) = config.get_application_name() {
        one.application_name(name);
    }
    if let Some(timeout) = config.get_connect_timeout() {
        one.connect_timeout(*timeout);
    }
    if let Some(timeout) = config.get_tcp_user_timeout() {
        one.tcp_user_timeout(*timeout);
    }
    if let Some(interval) = config.get_keepalives_interval() {
        one.keepalives_interval(interval);
    }
    if let Some(retries) = config.get_keepalives_retries() {
        one.keepalives_retries(retries);
    }
    one
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn target(address: &str) -> Target {
        Target::new(address::parse(address).unwrap(), None).unwrap()
    }

    #[test]
    fn every_host_keeps_what_the_address_says() {
        let target = target(
            "postgres://u:p@a:1,b:2/app?connect_timeout=1&application_name=x&sslmode=disable\
             &target_session_attrs=read-write&tcp_user_timeout=7&options=-c%20a.b%3D1",
        );
        for (index, (name, config)) in target.hosts.iter().enumerate() {
            assert_eq!(*name, ["a:1", "b:2"][index]);
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
        let target = Target::new(config, Some(ca)).unwrap();
        assert_eq!(target.hosts[0].1.get_ssl_mode(), SslMode::Require);
        assert!(target.tls.is_some());
    }
}
