//! Reads requests: bodies, paths, headers. Whatever is not as it should be becomes a [`Problem`] here.

mod pairs;
mod preconditions;

pub use pairs::Pairs;
pub use preconditions::{etag, if_match, if_none_match, shown, unexpected, without_version};

use crate::error::Problem;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, StatusCode, Uri};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use spin_sdk::wasip3::http_compat::IncomingRequestBody;
use std::borrow::Cow;

/// Bytes of a body with one todo. A title of 256, notes of 4,000 and 50 steps of 256 scalar values, each
/// escaped as a surrogate pair in JSON, take 204 KiB.
pub const MAX_BODY: usize = 256 * 1024;
/// Bytes of a body with a file of todos.
pub const MAX_FILE: usize = 8 << 20;

/// Longest `Idempotency-Key`, in bytes: the width of its column.
const MAX_KEY: usize = 255;

/// Reads the whole body, up to `limit` bytes. Where its length is known, its end is not waited for: each
/// look for more costs the host as much as a chunk.
pub async fn body(mut body: IncomingRequestBody, limit: usize) -> Result<Bytes, Problem> {
    let length = body.size_hint().upper();
    let mut read = Vec::new();
    while length != Some(read.len() as u64)
        && let Some(frame) = body.frame().await
    {
        let Ok(frame) = frame else {
            let detail = "The request's body ended early. Send it again.";
            return Err(Problem::bad_request("body-broken", detail));
        };
        read.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
        if read.len() > limit {
            return Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body-too-large",
                format!(
                    "The request's body is larger than {limit} bytes. Shorten what it holds, or send it in parts."
                ),
            ));
        }
    }
    Ok(read.into())
}

/// Which of `expected` a body says to be, if it says anything. Refuses one that says to be something
/// else, or to be compressed.
pub fn content_type<'a>(
    headers: &HeaderMap,
    expected: &[&'a str],
) -> Result<Option<&'a str>, Problem> {
    let plain =
        |coding: &str| coding.trim().is_empty() || coding.trim().eq_ignore_ascii_case("identity");
    if joined(headers, &CONTENT_ENCODING).is_some_and(|codings| !codings.split(',').all(plain)) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "content-encoding",
            "A request's body is not compressed here. Send it as it is, without Content-Encoding.",
        ));
    }
    let Some(given) = headers.get(CONTENT_TYPE) else { return Ok(None) };
    let essence = given.to_str().unwrap_or("").split(';').next().unwrap_or("").trim();
    let named = expected.iter().find(|expected| essence.eq_ignore_ascii_case(expected));
    if named.is_some() {
        return Ok(named.copied());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "content-type",
        format!("This address takes {}. Set the Content-Type header to it.", expected.join(" or ")),
    ))
}

/// A path with each character written as itself that needs no escaping: `/%74odos` is `/todos`.
pub fn plain_path(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return path.into();
    }
    let mut plain = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, escaped)) = rest.split_once('%') {
        plain.push_str(before);
        let byte = escaped.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let unreserved = |c: &char| c.is_ascii_alphanumeric() || "-._~".contains(*c);
        if let Some(c) = byte.map(char::from).filter(unreserved) {
            plain.push(c);
            rest = &escaped[2..];
        } else {
            plain.push('%');
            rest = escaped;
        }
    }
    (plain + rest).into()
}

/// The same address with another path.
pub fn with_path(uri: &Uri, path: &str) -> Uri {
    let path_and_query = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = path_and_query.parse().ok();
    Uri::from_parts(parts).unwrap_or_default()
}

/// A path's id: a positive number as the database counts, without sign or
/// leading zero, so that each todo has one address.
pub fn id(text: &str) -> Option<i64> {
    let canonical = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| canonical)
}

/// Reads `Idempotency-Key`: 1 to 255 visible ASCII characters.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all("idempotency-key").iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => check_key(value.to_str().unwrap_or_default()).map(Some),
        (Some(_), Some(_)) => Err(Problem::bad_request(
            "idempotency-key",
            "There is more than one Idempotency-Key. Send one, or none.",
        )),
    }
}

/// The same for a form's hidden field.
pub fn check_key(key: &str) -> Result<&str, Problem> {
    let visible = key.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    if visible && (1..=MAX_KEY).contains(&key.len()) {
        return Ok(key);
    }
    Err(Problem::bad_request(
        "idempotency-key",
        format!(
            "An Idempotency-Key is 1 to {MAX_KEY} visible ASCII characters, a UUID for instance."
        ),
    ))
}

fn joined(headers: &HeaderMap, name: &http::HeaderName) -> Option<String> {
    let values: Vec<_> = headers.get_all(name).iter().map(|v| v.to_str().unwrap_or("")).collect();
    (!values.is_empty()).then(|| values.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_static(value))])
    }

    #[test]
    fn an_id_has_one_spelling() {
        assert_eq!(id("1"), Some(1));
        assert_eq!(id("9223372036854775807"), Some(i64::MAX));
        for text in ["", "0", "01", "+1", "-1", "1.0", "٣", "9223372036854775808", "1e3", " 1"] {
            assert_eq!(id(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_content_type_may_carry_parameters_or_be_absent() {
        let json = &["application/json"][..];
        assert!(content_type(&HeaderMap::new(), json).is_ok());
        assert!(
            content_type(&headers("content-type", "Application/JSON; charset=utf-8"), json).is_ok()
        );
        assert!(content_type(&headers("content-type", "text/plain"), json).is_err());
    }

    #[test]
    fn a_compressed_body_is_named_as_such() {
        let json = &["application/json"][..];
        assert!(content_type(&headers("content-encoding", "identity"), json).is_ok());
        for coding in ["gzip", "br", "identity, gzip", "zstd", "x-unknown"] {
            let refused = content_type(&headers("content-encoding", coding), json).unwrap_err();
            assert_eq!(refused.code, "content-encoding", "{coding}");
        }
    }

    #[test]
    fn a_path_that_escapes_more_than_it_must_is_the_same_path() {
        for (path, plain) in [
            ("/%74odos", "/todos"),
            ("/todos/%32%30", "/todos/20"),
            ("/a%2Fb%20c", "/a%2Fb%20c"),
            ("/%", "/%"),
            ("/%7", "/%7"),
            ("/%c3%a4", "/%c3%a4"),
            ("/%ää", "/%ää"),
        ] {
            assert_eq!(plain_path(path), plain);
        }
    }

    proptest! {
        #[test]
        fn no_path_breaks_the_plain_one(path in any::<String>()) {
            let _ = plain_path(&path);
        }

    }
}
