//! The pairs of a form or of a query string.

use crate::error::Problem;
use percent_encoding::percent_decode;
use std::borrow::Cow;

/// The pairs of a query string or of a form.
#[derive(Debug)]
pub struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// Decodes `a=1&b=2`. Bytes that are no UTF-8 are an error, never replaced.
    pub fn parse(encoded: &[u8]) -> Result<Self, Problem> {
        let decode = |part: &[u8]| {
            let spaced: Vec<u8> = part.iter().map(|&b| if b == b'+' { b' ' } else { b }).collect();
            let decoded = percent_decode(&spaced).decode_utf8().map(Cow::into_owned);
            decoded.map_err(|_| Problem::bad_request("not-utf-8", "The text is not valid UTF-8."))
        };
        encoded
            .split(|&b| b == b'&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let mut parts = pair.splitn(2, |&b| b == b'=');
                let name = decode(parts.next().unwrap_or_default())?;
                Ok((name, decode(parts.next().unwrap_or_default())?))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// All names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The first value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The value of a field that the form has to have.
    pub fn need(&self, name: &'static str) -> Result<&str, Problem> {
        self.get(name).ok_or_else(|| {
            Problem::bad_request("field-missing", format!("The form lacks the field “{name}”."))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_form_decodes_plus_and_percent() {
        let form = Pairs::parse(b"title=a+b%26c%20%F0%9F%91%8D&&empty&title=second").unwrap();
        assert_eq!(form.get("title"), Some("a b&c 👍"));
        assert_eq!(form.get("empty"), Some(""));
        assert!(form.need("missing").is_err());
    }

    #[test]
    fn invalid_utf_8_is_an_error() {
        assert_eq!(Pairs::parse(b"title=%ff").unwrap_err().code, "not-utf-8");
        assert_eq!(Pairs::parse(b"title=\xc3").unwrap_err().code, "not-utf-8");
    }

    proptest! {
        #[test]
        fn any_text_survives_a_form(title in any::<String>()) {
            let encoded = percent_encoding::utf8_percent_encode(&title, percent_encoding::NON_ALPHANUMERIC);
            let form = Pairs::parse(format!("title={encoded}").as_bytes()).unwrap();
            prop_assert_eq!(form.get("title"), Some(title.as_str()));
        }

        #[test]
        fn no_bytes_break_the_parser(bytes in any::<Vec<u8>>()) {
            let _ = Pairs::parse(&bytes);
        }
    }
}
