//! Who may write from another site: nobody, but for the origins in the
//! variable `cors_origins`. Browsers say where a request comes from in `Sec-Fetch-Site` and
//! `Origin`, so that no token is needed.

mod base;

pub use base::{Base, authority, base, path, root};

use base::forwarded_host;
use http::header::ORIGIN;
use http::{HeaderMap, Method, Uri};

/// The value of `cors_origins`.
#[derive(Debug, PartialEq, Eq)]
pub enum Allowed {
    Any,
    Origins(Vec<String>),
}

impl Allowed {
    /// Reads origins separated by commas, or `*`.
    pub fn parse(text: &str) -> Self {
        let origins: Vec<_> = text.split(',').map(plain).filter(|o| !o.is_empty()).collect();
        if origins.iter().any(|o| o == "*") { Self::Any } else { Self::Origins(origins) }
    }

    fn contains(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Origins(origins) => origins.contains(&plain(origin)),
        }
    }
}

/// What to do with a request, as far as its origin goes.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// From our own pages, or from no browser at all.
    Own,
    /// From another site that may read the answer: the value of
    /// `Access-Control-Allow-Origin`.
    Shared(String),
    /// A read from another site. It is answered; a browser hides the answer.
    Unshared,
    /// A write from another site.
    Refused,
}

/// Judges a request by where a browser says it comes from. Plain forms of another site cannot set
/// the headers of proxies, and scripts ask before they do, so those may be trusted here.
pub fn judge(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    allowed: &Allowed,
    public_url: &str,
) -> Verdict {
    let origin = headers.get(ORIGIN).map(|value| value.to_str().unwrap_or("null"));
    let fetch_site = headers.get("sec-fetch-site").map(|value| value.to_str().unwrap_or(""));
    let own = match (fetch_site, origin) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(origin)) => {
            let hosts = [authority(uri, headers), forwarded_host(headers)];
            hosts.into_iter().flatten().any(|host| is_of(origin, host))
                || host_of(Base::of(public_url, uri, headers).origin())
                    .is_some_and(|host| is_of(origin, host))
        }
        (None, None) => true,
    };
    if own {
        return Verdict::Own;
    }
    match origin {
        Some(_) if *allowed == Allowed::Any => Verdict::Shared("*".to_owned()),
        Some(origin) if allowed.contains(origin) => Verdict::Shared(origin.to_owned()),
        _ if method.is_safe() => Verdict::Unshared,
        _ => Verdict::Refused,
    }
}

fn host_of(origin: &str) -> Option<&str> {
    origin.split_once("://").map(|(_, host)| host)
}

/// Whether an origin has this host and port; each may leave out the scheme's usual port.
fn is_of(origin: &str, host: &str) -> bool {
    let Some((scheme, _)) = origin.split_once("://") else { return false };
    plain(origin) == plain(&format!("{scheme}://{host}"))
}

/// An origin as browsers write it: in small letters, and without the scheme's usual port.
fn plain(origin: &str) -> String {
    let origin = origin.trim().trim_end_matches('/').to_ascii_lowercase();
    let port = if origin.starts_with("https:") { ":443" } else { ":80" };
    origin.strip_suffix(port).unwrap_or(&origin).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn verdict(method: &Method, headers: &[(&'static str, &str)], allowed: &str) -> Verdict {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap()))
            .collect();
        judge(method, &Uri::from_static("/todos"), &headers, &Allowed::parse(allowed), "")
    }

    #[test]
    fn a_client_that_is_no_browser_may_write() {
        assert_eq!(verdict(&Method::POST, &[("host", "a.example")], ""), Verdict::Own);
    }

    #[test]
    fn the_page_itself_may_write() {
        let by_fetch_metadata = [("sec-fetch-site", "same-origin"), ("origin", "https://x")];
        assert_eq!(verdict(&Method::POST, &by_fetch_metadata, ""), Verdict::Own);
        let behind_tls = [("host", "A.example:8443"), ("origin", "https://a.example:8443")];
        assert_eq!(verdict(&Method::POST, &behind_tls, ""), Verdict::Own);
    }

    #[test]
    fn our_own_page_may_write_behind_a_proxy() {
        for headers in [
            vec![("host", "a.example:80"), ("origin", "http://a.example")],
            vec![("host", "a.example"), ("origin", "http://A.example:80")],
            vec![("host", "a.example:443"), ("origin", "https://a.example")],
            vec![
                ("host", "10.0.0.1"),
                ("x-forwarded-host", "a.example"),
                ("origin", "https://a.example"),
            ],
            vec![
                ("host", "10.0.0.1"),
                ("forwarded", "for=1.2.3.4;host=\"a.example:8443\";proto=https"),
                ("origin", "https://a.example:8443"),
            ],
        ] {
            assert_eq!(verdict(&Method::POST, &headers, ""), Verdict::Own, "{headers:?}");
        }
        let headers = [(http::header::HOST, "10.0.0.1:3000"), (ORIGIN, "http://a.example:3131")]
            .map(|(name, value)| (name, HeaderValue::from_static(value)));
        let judged = |public_url| {
            let headers = headers.iter().cloned().collect();
            judge(&Method::POST, &Uri::from_static("/"), &headers, &Allowed::parse(""), public_url)
        };
        assert_eq!(judged("http://a.example:3131/"), Verdict::Own);
        assert_eq!(judged("http://a.example:3131/app"), Verdict::Own);
        assert_eq!(judged("http://a.example"), Verdict::Refused);
        assert_eq!(judged(""), Verdict::Refused);
    }

    #[test]
    fn another_site_may_not_write() {
        for headers in [
            vec![("sec-fetch-site", "cross-site")],
            vec![("sec-fetch-site", "same-site"), ("origin", "https://b.example")],
            vec![("host", "a.example"), ("origin", "https://b.example")],
            vec![("host", "a.example"), ("origin", "null")],
            vec![("host", "a.example"), ("origin", "https://a.example.evil.example")],
        ] {
            assert_eq!(verdict(&Method::DELETE, &headers, ""), Verdict::Refused, "{headers:?}");
            assert_eq!(verdict(&Method::GET, &headers, ""), Verdict::Unshared, "{headers:?}");
        }
    }

    #[test]
    fn a_named_origin_may_write() {
        let headers = [("sec-fetch-site", "cross-site"), ("origin", "https://b.example")];
        let named = "https://c.example, https://B.example/";
        assert_eq!(
            verdict(&Method::POST, &headers, named),
            Verdict::Shared("https://b.example".into())
        );
        for any in ["*", " *", "https://a.example, *"] {
            assert_eq!(verdict(&Method::POST, &headers, any), Verdict::Shared("*".into()));
        }
        let ported = "http://b.example:443, HTTPS://b.example:443";
        assert_ne!(verdict(&Method::POST, &headers, ported), Verdict::Refused);
        for other in ["http://b.example:443", "https://b.example:80", "https://b.example:4443"] {
            assert_eq!(verdict(&Method::POST, &headers, other), Verdict::Refused, "{other}");
        }
        assert_eq!(verdict(&Method::POST, &headers, "https://c.example"), Verdict::Refused);
    }
}
