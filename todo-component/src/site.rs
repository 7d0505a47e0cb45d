//! Who may write from another site: nobody, but for the origins in the
//! variable `cors_origins`. Browsers say where a request comes from in
//! `Sec-Fetch-Site` and `Origin`, so that no token is needed.

use http::header::{HOST, ORIGIN};
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

/// Judges a request by where a browser says it comes from.
pub fn judge(method: &Method, uri: &Uri, headers: &HeaderMap, allowed: &Allowed) -> Verdict {
    let origin = headers.get(ORIGIN).map(|value| value.to_str().unwrap_or("null"));
    let fetch_site = headers.get("sec-fetch-site").map(|value| value.to_str().unwrap_or(""));
    let own = match (fetch_site, origin) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(origin)) => authority(uri, headers)
            .is_some_and(|host| host_of(origin).is_some_and(|o| o.eq_ignore_ascii_case(host))),
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

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn verdict(method: &Method, headers: &[(&'static str, &str)], allowed: &str) -> Verdict {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap()))
            .collect();
        judge(method, &Uri::from_static("/todos"), &headers, &Allowed::parse(allowed))
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
