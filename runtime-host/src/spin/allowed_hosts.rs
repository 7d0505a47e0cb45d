//! Spin's `allowed_outbound_hosts`: `scheme://host[:port]`, where the scheme is
//! a word or `*`, the host a name, an address, a network (`10.0.0.0/8`), `*` or
//! `*.suffix`, and the port a number, `*` or a half-open range (`8000..9000`).
//! Without a port, the scheme's own one is meant.
//!
//! A name says little about where it leads: who owns it decides, and may choose the host's own
//! ports, its network, or a cloud's metadata. So the address counts as well. One that is not of
//! the Internet has to be named, by itself or by its network; a private one, or the machine's own,
//! also by the name that leads there. `*` names nothing.

use std::net::{IpAddr, Ipv6Addr};

use anyhow::Result;
use url::Host;

use crate::error::misconfigured;
use crate::spin::application::Asked;
use crate::spin::reach::Reach;

#[cfg(test)]
mod tests;

/// All entries of a component; a target is allowed when one entry allows it.
#[derive(Debug, Default)]
pub struct AllowedHosts {
    entries: Vec<Entry>,
    /// Databases that are named elsewhere: what `*` allows of them may be a private address.
    databases: Vec<(Host, u16)>,
}

#[derive(Debug)]
struct Entry {
    /// `None` is any.
    scheme: Option<String>,
    host: HostPattern,
    ports: Ports,
}

#[derive(Debug, PartialEq)]
enum HostPattern {
    Any,
    /// The application itself.
    Own,
    /// With the leading dot.
    Suffix(String),
    Exactly(Host),
    Network(IpAddr, u8),
}

#[derive(Debug)]
enum Ports {
    Any,
    Range(std::ops::Range<u32>),
}

impl AllowedHosts {
    /// Parses entries whose templates are resolved, each behind what the manifest has for it: that
    /// is shown, since a variable may be secret.
    pub fn parse<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let entries = entries
            .into_iter()
            .map(|(shown, entry)| {
                Entry::parse(entry.trim()).map_err(|reason| {
                    misconfigured!(
                        "allowed_outbound_hosts has the entry {shown:?}: {reason}; \
                         write scheme://host:port, such as https://api.example.com, \
                         postgres://*:5432 or http://*.example.com:8000..9000"
                    )
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self { entries, databases: Vec::new() })
    }

    /// The same, where these servers of databases count as named.
    pub fn naming(mut self, databases: impl IntoIterator<Item = (String, u16)>) -> Self {
        let named = |(host, port): (String, u16)| Some((parse_host(&host).ok()?, port));
        self.databases = databases.into_iter().filter_map(named).collect();
        self
    }

    /// Whether a connection is allowed; the error says which line would allow it.
    pub fn check(&self, scheme: &str, host: &str, port: u16) -> Result<(), String> {
        let parsed = parse_host(host).map_err(|()| format!("{host:?} is not a host name"))?;
        if self.entries.iter().any(|entry| entry.allows(scheme, &parsed, port)) {
            return Ok(());
        }
        let target = match default_port(scheme) {
            Some(default) if default == port => format!("{scheme}://{parsed}"),
            _ => format!("{scheme}://{parsed}:{port}"),
        };
        Err(format!(
            "{target} is not allowed: add \"{target}\" to the component's allowed_outbound_hosts"
        ))
    }

    /// Whether a connection that [`AllowedHosts::check`] allows may go to this address, to which
    /// `host` leads. The error says which line would allow it.
    pub fn check_address(
        &self,
        scheme: &str,
        host: &str,
        port: u16,
        address: IpAddr,
    ) -> Result<(), String> {
        let address = address.to_canonical();
        let reach = Reach::of(address);
        let target = parse_host(host).map_err(|()| format!("{host:?} is not a host name"))?;
        let literal = match address {
            IpAddr::V4(address) => Host::Ipv4(address),
            IpAddr::V6(address) => Host::Ipv6(address),
        };
        let named = |entry: &Entry| match &entry.host {
            HostPattern::Any | HostPattern::Own | HostPattern::Suffix(_) => false,
            HostPattern::Exactly(Host::Domain(_)) => {
                reach == Reach::Private && entry.allows(scheme, &target, port)
            }
            HostPattern::Exactly(_) | HostPattern::Network(..) => {
                entry.allows(scheme, &literal, port)
            }
        };
        let is_database = || {
            let named = |(own, at): &(Host, u16)| *own == target && *at == port;
            scheme == "postgres" && reach == Reach::Private && self.databases.iter().any(named)
        };
        if reach == Reach::Public || self.entries.iter().any(named) || is_database() {
            return Ok(());
        }
        let more = match (&target, reach) {
            (Host::Domain(name), Reach::Private) => format!("\"{scheme}://{name}:{port}\" or "),
            _ => String::new(),
        };
        let leads = match target {
            Host::Domain(name) => format!("{name} leads to {address}, which"),
            _ => address.to_string(),
        };
        Err(format!(
            "{leads} is no address of the Internet, and * does not name such a one: add \
             {more}\"{scheme}://{literal}:{port}\" to the component's allowed_outbound_hosts"
        ))
    }
}

impl spin_postgres::Allowed for AllowedHosts {
    fn check(&self, host: &str, port: u16) -> Result<(), String> {
        Self::check(self, "postgres", host, port)
    }

    fn check_address(&self, host: &str, port: u16, address: IpAddr) -> Result<(), String> {
        Self::check_address(self, "postgres", host, port, address)
    }
}

impl Entry {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = text.split_once("://").ok_or("it has no scheme")?;
        let scheme = match scheme {
            "*" => None,
            word if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                Some(word.to_ascii_lowercase())
            }
            _ => return Err("its scheme is neither a word nor *"),
        };
        let (host, port) = split_port(rest);
        let ports = match (port, &scheme) {
            (None, Some(scheme)) => {
                let port = default_port(scheme).ok_or("its scheme has no usual port: name one")?;
                Ports::one(port)
            }
            (None, None) => return Err("a scheme of * needs a port, such as :*"),
            (Some(port), _) => Ports::parse(port)?,
        };
        Ok(Self { scheme, host: HostPattern::parse(host)?, ports })
    }

