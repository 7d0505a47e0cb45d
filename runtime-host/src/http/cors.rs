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
            // Browsers leave the scheme's usual port out.
            let port = if text.starts_with("https:") { ":443" } else { ":80" };
            let text = text.strip_suffix(port).unwrap_or(&text);
            match HeaderValue::from_str(text) {
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
        let list = "https://A.example:443/, http://b.example:8080, http://c.example:80,";
        for origin in ["https://a.example", "http://b.example:8080", "http://c.example"] {
            assert_eq!(allowed(list, origin).unwrap(), origin);
        }
        assert_eq!(allowed("*", "https://c.example").unwrap(), "*");
        for origin in ["https://b.example:8080", "https://a.example.net", "null"] {
            assert_eq!(allowed(list, origin), None, "{origin}");
        }
        assert_eq!(allowed("", "https://a.example"), None);
    }
}
