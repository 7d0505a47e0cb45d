//! Database addresses: parsed, checked against the allowed hosts, completed
//! with time limits, and never shown.

use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::Allowed;
use crate::bindings::Error;

/// How long one host of an address has to make a connection, handshakes and
/// password included. Every one of a multi-host address may need it, within the
/// time of a request.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long sent data may stay unacknowledged. Without it a frozen server holds
/// its connections for a quarter of an hour.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);
/// When an idle connection is probed first; load balancers forget them sooner
/// than the two hours that are tokio-postgres's default.
const KEEPALIVES_IDLE: Duration = Duration::from_secs(30);
/// A connection that a router forgot is known to be gone after half a minute, not a quarter of an hour.
const KEEPALIVES_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVES_RETRIES: u32 = 3;
const DEFAULT_PORT: u16 = 5432;

/// What is said about an address that cannot be read, instead of the parser's
/// own words, which may quote a part of the password.
const UNREADABLE: &str = "the database address cannot be read: write \
    postgres://USER:PASSWORD@HOST:PORT/DATABASE with special characters percent-encoded \
    (@ is %40, / is %2F, # is %23, % is %25); sslmode is disable, prefer or require, \
    target_session_attrs any, read-write or read-only; leave out what is another driver's, such \
    as sslrootcert, schema or pgbouncer";

/// Reads an address and adds the limits that it leaves open.
pub fn parse(address: &str) -> Result<Config, &'static str> {
    // A file that it comes from, as a Secret's, often ends in a line break.
    let mut config: Config = address.trim().parse().map_err(|_| UNREADABLE)?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err("the database address names no host");
    }
    if !config.get_hosts().iter().all(is_host_name) {
        return Err(UNREADABLE);
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(TCP_USER_TIMEOUT);
    }
    if !address.contains("keepalives") {
        config.keepalives_idle(KEEPALIVES_IDLE);
        config.keepalives_interval(KEEPALIVES_INTERVAL);
        config.keepalives_retries(KEEPALIVES_RETRIES);
    }
    if config.get_application_name().is_none() {
        config.application_name("runtime-host");
    }
    Ok(config)
}

