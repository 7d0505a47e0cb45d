//! The headers by which Spin tells a component of its request. The host alone sets them; what a
//! client sends under their names goes.

use std::net::{IpAddr, SocketAddr};

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, Uri};
use ipnet::IpNet;

use crate::spin::routes::Found;

static NAMES: [HeaderName; 7] = [
    HeaderName::from_static("spin-full-url"),
    HeaderName::from_static("spin-path-info"),
    HeaderName::from_static("spin-matched-route"),
    HeaderName::from_static("spin-component-route"),
    HeaderName::from_static("spin-raw-component-route"),
    HeaderName::from_static("spin-base-path"),
    HeaderName::from_static("spin-client-addr"),
];
/// What stands before the name of a segment.
const NAMED: &str = "spin-path-match-";

/// Sets the headers of a request to `uri`, which is absolute and has led to `found`.
pub fn set(
    headers: &mut HeaderMap,
    uri: &Uri,
    found: &Found,
    client: SocketAddr,
    trusted: &[IpNet],
) {
    let client = origin(headers, client, trusted);
    // A path may have bytes beyond ASCII in it, and so may a header.
    let text = |text: &str| {
        HeaderValue::from_bytes(text.as_bytes()).unwrap_or(HeaderValue::from_static(""))
    };
    let values = [
        text(&uri.to_string()),
        text(&found.rest),
        text(found.route),
        text(found.prefix),
        text(found.route),
        HeaderValue::from_static("/"),
        text(&client.to_string()),
    ];
    let forged = headers.keys().filter(|name| name.as_str().starts_with(NAMED));
    for name in forged.cloned().collect::<Vec<_>>() {
        headers.remove(name);
    }
    for (name, value) in NAMES.iter().zip(values) {
        headers.insert(name, value);
    }
    for (name, value) in &found.named {
        if let Ok(name) = HeaderName::try_from(format!("{NAMED}{}", name.to_ascii_lowercase())) {
            headers.insert(name, text(value));
        }
    }
}

/// Who sent the request: the nearest of the addresses on its way that is no trusted proxy. What
/// proxies that are not trusted say of others is hearsay.
fn origin(headers: &HeaderMap, peer: SocketAddr, trusted: &[IpNet]) -> SocketAddr {
    let is_trusted = |ip: IpAddr| trusted.iter().any(|net| net.contains(&ip.to_canonical()));
    if !is_trusted(peer.ip()) {
        return peer;
    }
    let mut nearest = peer;
    for hop in hops(headers).into_iter().rev() {
        if !is_trusted(nearest.ip()) {
            break;
        }
        let Some(address) = hop else { break };
        nearest = address;
    }
    nearest
}

/// The addresses in `X-Forwarded-For`, else in `Forwarded`, in the order of the way. `None` stands
/// for one that says nothing (`unknown`, `_hidden`, no `for` at all): what is before it is hearsay.
fn hops(headers: &HeaderMap) -> Vec<Option<SocketAddr>> {
    // What a client wrote, in whatever bytes, stands on one line with what proxies add to it.
    let lines = |name: &str| {
        let lines = headers.get_all(name).iter();
        lines.map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned()).collect::<Vec<_>>()
    };
    let each = |lines: &[String], read: fn(&str) -> Option<SocketAddr>| {
        lines.iter().flat_map(|line| line.split(',')).map(|hop| read(hop.trim())).collect()
    };
    let plain = lines("x-forwarded-for");
    if !plain.is_empty() {
        return each(&plain, address);
    }
    each(&lines("forwarded"), |element| address(forwarded_for(element)?))
}

fn forwarded_for(element: &str) -> Option<&str> {
    let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(name, _)| name.eq_ignore_ascii_case("for"));
    values.next().map(|(_, value)| value.trim_matches('"'))
}

