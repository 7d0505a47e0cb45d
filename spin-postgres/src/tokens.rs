//! A statement as words and signs, without its comments and texts.

/// A word, a quoted name, or a character of its own.
#[derive(Debug, PartialEq)]
pub enum Token<'a> {
    Word(&'a str),
    Quoted,
    Other(char),
    /// A text whose end depends on a setting of the session (`standard_conforming_strings`): `'\'`.
    Doubtful,
}

/// The words and signs of a statement, without its comments, texts and white space.
pub fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = if let Some(comment) = rest.strip_prefix("--") {
            // PostgreSQL ends it at either.
            comment.find(['\n', '\r']).map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("/*") {
            comment_length(rest)
        } else if first == '"' {
            tokens.push(Token::Quoted);
            quoted_length(rest, first)
        } else if first == '\'' {
            let length = quoted_length(rest, first);
            if ends_in_escape(&rest.as_bytes()[..length - 1]) {
                tokens.push(Token::Doubtful);
            }
            length
        } else if let Some(length) = dollar_length(rest) {
            length
        } else if is_of_word(first) {
            // A dollar within a name is a part of it, and begins no text.
            let length = rest.find(|c| !is_of_word(c) && c != '$').unwrap_or(rest.len());
            let (word, after) = rest.split_at(length);
            tokens.push(Token::Word(word));
            if word.eq_ignore_ascii_case("e") && after.starts_with('\'') {
                length + escaped_length(after)
            } else {
                length
            }
        } else {
            if !first.is_whitespace() {
                tokens.push(Token::Other(first));
            }
            first.len_utf8()
        };
        rest = &rest[length.min(rest.len())..];
    }
    tokens
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || !c.is_ascii()
}

/// Comments nest.
fn comment_length(text: &str) -> usize {
    let (mut depth, mut at) = (0_u32, 0);
    let bytes = text.as_bytes();
    while at < bytes.len() {
        match bytes[at..].get(..2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => {
                (depth, at) = (depth - 1, at + 2);
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

fn quoted_length(text: &str, quote: char) -> usize {
    text[1..].find(quote).map_or(text.len(), |end| end + 2)
}

/// `E'…'`: a backslash takes what follows it along. (`''` within it is read as two texts, of which
/// the second is doubtful where it would matter.)
fn escaped_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text[1..].find(|c| match c {
        _ if escaped => {
            escaped = false;
            false
        }
        '\\' => {
            escaped = true;
            false
        }
        c => c == '\'',
    });
    end.map_or(text.len(), |end| end + 2)
}

/// An odd number of backslashes at the end: the last one escapes what follows, or stands for itself.
fn ends_in_escape(text: &[u8]) -> bool {
    text.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// `$tag$ … $tag$`.
fn dollar_length(text: &str) -> Option<usize> {
    let (tag, body) = text.strip_prefix('$')?.split_once('$')?;
    let sound = tag.chars().all(is_of_word) && !tag.starts_with(|c: char| c.is_ascii_digit());
    if !sound {
        return None;
    }
    let end = format!("${tag}$");
    let length = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(tag.len() + 2 + length)
}
