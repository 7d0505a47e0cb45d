//! Where clients find us, by the variable `public_url` or by what a request says.

use crate::own_list::Key;
use crate::text::{is_number, parting};
use crate::variable;
use http::header::HOST;
use http::request::Parts;
use http::{HeaderMap, Uri};
use std::sync::Once;

/// The address that clients know us by, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    pub url: String,
}

impl Base {
    /// Reads scheme, host and perhaps a path, all of which stand in pages and headers as they are.
    fn parse(public_url: &str) -> Option<Self> {
        let (scheme, rest) = public_url.trim().trim_end_matches('/').split_once("://")?;
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let scheme = known(scheme)?;
        (is_host(host) && is_path(path)).then(|| Self { url: format!("{scheme}://{rest}") })
    }

    /// From the variable `public_url`, else from what the request and the proxies before us say.
    pub fn of(public_url: &str, uri: &Uri, headers: &HeaderMap) -> Self {
        if let Some(base) = public(public_url) {
            return base;
        }
        let direct = HeaderMap::new();
        let told = if is_proxied(headers) { headers } else { &direct };
        let scheme = forwarded(told, "x-forwarded-proto", "proto")
            .or_else(|| first(told, "x-forwarded-scheme"))
            .or_else(|| first(told, "x-forwarded-ssl").filter(|on| *on == "on").map(|_| "https"))
            .and_then(known)
            .or(uri.scheme_str())
            .unwrap_or("http");
        let Some(host) = forwarded_host(told).or_else(|| authority(uri, headers)) else {
            return Self { url: String::new() };
        };
        // Some proxies tell the port apart, and some the path that they have taken away.
        let bare = !host.rsplit_once(':').is_some_and(|(_, port)| is_number(port));
        let port = first(told, "x-forwarded-port")
            .filter(|port| bare && is_number(port) && !["80", "443"].contains(port))
            .map_or_else(String::new, |port| format!(":{port}"));
        Self { url: format!("{scheme}://{host}{port}{}", prefix(told)) }
    }

    /// Scheme, host and port, as browsers write an `Origin`.
    pub fn origin(&self) -> &str {
        &self.url[..self.url.len() - self.path().len()]
    }

    /// What stands before every path: nothing, unless `public_url` or a proxy says so.
    pub fn path(&self) -> &str {
        let after_scheme = self.url.find("://").map_or(0, |at| at + 3);
        self.url[after_scheme..].find('/').map_or("", |at| &self.url[after_scheme + at..])
    }
}

/// The variable `public_url`, if it is set.
fn public(public_url: &str) -> Option<Base> {
    static TOLD: Once = Once::new();
    let base = Base::parse(public_url);
    if base.is_none() && !public_url.trim().is_empty() {
        TOLD.call_once(|| {
            eprintln!(
                "error: the variable public_url is no address, so nothing is made of it: write it as \
                 https://todo.example or https://example.com/todo"
            );
        });
    }
    base
}

/// [`Base::path`] of a request, without what else belongs to its base.
pub async fn path(parts: &Parts) -> String {
    let public = public(&variable::optional("public_url").await);
    match public {
        Some(base) => base.path().to_owned(),
        None if is_proxied(&parts.headers) => prefix(&parts.headers).to_owned(),
        None => String::new(),
    }
}

/// [`Base::of`] a request.
pub async fn root(parts: &Parts) -> Base {
    Base::of(&variable::optional("public_url").await, &parts.uri, &parts.headers)
}

/// [`Base::of`] a request, with the list that it is about.
pub async fn base(parts: &Parts) -> Base {
    let mut base = root(parts).await;
    if let Some(key) = parts.extensions.get::<Key>() {
        base.url.push_str(&key.address());
    }
    base
}

/// A scheme by which we can be reached.
fn known(scheme: &str) -> Option<&'static str> {
    ["http", "https"].into_iter().find(|known| scheme.eq_ignore_ascii_case(known))
}

/// Whether a text is a host, perhaps with a port.
fn is_host(text: &str) -> bool {
    let ip = text.strip_prefix('[').and_then(|text| text.split_once(']'));
    let end = text.find(':').unwrap_or(text.len());
    let (name, port) = ip.unwrap_or_else(|| text.split_at(end));
    let sound = |b: u8| match ip {
        Some(_) => b.is_ascii_hexdigit() || b":.".contains(&b),
        None => b.is_ascii_alphanumeric() || b"-._".contains(&b),
    };
    let named = !name.is_empty() && name.bytes().all(sound);
    named && (port.is_empty() || port.strip_prefix(':').is_some_and(is_number))
}

/// Whether a text is nothing, or a path without a slash at its end that stands in pages as it is.
fn is_path(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~%!$*+,:=@".contains(&b);
    let segment = |text: &str| !["", ".", ".."].contains(&text) && text.bytes().all(plain);
    let mut segments = text.split('/');
    segments.next() == Some("") && segments.all(segment)
}

/// Whether a proxy says anything. One look at all names costs less than one for each of its headers.
fn is_proxied(headers: &HeaderMap) -> bool {
    let is_of_proxies = |name: &str| name.starts_with("x-forwarded-") || name == "forwarded";
    headers.keys().any(|name| is_of_proxies(name.as_str()))
}

/// What the first of the proxies before us says in a header.
fn first<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    if headers.is_empty() {
        return None;
    }
    let first = headers.get(name)?.to_str().ok()?.split(parting(',')).next()?.trim();
    Some(first).filter(|first| !first.is_empty())
}

/// The path that a proxy before us has taken away.
fn prefix(headers: &HeaderMap) -> &str {
    let path = first(headers, "x-forwarded-prefix").map(|path| path.trim_end_matches('/'));
    path.filter(|path| is_path(path)).unwrap_or_default()
}

