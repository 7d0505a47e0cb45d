//! What a request wants of the version that is there: `If-Match` and `If-None-Match`.

use super::{id, joined};
use crate::error::Problem;
use crate::todo::Versions;
use http::HeaderMap;
use http::header::{ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH};

/// The entity tag of a version.
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// Reads `If-Match`. A tag that we never gave matches nothing. A weak one counts: the number is
/// exact, and a proxy that compresses makes every tag weak.
pub fn if_match(headers: &HeaderMap) -> Versions {
    match joined(headers, &IF_MATCH) {
        Some(tags) if tags.trim() != "*" => Versions::OneOf(versions(&tags)),
        _ => Versions::Any,
    }
}

/// Reads the `If-None-Match` of a write: the versions that it must not find; none may be there
/// at all for `*`.
pub fn unexpected(headers: &HeaderMap) -> Option<Versions> {
    let tags = joined(headers, &IF_NONE_MATCH)?;
    Some(if tags.trim() == "*" { Versions::Any } else { Versions::OneOf(versions(&tags)) })
}

/// Refuses a write under a condition that no address without a version can meet.
pub fn without_version(headers: &HeaderMap) -> Result<(), Problem> {
    let met = if_match(headers) == Versions::Any && unexpected(headers) != Some(Versions::Any);
    if met { Ok(()) } else { Err(Problem::no_version()) }
}

fn versions(tags: &str) -> Vec<i64> {
    tags.split(',').filter_map(opaque).filter_map(id).collect()
}

/// What a tag of ours has between its quotes. Proxies that compress put the coding behind it: Apache and
/// Caddy `-gzip`, Jetty `--gzip`, others `:gzip`.
fn opaque(tag: &str) -> Option<&str> {
    let tag = tag.trim();
    let quoted = tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?.strip_suffix('"')?;
    quoted.split(['-', ':']).next()
}

/// Whether `If-None-Match` names `etag`, compared weakly.
pub fn if_none_match(headers: &HeaderMap, etag: &str) -> bool {
    names(headers, &IF_NONE_MATCH, etag)
}

/// Refuses to show what `If-Match` does not name, by the tag that the answer has.
pub fn shown(headers: &HeaderMap, answer: &HeaderMap) -> Result<(), Problem> {
    let etag = answer.get(ETAG).and_then(|etag| etag.to_str().ok());
    let met = match etag {
        Some(etag) => !headers.contains_key(IF_MATCH) || names(headers, &IF_MATCH, etag),
        None => if_match(headers) == Versions::Any,
    };
    if met { Ok(()) } else { Err(Problem::no_version()) }
}

fn names(headers: &HeaderMap, name: &HeaderName, etag: &str) -> bool {
    joined(headers, name).is_some_and(|tags| {
        tags.split(',').any(|tag| tag.trim() == "*" || opaque(tag) == opaque(etag))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_static(value))])
    }

    #[test]
    fn if_match_takes_lists_and_the_star() {
        assert_eq!(if_match(&HeaderMap::new()), Versions::Any);
        assert_eq!(if_match(&headers("if-match", "*")), Versions::Any);
        assert_eq!(if_match(&headers("if-match", "\"3\", \"4\"")), Versions::OneOf(vec![3, 4]));
        for coded in ["W/\"3\"", "\"3-gzip\"", "W/\"3-br\"", "\"3--gzip\"", "\"3:gzip\""] {
            assert_eq!(if_match(&headers("if-match", coded)), Versions::OneOf(vec![3]), "{coded}");
        }
        for never in ["3", "\"x\"", "\"3", "w/\"3\"", "\"03\"", "\"+3\"", "\" 3\"", "\"-3\""] {
            assert_eq!(if_match(&headers("if-match", never)), Versions::OneOf(vec![]), "{never}");
        }
    }

    #[test]
    fn if_none_match_compares_weakly() {
        for same in ["\"3\"", "W/\"3\"", "\"1\", \"3\"", "*", "\"3-zstd\""] {
            assert!(if_none_match(&headers("if-none-match", same), "\"3\""), "{same}");
        }
        for other in ["\"33\"", "3", "\"3", "\"-3\""] {
            assert!(!if_none_match(&headers("if-none-match", other), "\"3\""), "{other}");
        }
        assert!(!if_none_match(&HeaderMap::new(), "\"3\""));
    }
}
