//! What a request is to, as components have it: an address with its scheme, host and port.

use std::net::{Ipv6Addr, SocketAddr};

use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{Method, Version, header};

use crate::http::problem::Problem;

/// The URI with scheme and authority. `local` stands in for a missing `Host` (HTTP/1.0).
pub fn absolute_uri(parts: &Parts, local: SocketAddr) -> Result<Uri, Problem> {
    if parts.method == Method::CONNECT {
        return Err(Problem::bad_request("CONNECT is for proxies, which this server is not."));
    }
    let mut uri = parts.uri.clone().into_parts();
    if parts.uri.path() == "*" {
        if parts.method != Method::OPTIONS {
            return Err(Problem::bad_request(
                "Only OPTIONS is about *, which is the whole server.",
            ));
        }
        // The address of the server itself (RFC 9110, 7.1): `http://host*` would be another host's.
        uri.path_and_query = Some(PathAndQuery::from_static("/"));
    }
    if uri.scheme.as_ref().is_some_and(|scheme| ![Scheme::HTTP, Scheme::HTTPS].contains(scheme)) {
        return Err(Problem::bad_request("The request line's address is neither http nor https."));
    }
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => Some(
            Authority::try_from(host.as_bytes())
                .ok()
                .filter(|authority| split(authority).is_some())
                .ok_or_else(|| Problem::bad_request("The Host header is not a host."))?,
        ),
        (None, _) if parts.version == Version::HTTP_10 => None,
        (None, _) => return Err(Problem::bad_request("The Host header is missing.")),
        (Some(_), Some(_)) => {
            return Err(Problem::bad_request("There is more than one Host header."));
        }
    };
    let usual = if uri.scheme == Some(Scheme::HTTPS) { 443 } else { 80 };
    let authority = match (uri.authority, host) {
        (Some(own), _) if split(&own).is_none() => {
            return Err(Problem::bad_request("The request line's address has no host."));
        }
        (Some(own), Some(host)) if !is_same(&own, &host, usual) => {
            return Err(Problem::bad_request(
                "The request line names another host than Host does.",
            ));
        }
        (_, Some(host)) => host,
        (Some(own), None) => own,
        (None, None) => Authority::try_from(local.to_string())
            .map_err(|_| Problem::bad_request("The request names no host."))?,
    };
    uri.scheme = Some(Scheme::HTTP);
    uri.authority = Some(authority);
    Uri::from_parts(uri)
        .map_err(|_| Problem::bad_request("The address in the request line is broken."))
}

/// Whether two authorities are one host and port; either may leave out the usual port.
fn is_same(one: &Authority, other: &Authority, usual: u16) -> bool {
    let (Some((host, port)), Some((other, other_port))) = (split(one), split(other)) else {
        return false;
    };
    host.eq_ignore_ascii_case(other) && port.unwrap_or(usual) == other_port.unwrap_or(usual)
}

/// Host and port, where they are a host and a port and nothing else (RFC 9110, 7.2). What the type
/// takes beside is a user, a port of any characters, and brackets around anything.
fn split(authority: &Authority) -> Option<(&str, Option<u16>)> {
    let text = authority.as_str();
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => {
            address.parse::<Ipv6Addr>().ok()?;
            (&text[..address.len() + 2], rest.strip_prefix(':').or(rest.is_empty().then_some(""))?)
        }
        None => text.split_once(':').unwrap_or((text, "")),
    };
    let is_name = host.starts_with('[') || !host.contains(['[', ']', '@']);
    let port = match port {
        "" => None,
        // `parse` takes a sign as well.
        port if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(port.parse().ok()?),
        _ => return None,
    };
    (is_name && !host.is_empty()).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    /// Where a request goes, or the status of its refusal.
    fn target(line: &str, version: Version, host: Option<&str>) -> Result<String, String> {
        let mut request = Request::get(line).version(version);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let local = "127.0.0.1:3000".parse().unwrap();
        match absolute_uri(&parts, local) {
            Ok(uri) => Ok(uri.to_string()),
            Err(problem) => Err(problem.into_response().status().as_str().to_owned()),
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address_with_a_port_or_without() {
        let of = |host| target("/x", Version::HTTP_11, Some(host));
        for host in ["a.example", "A-b_c", "a:80", "a:", "a:0", "1.2.3.4:5", "[::1]", "[::1]:65535"]
        {
            assert_eq!(of(host), Ok(format!("http://{host}/x")));
        }
        for host in [
            "h:abc", "h:-1", "h:+1", "h:99999", "h:1:2", ":80", "", "[zz]", "[::1]x", "[::1",
            "::1", "[::1]:x", "[::1]]", "a[::1]", "[]", "a]", "u@h", "u:p@h", "[::1]@h", "h:1@2",
            "a b", "a/b",
        ] {
            assert_eq!(of(host), Err("400".to_owned()), "{host}");
        }
    }

    #[test]
    fn the_request_line_may_name_the_host_as_well() {
        let of = |line, host| target(line, Version::HTTP_11, Some(host));
        for (line, host) in [
            ("http://h/x", "h"),
            ("http://h/x", "H:80"),
            ("http://h:80/x", "h"),
            ("https://h/x", "h:443"),
            ("https://h:443/x", "h"),
            ("http://[::1]:8/x", "[::1]:8"),
        ] {
            assert_eq!(of(line, host), Ok(format!("http://{host}/x")), "{line}");
        }
        for (line, host) in [
            ("http://h/x", "other"),
            ("http://h/x", "h:443"),
            ("https://h/x", "h:80"),
            ("http://u@h/x", "h"),
            ("http://h:x/x", "h"),
            ("http://h:99999/x", "h"),
            ("http://[zz]/x", "[zz]"),
            ("ftp://h/x", "h"),
        ] {
            assert_eq!(of(line, host), Err("400".to_owned()), "{line} {host}");
        }
    }

    #[test]
    fn the_whole_server_is_asked_about_by_options_alone() {
        let of = |method| {
            let request = Request::builder().method(method).uri("*").header("host", "h");
            let (parts, ()) = request.body(()).unwrap().into_parts();
            let uri = absolute_uri(&parts, "127.0.0.1:3000".parse().unwrap());
            uri.map(|uri| uri.to_string()).map_err(|problem| problem.into_response().status())
        };
        assert_eq!(of("OPTIONS"), Ok("http://h/".to_owned()));
        assert_eq!(of("GET"), Err(http::StatusCode::BAD_REQUEST));
    }

    #[test]
    fn before_http_1_1_there_may_be_no_host_header() {
        let of = |line| target(line, Version::HTTP_10, None);
        assert_eq!(of("/x").unwrap(), "http://127.0.0.1:3000/x");
        assert_eq!(of("http://h:81/x").unwrap(), "http://h:81/x");
        assert_eq!(of("http://u@h/x"), Err("400".to_owned()));
        assert_eq!(target("http://h/x", Version::HTTP_11, None), Err("400".to_owned()));
    }
}