/// A password with an `@` that is not encoded ends up in the host's name, from
/// where it would reach messages.
fn is_host_name(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name.chars().all(|c| c.is_alphanumeric() || "-._:".contains(c)),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

/// Whether a component may connect to every host that the address names.
pub fn check(config: &Config, allowed: &dyn Allowed) -> Result<(), Error> {
    #[cfg(unix)]
    if config.get_hosts().iter().any(|host| matches!(host, Host::Unix(_))) {
        return Err(Error::ConnectionFailed("Unix sockets are not for components".into()));
    }
    for (host, port) in targets(config) {
        allowed.check(&host, port).map_err(Error::ConnectionFailed)?;
    }
    Ok(())
}

/// The hosts and ports that an address names. `hostaddr` is where
/// tokio-postgres really connects to, so both count.
pub fn targets(config: &Config) -> Vec<(String, u16)> {
    let ports = config.get_ports();
    let port = |index: usize| match ports {
        [] => DEFAULT_PORT,
        [one] => *one,
        many => many.get(index).copied().unwrap_or(DEFAULT_PORT),
    };
    let names = config.get_hosts().iter().enumerate().map(|(index, host)| match host {
        Host::Tcp(name) => (name.clone(), port(index)),
        #[cfg(unix)]
        Host::Unix(path) => (path.display().to_string(), port(index)),
    });
    let addresses = config.get_hostaddrs().iter().enumerate();
    names.chain(addresses.map(|(index, address)| (address.to_string(), port(index)))).collect()
}

/// The servers of a text that is a database address.
pub fn servers_of(address: &str) -> Vec<(String, u16)> {
    parse(address).map(|config| servers(&config)).unwrap_or_default()
}

/// One entry for each server: the name where there is one, else the address.
pub fn servers(config: &Config) -> Vec<(String, u16)> {
    let count = config.get_hosts().len().max(config.get_hostaddrs().len());
    let mut all = targets(config);
    all.truncate(count);
    all
}

/// The same configuration for one of its hosts: tokio-postgres limits the time
/// of TCP's handshake alone, and has no way to take a host away.
pub fn only(config: &Config, index: usize, port: u16) -> Config {
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

#[cfg(test)]
mod tests {
    use super::*;

    struct Only(&'static str, u16);

    impl Allowed for Only {
        fn check(&self, host: &str, port: u16) -> Result<(), String> {
            if (host, port) == (self.0, self.1) { Ok(()) } else { Err("not allowed".into()) }
        }

        fn check_address(&self, _: &str, _: u16, _: std::net::IpAddr) -> Result<(), String> {
            Ok(())
        }
    }

    #[test]
    fn limits_are_added_where_the_address_has_none() {
        let config = parse("postgres://u:p@db/app").unwrap();
        assert_eq!(config.get_connect_timeout(), Some(&CONNECT_TIMEOUT));
        assert_eq!(config.get_tcp_user_timeout(), Some(&TCP_USER_TIMEOUT));
        let config = parse("postgres://u:p@db/app?connect_timeout=1&keepalives_idle=7").unwrap();
        assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(1)));
        assert_eq!(config.get_keepalives_idle(), Duration::from_secs(7));
    }

    #[test]
    fn an_address_has_many_forms() {
        for (address, found, database) in [
            ("postgresql://u:p@h/d\n", vec![("h", 5432)], Some("d")),
            (" postgres://u:p@h:1/d?channel_binding=prefer", vec![("h", 1)], Some("d")),
            ("postgres://u:p@[::1]:5433/d", vec![("::1", 5433)], Some("d")),
            ("postgres://u:p@a,b:2/d", vec![("a", 5432), ("b", 2)], Some("d")),
            ("postgres://h?user=u&password=p", vec![("h", 5432)], None),
            ("postgres:///d?host=h&port=3", vec![("h", 3)], Some("d")),
            (
                "host=a,b port=4 user=u password='it\\'s' dbname=d",
                vec![("a", 4), ("b", 4)],
                Some("d"),
            ),
            ("host=h hostaddr=10.0.0.1 options='-c statement_timeout=5s'", vec![("h", 5432)], None),
            ("postgres://u:p@%2Frun%2Fpostgresql/d", vec![("/run/postgresql", 5432)], Some("d")),
        ] {
            let config = parse(address).unwrap_or_else(|error| panic!("{address}: {error}"));
            let found = found.into_iter().map(|(host, port)| (host.to_owned(), port));
            assert_eq!(servers(&config), found.collect::<Vec<_>>(), "{address}");
            assert_eq!(config.get_dbname(), database, "{address}");
        }
        for (address, says) in [
            ("postgres:///d", "names no host"),
            ("postgres://u:p@/d", "names no host"),
            ("user=u dbname=d", "names no host"),
            ("postgres://u:p@h:70000/d", "write postgres://"),
            ("postgres://u:p@h/d?sslmode=verify-full", "sslmode is disable, prefer or require"),
            ("postgres://u:p@h/d?target_session_attrs=primary", "read-write"),
            ("postgres://u:p@h/d?pgbouncer=true&schema=x", "another driver's"),
            ("mysql://u:p@h/d", "write postgres://"),
            ("", "names no host"),
        ] {
            let error = parse(address).map(|_| ()).unwrap_err();
            assert!(error.contains(says), "{address}: {error}");
        }
    }

    #[test]
    fn passwords_with_every_special_character_are_read_when_encoded() {
        let config = parse("postgres://u:%40%2F%3A%23%3F%25%26%3D%20%22%27@db/app").unwrap();
        assert_eq!(config.get_password(), Some(b"@/:#?%&= \"'".as_slice()));
    }

    #[test]
    fn no_error_quotes_the_password() {
        for address in [
            "postgres://u:p@s3cret@h/x",
            "postgres://u:s3cret@h:port/x",
            "s3cret",
            "postgres://u:p@h?s3cret=1",
            "host=a s3cret",
        ] {
            let error = parse(address).unwrap_err();
            assert!(!error.contains("s3cr"), "{error}");
        }
    }

    #[test]
    fn every_host_of_an_address_must_be_allowed() {
        let only_a = Only("a", 5432);
        let check = |address: &str| check(&parse(address).unwrap(), &only_a);
        assert!(check("postgres://u:p@a/app").is_ok());
        assert!(check("postgres://u:p@a:6432/app").is_err());
        assert!(check("postgres://u:p@a,b/app").is_err());
        assert!(check("host=a hostaddr=10.0.0.1 user=u").is_err());
        assert!(check("host=/var/run/postgresql user=u").is_err());
    }
}
