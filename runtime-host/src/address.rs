//! Addresses in flags: where to listen, and whom to trust.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs as _};

use ipnet::{IpNet, Ipv4Net};

/// Bits before an IPv4 address in the IPv6 one that stands for it.
const MAPPED: u8 = 96;

/// An address to listen on. Of the addresses of a name it is 127.0.0.1, where that is one, as in
/// Spin; else the first.
pub fn listen(text: &str) -> Result<SocketAddr, String> {
    const HELP: &str =
        "write an address and a port, like 127.0.0.1:3000, [::1]:3000 or localhost:3000";
    let (host, port) = text.rsplit_once(':').unwrap_or_default();
    if host.is_empty() || port.parse::<u16>().is_err() {
        return Err(HELP.to_owned());
    }
    let found =
        text.to_socket_addrs().map_err(|error| format!("{host} is not found ({error}): {HELP}"))?;
    let found: Vec<SocketAddr> = found.collect();
    let own = found.iter().find(|address| address.ip() == Ipv4Addr::LOCALHOST);
    own.or(found.first()).copied().ok_or_else(|| format!("{host} has no address: {HELP}"))
}

/// A network, or a single address.
pub fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let network = text.parse::<IpAddr>().map(IpNet::from).or_else(|_| text.parse());
    network.map(canonical).map_err(|_: ipnet::AddrParseError| {
        "write networks or addresses, with commas between, like 10.0.0.0/8,fd00::1".to_owned()
    })
}

/// One of IPv4 that is written as IPv6 is compared as what it is.
fn canonical(network: IpNet) -> IpNet {
    let inner = network.prefix_len().checked_sub(MAPPED);
    match (network.addr().to_canonical(), inner) {
        (IpAddr::V4(address), Some(length)) if matches!(network, IpNet::V6(_)) => {
            Ipv4Net::new(address, length).map_or(network, IpNet::V4)
        }
        _ => network,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_to_listen_on_may_be_a_name() {
        for (text, address) in [
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::1]:80", "[::1]:80"),
            ("localhost:3000", "127.0.0.1:3000"),
        ] {
            assert_eq!(listen(text).unwrap().to_string(), address);
        }
        for text in ["nonsense", "127.0.0.1", "127.0.0.1:99999", ":", ":80", "localhost", "::1", ""]
        {
            assert!(listen(text).unwrap_err().contains("like 127.0.0.1:3000"), "{text}");
        }
    }

    #[test]
    fn whom_to_trust_is_a_network_or_an_address() {
        for (text, net) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            (" fd00::/8 ", "fd00::/8"),
            ("10.0.0.1", "10.0.0.1/32"),
            ("::1", "::1/128"),
            ("::ffff:10.0.0.1", "10.0.0.1/32"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("::/0", "::/0"),
        ] {
            assert_eq!(network(text).unwrap().to_string(), net);
        }
        for text in ["", "10.0.0.0/33", "x", "10.0.0.1:80", "[::1]"] {
            assert!(network(text).is_err(), "{text}");
        }
    }
}