    fn allows(&self, scheme: &str, host: &Host, port: u16) -> bool {
        self.scheme.as_deref().is_none_or(|own| own == scheme)
            && self.host.allows(host)
            && self.ports.allow(port)
    }
}

/// Splits off `:port`, and a `/` that ends the entry. Colons inside of `[…]`
/// belong to the host.
fn split_port(rest: &str) -> (&str, Option<&str>) {
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    // `fd00::/8`: its colons are the address's own.
    if rest.split_once('/').is_some_and(|(address, _)| address.parse::<Ipv6Addr>().is_ok()) {
        return (rest, None);
    }
    match rest.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port).filter(|p| !p.is_empty())),
        _ => (rest, None),
    }
}

impl HostPattern {
    fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if Asked::by(text) == Some(Asked::Own) {
            return Ok(Self::Own);
        }
        if let Some((address, length)) = text.split_once('/') {
            let address = address.trim_start_matches('[').trim_end_matches(']');
            let address: IpAddr = address.parse().map_err(|_| "it has a path")?;
            let most = if address.is_ipv4() { 32 } else { 128 };
            let length = length.parse().ok().filter(|length| *length <= most);
            return Ok(Self::Network(address, length.ok_or("its network's length is wrong")?));
        }
        let (suffix, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        if name.contains('*') {
            return Err("* stands for a whole host, or for its first part only");
        }
        match (suffix, parse_host(name).map_err(|()| "its host is not a host name")?) {
            (false, host) => Ok(Self::Exactly(host)),
            (true, Host::Domain(domain)) => Ok(Self::Suffix(format!(".{domain}"))),
            (true, _) => Err("*. goes before a name, not before an address"),
        }
    }

    fn allows(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Own, Host::Domain(name)) => Asked::by(name) == Some(Asked::Own),
            (Self::Suffix(suffix), Host::Domain(name)) => name.ends_with(suffix),
            (Self::Exactly(own), host) => own == host,
            (Self::Network(net, length), Host::Ipv4(ip)) => contains(*net, *length, (*ip).into()),
            (Self::Network(net, length), Host::Ipv6(ip)) => contains(*net, *length, (*ip).into()),
            _ => false,
        }
    }
}

fn contains(network: IpAddr, length: u8, address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(net), IpAddr::V4(ip)) => {
            let shift = 32 - u32::from(length);
            net.to_bits().checked_shr(shift) == ip.to_bits().checked_shr(shift)
        }
        (IpAddr::V6(net), IpAddr::V6(ip)) => {
            let shift = 128 - u32::from(length);
            net.to_bits().checked_shr(shift) == ip.to_bits().checked_shr(shift)
        }
        _ => false,
    }
}

/// A host as URLs write it; IPv6 addresses may come without their brackets.
fn parse_host(text: &str) -> Result<Host, ()> {
    match text.parse() {
        Ok(IpAddr::V6(address)) => Ok(Host::Ipv6(address)),
        _ => Host::parse(text).map_err(|_| ()),
    }
}

impl Ports {
    fn one(port: u16) -> Self {
        Self::Range(u32::from(port)..u32::from(port) + 1)
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        const NO_NUMBER: &str = "its port is neither a number, nor a range, nor *";
        if text == "*" {
            return Ok(Self::Any);
        }
        let number = |text: &str| text.parse::<u16>().map_err(|_| NO_NUMBER);
        match text.split_once("..") {
            Some((start, end)) => Ok(Self::Range(number(start)?.into()..number(end)?.into())),
            None => Ok(Self::one(number(text)?)),
        }
    }

    fn allow(&self, port: u16) -> bool {
        match self {
            Self::Any => true,
            Self::Range(range) => range.contains(&port.into()),
        }
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    Some(match scheme {
        "http" => 80,
        "https" => 443,
        "postgres" => 5432,
        "mysql" => 3306,
        "redis" => 6379,
        "mqtt" => 1883,
        _ => return None,
    })
}
