//! Which other sites' scripts may read the host's own answers. Those of a component say it
//! themselves.

use http::{HeaderMap, HeaderValue, header};

/// Origins of other sites.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Origins {
    any: bool,
    these: Vec<HeaderValue>,
}

impl Origins {
    /// Reads origins, separated by commas, or `*`, as components are given them.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut origins = Self::default();
        for text in texts.into_iter().flat_map(|text| text.split(',')) {
            let text = text.trim().trim_end_matches('/').to_ascii_lowercase();
            match HeaderValue::from_str(without_usual_port(&text)) {
                _ if text == "*" => origins.any = true,
                Ok(origin) if !text.is_empty() => origins.these.push(origin),
                _ => {}
            }
        }
        origins
    }

    /// Sets the headers of an answer to a request that says to come from `origin`.
    pub fn allow(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        let allowed = match origin {
            _ if self.any => HeaderValue::from_static("*"),
            Some(origin) if self.these.contains(origin) => origin.clone(),
            _ => return,
        };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        let exposed = HeaderValue::from_static("retry-after");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
}

/// An origin as browsers write it.
fn without_usual_port(origin: &str) -> &str {
    let usual = match origin.split_once("://") {
        Some(("http", _)) => ":80",
        Some(("https", _)) => ":443",
        _ => return origin,
    };
    origin.strip_suffix(usual).unwrap_or(origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(origins: &str, origin: &'static str) -> Option<HeaderValue> {
        let mut headers = HeaderMap::new();
        let origin = HeaderValue::from_static(origin);
        Origins::parse([origins]).allow(Some(&origin), &mut headers);
        headers.remove(header::ACCESS_CONTROL_ALLOW_ORIGIN)
    }

    #[test]
    fn an_origin_reads_when_it_is_listed() {
        let list = "https://A.example/, http://b.example:8080,";
        for origin in ["https://a.example", "http://b.example:8080"] {
            assert_eq!(allowed(list, origin).unwrap(), origin);
        }
        assert_eq!(allowed("*", "https://c.example").unwrap(), "*");
        for origin in ["https://b.example:8080", "https://a.example.net", "null"] {
            assert_eq!(allowed(list, origin), None, "{origin}");
        }
        assert_eq!(allowed("", "https://a.example"), None);
        let usual = "http://b.example:80, https://a.example:443/,https://[::1]:443";
        for origin in ["http://b.example", "https://a.example", "https://[::1]"] {
            assert_eq!(allowed(usual, origin).unwrap(), origin);
        }
        assert_eq!(allowed("http://b.example:443", "http://b.example"), None);
    }
}