/// An address with its port or without (then 0), an IPv6 one in brackets or not.
fn address(text: &str) -> Option<SocketAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    text.parse().ok().or_else(|| Some(SocketAddr::new(bare.parse().ok()?, 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin_of(peer: &str, trusted: &[&str], lines: &[(&'static str, &'static str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        origin(&headers, peer.parse().unwrap(), &trusted).to_string()
    }

    #[test]
    fn nobody_is_believed_who_is_not_trusted() {
        let forged = [("x-forwarded-for", "10.0.0.1"), ("forwarded", "for=10.0.0.2")];
        assert_eq!(origin_of("203.0.113.9:5", &[], &forged), "203.0.113.9:5");
        assert_eq!(origin_of("203.0.113.9:5", &["10.0.0.0/8"], &forged), "203.0.113.9:5");
    }

    #[test]
    fn behind_trusted_proxies_it_is_the_nearest_stranger() {
        let trusted = ["10.0.0.0/8", "fd00::/8"];
        for (lines, client) in [
            (vec![("x-forwarded-for", "1.1.1.1, 198.51.100.7, 10.2.0.1")], "198.51.100.7:0"),
            (
                vec![("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "198.51.100.7:44")],
                "198.51.100.7:44",
            ),
            (vec![("x-forwarded-for", "2001:db8::1")], "[2001:db8::1]:0"),
            (
                vec![("forwarded", "for=1.1.1.1, for=\"[2001:db8::2]:99\";proto=https")],
                "[2001:db8::2]:99",
            ),
            (vec![("x-forwarded-for", "1.1.1.1, unknown")], "10.0.0.1:5"),
            (vec![("x-forwarded-for", "10.3.0.1")], "10.3.0.1:0"),
            (vec![("forwarded", "for=1.1.1.1, by=10.2.0.1;proto=https")], "10.0.0.1:5"),
            (vec![("forwarded", "for=1.1.1.1;by=\", for=198.51.100.7")], "198.51.100.7:0"),
            (vec![("x-forwarded-for", "1.1.1.1, , 10.2.0.1")], "10.2.0.1:0"),
            (vec![], "10.0.0.1:5"),
        ] {
            assert_eq!(origin_of("10.0.0.1:5", &trusted, &lines), client, "{lines:?}");
        }
        // What a client sends in other bytes does not hide what a proxy added to it.
        let mut foul = HeaderMap::new();
        let line = HeaderValue::from_bytes(b"\xff, 198.51.100.7").unwrap();
        foul.insert("x-forwarded-for", line);
        foul.insert("forwarded", HeaderValue::from_static("for=1.1.1.1"));
        let net = ["10.0.0.0/8".parse().unwrap()];
        let found = origin(&foul, "10.0.0.1:5".parse().unwrap(), &net);
        assert_eq!(found.to_string(), "198.51.100.7:0");
        let mapped = [("x-forwarded-for", "198.51.100.7")];
        assert_eq!(origin_of("[::ffff:10.0.0.1]:5", &trusted, &mapped), "198.51.100.7:0");
    }

    #[test]
    fn a_path_beyond_ascii_arrives_as_it_is() {
        let uri = Uri::try_from("http://a.example/é/ü?ö").unwrap();
        let found = Found {
            component: 0,
            route: "/é/...",
            prefix: "/é",
            rest: "/ü".to_owned(),
            named: vec![("x".to_owned(), "ß".to_owned())],
        };
        let mut headers = HeaderMap::new();
        set(&mut headers, &uri, &found, "203.0.113.9:5".parse().unwrap(), &[]);
        for (name, value) in [
            ("spin-full-url", "http://a.example/é/ü?ö"),
            ("spin-path-info", "/ü"),
            ("spin-component-route", "/é"),
            ("spin-raw-component-route", "/é/..."),
            ("spin-path-match-x", "ß"),
        ] {
            assert_eq!(headers[name].as_bytes(), value.as_bytes(), "{name}");
        }
    }

    #[test]
    fn what_a_client_sends_under_their_names_goes() {
        let mut headers = HeaderMap::new();
        for name in &NAMES {
            headers.append(name, HeaderValue::from_static("forged"));
            headers.append(name, HeaderValue::from_static("twice"));
        }
        headers.append("spin-path-match-admin", HeaderValue::from_static("forged"));
        let uri = Uri::from_static("http://a.example/todos/7/x?x=1");
        let found = Found {
            component: 0,
            route: "/todos/:Id/...",
            prefix: "/todos/:Id",
            rest: "/x".to_owned(),
            named: vec![("Id".to_owned(), "7".to_owned())],
        };
        set(&mut headers, &uri, &found, "203.0.113.9:5".parse().unwrap(), &[]);
        let value = |name: &str| {
            headers.get_all(name).iter().map(|v| v.to_str().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(value("spin-full-url"), ["http://a.example/todos/7/x?x=1"]);
        assert_eq!(value("spin-path-info"), ["/x"]);
        assert_eq!(value("spin-matched-route"), ["/todos/:Id/..."]);
        assert_eq!(value("spin-component-route"), ["/todos/:Id"]);
        assert_eq!(value("spin-path-match-id"), ["7"]);
        assert!(value("spin-path-match-admin").is_empty());
        assert_eq!(value("spin-client-addr"), ["203.0.113.9:5"]);
        assert!(NAMES.iter().all(|name| !value(name.as_str()).contains(&"forged")));
    }
}
