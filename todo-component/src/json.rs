//! JSON from clients, and what is said about one that is not as it should be.

use crate::error::Problem;
use crate::whole::Object;
use serde::de::DeserializeOwned;

/// A byte order mark, which RFC 8259 lets a reader pass over.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// What is said of a number that is larger than any that programs reckon with: JSON has it, and so it
/// is valid.
const TOO_LARGE: &str = "number out of range";

/// Reads one object.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let body = body.strip_prefix(MARK).unwrap_or(body);
    // In UTF-16 every other byte of a Latin text is zero, which no JSON has.
    if body.contains(&0) || std::str::from_utf8(body).is_err() {
        let detail = "The body is not UTF-8, as JSON has to be. Send it as UTF-8.";
        return Err(Problem::bad_request("not-utf-8", detail));
    }
    serde_json::from_slice(body).map(|Object(read)| read).map_err(|error| {
        let reason = reason(&error);
        if error.is_data() || reason.starts_with(TOO_LARGE) {
            wrong_shape(&reason)
        } else {
            Problem::bad_request("broken-json", format!("The body is not valid JSON: {reason}."))
        }
    })
}

/// What is wrong, without the words that are of programs alone.
pub fn reason(error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "it ends before it is whole".to_owned();
    }
    let text = error.to_string();
    let wrong = text.strip_prefix("invalid type: ").or(text.strip_prefix("invalid value: "));
    let Some((found, wanted)) = wrong.and_then(|wrong| wrong.split_once(", expected ")) else {
        return text;
    };
    let found = match found.strip_prefix("floating point ") {
        Some(number) => &format!("number {number}"),
        None => match found {
            "sequence" => "a list",
            "map" => "an object",
            _ => found,
        },
    };
    let wanted = wanted.strip_suffix(" at line 1 column 0").unwrap_or(wanted);
    let wanted =
        wanted.strip_prefix("a sequence").map_or(wanted.to_owned(), |at| format!("a list{at}"));
    format!("{found} in place of {wanted}")
}

/// A problem with JSON that is valid and of another shape.
pub fn wrong_shape(reason: &str) -> Problem {
    Problem::invalid("wrong-shape", format!("The JSON is not what this address takes: {reason}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whole::{Whole, present};
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Sample {
        #[serde(default, deserialize_with = "present")]
        order: Option<Whole<i32>>,
    }

    fn order(text: &str) -> Result<Option<i32>, String> {
        let sample: Result<Sample, _> = read(text.as_bytes());
        sample.map(|sample| sample.order.map(|order| order.0)).map_err(|e| e.detail.into_owned())
    }

    #[test]
    fn a_whole_number_may_be_written_in_every_way() {
        for (text, number) in [
            ("7", 7),
            ("1.0", 1),
            ("1e2", 100),
            ("-3.0", -3),
            ("-0.0", 0),
            ("2147483647.0", i32::MAX),
        ] {
            assert_eq!(order(&format!("{{\"order\":{text}}}")), Ok(Some(number)), "{text}");
        }
        assert_eq!(order("{}"), Ok(None));
    }

    #[test]
    fn another_value_is_refused_in_words_for_people() {
        assert!(
            order("{\"order\":-1e999}").unwrap_err().contains("is not what this address takes")
        );
        for text in
            ["1.5", "2147483648", "1e99", "-2147483649", "\"7\"", "null", "true", "[]", "{}"]
        {
            let error = order(&format!("{{\"order\":{text}}}")).unwrap_err();
            for word in ["sequence", "map", "floating", "invalid"] {
                assert!(!error.contains(word), "{error}");
            }
            assert!(error.contains("a whole number from -2147483648"), "{text}: {error}");
            assert!(!error.contains("i32"), "{error}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_passed_over_and_a_list_is_no_object() {
        assert_eq!(order("\u{feff}{\"order\":1}"), Ok(Some(1)));
        let wide: Vec<_> = "{\"order\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for other in [&wide[..], b"\xff\xfe{", b"{\"a\":\"\xe4\"}", b"\x1f\x8b\x08"] {
            let refused = read::<Sample>(other).unwrap_err();
            assert_eq!((refused.status.as_u16(), refused.code), (400, "not-utf-8"), "{other:?}");
        }
        assert!(order(" [1]").unwrap_err().contains("a list"));
        for half in ["", " ", "{", "{\"order\":"] {
            assert!(order(half).unwrap_err().contains("it ends before it is whole"), "{half}");
        }
        let list: Result<Vec<String>, _> = serde_json::from_str("{\"a\":[]}");
        assert_eq!(reason(&list.unwrap_err()), "an object in place of a list");
        let list: Result<Vec<String>, _> = serde_json::from_str("[[1]]");
        assert_eq!(reason(&list.unwrap_err()), "a list in place of a string at line 1 column 1");
        let text: Result<Vec<bool>, _> = serde_json::from_str("[\"a map\"]");
        let said = reason(&text.unwrap_err());
        assert!(said.starts_with("string \"a map\" in place of a boolean"), "{said}");
    }
}
