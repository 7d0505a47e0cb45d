//! How settings and files are read that people and other programs write.

/// Finds `separator` outside quotes, in a text from its beginning.
pub fn parting(separator: char) -> impl FnMut(char) -> bool {
    let mut quoted = false;
    move |c| {
        quoted ^= c == '"';
        c == separator && !quoted
    }
}

/// Whether a text is digits, and one at least.
pub fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// True or false, in the usual words.
pub fn truth(text: &str) -> Option<bool> {
    let text = text.trim();
    let is = |words: [&str; 4]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    match (is(["true", "1", "yes", "on"]), is(["false", "0", "no", "off"])) {
        (false, false) => None,
        (truth, _) => Some(truth),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_words_for_true_and_false_are_known_and_no_others() {
        for text in ["true", "TRUE", " 1 ", "Yes", "on"] {
            assert_eq!(truth(text), Some(true), "{text}");
        }
        for text in ["false", "False", "FALSE", "0", "no", " false ", "off"] {
            assert_eq!(truth(text), Some(false), "{text}");
        }
        for text in ["", "maybe", "\"false\"", "falsch", "00", "-"] {
            assert_eq!(truth(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_in_quotes_parts_nothing() {
        let parts = |text: &'static str| text.split(parting(',')).collect::<Vec<_>>();
        assert_eq!(parts("a,\"b,c\",d\"\",e"), ["a", "\"b,c\"", "d\"\"", "e"]);
        assert_eq!(parts("a,\"b,c"), ["a", "\"b,c"]);
    }
}