/// The first value that proxies pass on, by either of two headers.
fn forwarded<'a>(headers: &'a HeaderMap, own: &str, parameter: &str) -> Option<&'a str> {
    let in_forwarded = || {
        let pairs = first(headers, "forwarded")?.split(parting(';'));
        let mut pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
        let value = pairs.find(|(name, _)| name.eq_ignore_ascii_case(parameter));
        value.map(|(_, value)| value.trim_matches('"'))
    };
    first(headers, own).or_else(in_forwarded)
}

pub fn forwarded_host(headers: &HeaderMap) -> Option<&str> {
    forwarded(headers, "x-forwarded-host", "host").filter(|host| is_host(host))
}

/// The host and port that the client asked for.
pub fn authority<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    uri.authority()
        .map(http::uri::Authority::as_str)
        .or_else(|| headers.get(HOST).and_then(|host| host.to_str().ok()))
        .filter(|host| is_host(host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn links_are_what_proxies_say_that_clients_asked_for() {
        let base = |public_url: &str, headers: &[(&'static str, &'static str)]| {
            let headers: HeaderMap = headers
                .iter()
                .map(|(n, v)| (n.parse().unwrap(), HeaderValue::from_static(v)))
                .collect();
            Base::of(public_url, &Uri::from_static("http://10.0.0.1:3000/todos"), &headers)
        };
        assert_eq!(base("", &[]).url, "http://10.0.0.1:3000");
        let behind = [("x-forwarded-proto", "https, http"), ("x-forwarded-host", "a.example")];
        assert_eq!(base("", &behind).url, "https://a.example");
        let behind = [("forwarded", "proto=https;host=b.example, proto=http")];
        assert_eq!(base("", &behind).url, "https://b.example");
        let behind = [("x-forwarded-proto", "HTTPS"), ("forwarded", "for=\"a,b;c\";host=x:8080")];
        assert_eq!(base("", &behind).url, "https://x:8080");
        for host in [
            "a/b\"><x", "]", "[", "a:b:c", "a:", "a:x", ":80", "[::1", "[::1]x", "[x]:80", "[]", "",
        ] {
            let forged = [("x-forwarded-proto", "javascript"), ("x-forwarded-host", host)];
            assert_eq!(base("", &forged).url, "http://10.0.0.1:3000", "{host}");
        }
        for host in ["a", "a_b.example", "127.0.0.1:3000", "[::1]", "[::ffff:1.2.3.4]:80"] {
            assert_eq!(base("", &[("x-forwarded-host", host)]).url, format!("http://{host}"));
        }
        let app = base("https://a.example/app/", &behind);
        assert_eq!((app.url.as_str(), app.path()), ("https://a.example/app", "/app"));
        assert_eq!(base("https://a.example", &behind).path(), "");
        for (headers, url) in [
            (&[("x-forwarded-host", "a"), ("x-forwarded-port", "3131")][..], "http://a:3131"),
            (
                &[("x-forwarded-host", "[::1]"), ("x-forwarded-port", "8443, 80")],
                "http://[::1]:8443",
            ),
            (&[("x-forwarded-host", "a:81"), ("x-forwarded-port", "3131")], "http://a:81"),
            (&[("x-forwarded-host", "a"), ("x-forwarded-port", "443")], "http://a"),
            (&[("x-forwarded-host", "a"), ("x-forwarded-scheme", "https")], "https://a"),
            (&[("x-forwarded-host", "a"), ("x-forwarded-ssl", "on")], "https://a"),
            (&[("x-forwarded-host", "a"), ("x-forwarded-ssl", "off")], "http://a"),
            (&[("x-forwarded-host", "a"), ("x-forwarded-port", "8@b")], "http://a"),
            (&[("x-forwarded-host", ""), ("forwarded", "host=b")], "http://b"),
            (
                &[("x-forwarded-host", "a"), ("x-forwarded-prefix", "/our/todos/")],
                "http://a/our/todos",
            ),
            (&[("x-forwarded-host", "a"), ("x-forwarded-prefix", "/")], "http://a"),
            (&[("x-forwarded-host", "a"), ("x-forwarded-prefix", "//b")], "http://a"),
            (&[("x-forwarded-host", "a"), ("x-forwarded-prefix", "b")], "http://a"),
            (&[("x-forwarded-host", "a"), ("x-forwarded-prefix", "/\"><script>")], "http://a"),
        ] {
            assert_eq!(base("", headers).url, url, "{headers:?}");
            assert_eq!(base("https://x/app", headers).url, "https://x/app");
        }
    }

    #[test]
    fn a_public_url_is_taken_whole_or_not_at_all() {
        for (text, url, path) in [
            ("https://a.example/app/", "https://a.example/app", "/app"),
            (
                " HTTPS://A.example:8443/a/b~c%20d// ",
                "https://A.example:8443/a/b~c%20d",
                "/a/b~c%20d",
            ),
            ("http://[::1]:3000", "http://[::1]:3000", ""),
        ] {
            let base = Base::of(text, &Uri::default(), &HeaderMap::new());
            assert_eq!((base.url.as_str(), base.path()), (url, path), "{text}");
            assert_eq!(format!("{}{path}", base.origin()), url);
        }
        for text in [
            "todo.example",
            "https://",
            "https:///a",
            "ftp://x",
            "*",
            "http://a b",
            "https://x/a?b=1",
            "https://x/a#b",
            "https://x//a//",
            "https://x/a/../b",
            "https://u:p@x",
            "https://x/\"><script>",
            "https://x/a;b",
            "https://x/a&lt",
            "https://x/a'b",
            "https://x/a\\b",
            "https://bücher.example",
            "https://x:port",
            "https://x\n/a",
        ] {
            assert_eq!(Base::parse(text), None, "{text}");
        }
    }
}
