//! The cookies of a request.

use http::HeaderMap;
use http::header::COOKIE;

/// The names and values of all cookies.
pub fn all(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

/// The value of a cookie.
pub fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    all(headers).find_map(|(n, value)| (n == name).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_cookie_is_found_among_others() {
        let headers =
            HeaderMap::from_iter([(COOKIE, HeaderValue::from_static("a=1; flash=saved;b=2"))]);
        assert_eq!(value(&headers, "flash"), Some("saved"));
        assert_eq!(value(&headers, "fla"), None);
    }
}
