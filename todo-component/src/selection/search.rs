//! What somebody searches for.

/// Words that each have to be somewhere in a todo's title or notes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search(String);

/// A search of more words than the database is asked for at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("A search has {words} words and {chars} characters at most. Leave some out.", words = Search::MAX_WORDS, chars = Search::MAX_CHARS)]
pub struct SearchError;

impl Search {
    pub const MAX_CHARS: usize = 256;
    const MAX_WORDS: usize = 10;

    /// Reads `?q=`; white space and control characters stand between words.
    pub fn parse(text: &str) -> Result<Self, SearchError> {
        let search = Self::begin(text);
        let words = words(text).collect::<Vec<_>>().join(" ");
        if search.0 == words { Ok(search) } else { Err(SearchError) }
    }

    /// As many of the words as fit: somebody who types is shown a list and no error.
    pub fn begin(text: &str) -> Self {
        let words: Vec<_> = words(text).take(Self::MAX_WORDS).collect();
        Self(
            words.join(" ").chars().take(Self::MAX_CHARS).collect::<String>().trim_end().to_owned(),
        )
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn words(&self) -> impl Iterator<Item = &str> {
        words(&self.0)
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let between = |c: char| c.is_whitespace() || c.is_control();
    text.split(between).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_its_words() {
        let words = |text| {
            Search::parse(text).map(|search| search.words().map(str::to_owned).collect::<Vec<_>>())
        };
        assert_eq!(words(" Milk\u{3000}100%\0\n"), Ok(vec!["Milk".to_owned(), "100%".to_owned()]));
        assert_eq!(words(" "), Ok(vec![]));
        assert_eq!(words("a b c d e f g h i j k"), Err(SearchError));
        assert_eq!(words(&"x".repeat(257)), Err(SearchError));
        assert_eq!(Search::begin("a b c d e f g h i j k").as_str(), "a b c d e f g h i j");
        assert_eq!(Search::begin(&"x".repeat(257)).as_str().len(), 256);
    }
}
