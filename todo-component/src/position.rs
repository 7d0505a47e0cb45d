//! How far the database had come when it acknowledged a write. The answer of a
//! write carries its position, and a read that shows it is answered by no
//! server that is behind it.

use crate::cookies;
use http::header::{HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use std::fmt;

/// On answers of writes, and on reads of clients that keep no cookies.
const HEADER: HeaderName = HeaderName::from_static("todoozle-position");

/// Each position is a cookie of its own: the answers of writes that ran side
/// by side arrive in any order, and none may take the place of a later one.
const COOKIE: &str = "position-";

/// Seconds that a browser shows it. A read without one goes to the primary.
const MAX_AGE: u8 = 10;

/// Cookies that one answer takes back at most.
const MAX_TAKEN_BACK: usize = 32;

/// The transaction of a write. Its number outlives failovers, and a later
/// write of the same client has a greater one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(u64);

impl Position {
    /// Reads the number as it was given: without sign, space or leading zero.
    pub fn parse(text: &str) -> Option<Self> {
        let canonical = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
        text.parse().ok().filter(|_| canonical).map(Self)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The positions that a request shows.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// What a read must not be behind of. `None` when nothing is shown, or
    /// something that was never given: then only the primary will do.
    pub latest: Option<Position>,
    cookies: Vec<Position>,
}

impl Shown {
    pub fn by(headers: &HeaderMap) -> Self {
        let text = |value: &HeaderValue| value.to_str().ok().and_then(Position::parse);
        let in_headers = headers.get_all(HEADER).iter().map(text);
        let in_cookies = cookies::all(headers)
            .filter_map(|(name, _)| name.strip_prefix(COOKIE).map(Position::parse));
        let in_cookies: Vec<_> = in_cookies.collect();
        let all: Option<Vec<_>> = in_headers.chain(in_cookies.iter().copied()).collect();
        Self {
            latest: all.and_then(|all| all.into_iter().max()),
            cookies: in_cookies.into_iter().flatten().collect(),
        }
    }

    /// Puts the position of a write on its answer, in place of earlier ones.
    pub fn give(&self, position: Position, headers: &mut HeaderMap) {
        headers.insert(HEADER, HeaderValue::from(position.0));
        let earlier = self.cookies.iter().filter(|shown| **shown < position).take(MAX_TAKEN_BACK);
        let taken_back = earlier.map(|shown| cookie(*shown, 0));
        for cookie in taken_back.chain([cookie(position, MAX_AGE)]) {
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                headers.append(SET_COOKIE, cookie);
            }
        }
    }
}

fn cookie(position: Position, max_age: u8) -> String {
    format!("{COOKIE}{position}=1; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::COOKIE;
    use proptest::prelude::*;

    fn shown(header: Option<&str>, cookies: &str) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_str(cookies).unwrap());
        if let Some(header) = header {
            headers.insert(HEADER, HeaderValue::from_str(header).unwrap());
        }
        Shown::by(&headers).latest.map(|position| position.0)
    }

    #[test]
    fn the_latest_of_all_that_is_shown_counts() {
        assert_eq!(shown(None, "flash=saved"), None);
        assert_eq!(shown(None, "position-8=1; flash=saved; position-12=1; position-9=1"), Some(12));
        assert_eq!(shown(Some("7"), ""), Some(7));
        assert_eq!(shown(Some("7"), "position-9=1"), Some(9));
    }

    #[test]
    fn what_was_never_given_is_as_good_as_nothing() {
        for odd in ["", "0", "07", "+7", "-7", " 7", "7.0", "7;", "٧", "18446744073709551616", "x'"]
        {
            assert_eq!(Position::parse(odd), None, "{odd:?}");
        }
        assert_eq!(shown(Some("7"), "position-x=1; position-9=1"), None);
        assert_eq!(shown(Some("x"), "position-9=1"), None);
    }

    #[test]
    fn an_answer_takes_earlier_cookies_back() {
        let mut headers = HeaderMap::new();
        let before = HeaderValue::from_static("position-8=1; position-99=1");
        headers.insert(COOKIE, before);
        let shown = Shown::by(&headers);
        let mut answer = HeaderMap::new();
        shown.give(Position(12), &mut answer);
        assert_eq!(answer[HEADER], "12");
        let cookies: Vec<_> = answer.get_all(SET_COOKIE).iter().collect();
        assert_eq!(cookies.len(), 2);
        assert_eq!(cookies[0], "position-8=1; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
        assert_eq!(cookies[1], "position-12=1; Path=/; Max-Age=10; HttpOnly; SameSite=Lax");
    }

    proptest! {
        #[test]
        fn a_position_survives_a_round_trip(number in 1..=u64::MAX) {
            let position = Position(number);
            prop_assert_eq!(Position::parse(&position.to_string()), Some(position));
        }

        #[test]
        fn no_text_breaks_the_parser(text in any::<String>()) {
            let _ = Position::parse(&text);
        }
    }
}
