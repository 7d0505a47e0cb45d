//! Where clients find us, and who may write from another site: nobody, but for the origins in the
//! variable `cors_origins`. Browsers say where a request comes from in `Sec-Fetch-Site` and
//! `Origin`, so that no token is needed.

use crate::list::Key;
use crate::variable;
use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, Method, Uri};

/// The address that clients know us by, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    pub url: String,
}

impl Base {
    /// From the variable `public_url`, else from what the request and the proxies before us say.
    pub fn of(public_url: &str, uri: &Uri, headers: &HeaderMap) -> Self {
        let public_url = public_url.trim().trim_end_matches('/');
        if !public_url.is_empty() {
            return Self { url: public_url.to_owned() };
        }
        let scheme = forwarded(headers, "x-forwarded-proto", "proto")
            .filter(|scheme| ["http", "https"].contains(scheme))
            .or(uri.scheme_str())
            .unwrap_or("http");
        let host = forwarded_host(headers).or_else(|| authority(uri, headers));
        Self { url: host.map(|host| format!("{scheme}://{host}")).unwrap_or_default() }
    }

    /// Scheme, host and port, as browsers write an `Origin`.
    fn origin(&self) -> &str {
        let after_scheme = self.url.find("://").map_or(0, |at| at + 3);
        let end = self.url[after_scheme..].find('/').map_or(self.url.len(), |at| after_scheme + at);
        &self.url[..end]
    }

    /// What stands before every path: nothing, unless `public_url` has a path.
    pub fn path(&self) -> &str {
        &self.url[self.origin().len()..]
    }
}

/// What stands before every path, by the variable `public_url` alone.
pub fn path(public_url: &str) -> String {
    if public_url.is_empty() {
        return String::new();
    }
    Base::of(public_url, &Uri::default(), &HeaderMap::new()).path().to_owned()
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

/// The first value that proxies pass on, by either of two headers.
fn forwarded<'a>(headers: &'a HeaderMap, own: &str, parameter: &str) -> Option<&'a str> {
    let first = |name: &str| headers.get(name)?.to_str().ok()?.split(',').next();
    let in_forwarded = || {
        let pairs = first("forwarded")?.split(';').filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(name, _)| name.eq_ignore_ascii_case(parameter));
        values.next().map(|(_, value)| value.trim_matches('"'))
    };
    first(own).map(str::trim).or_else(in_forwarded)
}

fn forwarded_host(headers: &HeaderMap) -> Option<&str> {
    let host = forwarded(headers, "x-forwarded-host", "host")?;
    let sound = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
    (!host.is_empty() && host.bytes().all(sound)).then_some(host)
}

/// The value of `cors_origins`.
#[derive(Debug, PartialEq, Eq)]
pub enum Allowed {
    Any,
    Origins(Vec<String>),
}

impl Allowed {
    /// Reads origins separated by commas, or `*`.
    pub fn parse(text: &str) -> Self {
        if text.trim() == "*" {
            return Self::Any;
        }
        let origins = text.split(',').map(|o| o.trim().trim_end_matches('/').to_ascii_lowercase());
        Self::Origins(origins.filter(|o| !o.is_empty()).collect())
    }

    fn contains(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Origins(origins) => origins.iter().any(|o| o.eq_ignore_ascii_case(origin)),
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
                || is_of(origin, host_of(Base::of(public_url, uri, headers).origin()).unwrap_or(""))
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

/// The host and port that the client asked for.
pub fn authority<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    uri.authority()
        .map(http::uri::Authority::as_str)
        .or_else(|| headers.get(HOST).and_then(|host| host.to_str().ok()))
}

fn host_of(origin: &str) -> Option<&str> {
    origin.split_once("://").map(|(_, host)| host)
}

/// Whether an origin has this host and port; each may leave out the scheme's usual port.
fn is_of(origin: &str, host: &str) -> bool {
    let Some((scheme, own)) = origin.split_once("://") else { return false };
    let port = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    let short = |host: &'_ str| host.strip_suffix(port).unwrap_or(host).to_ascii_lowercase();
    short(own) == short(host)
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
        let headers = [(HOST, "10.0.0.1:3000"), (ORIGIN, "http://a.example:3131")]
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
        let forged = [("x-forwarded-proto", "javascript"), ("x-forwarded-host", "a/b\"><x")];
        assert_eq!(base("", &forged).url, "http://10.0.0.1:3000");
        let app = base("https://a.example/app/", &behind);
        assert_eq!((app.url.as_str(), app.path()), ("https://a.example/app", "/app"));
        assert_eq!(base("https://a.example", &behind).path(), "");
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
        assert_eq!(verdict(&Method::POST, &headers, "*"), Verdict::Shared("*".into()));
        assert_eq!(verdict(&Method::POST, &headers, "https://c.example"), Verdict::Refused);
    }
}
