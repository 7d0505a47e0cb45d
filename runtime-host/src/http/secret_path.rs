//! Paths with a key in them: whoever reads the log must not get in by it.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// How often a path may have been escaped.
const ESCAPES: usize = 3;

/// What stands before a key in a path, by `tool.runtime-host.secret_path` of each component; in lower case.
#[derive(Default)]
pub struct SecretPaths(Vec<String>);

impl SecretPaths {
    pub fn new(paths: impl Iterator<Item = String>) -> Self {
        Self(paths.map(|path| path.to_ascii_lowercase()).collect())
    }

    /// A path as the log may have it: nothing that comes after a secret path, wherever that stands and
    /// however it is written. A proxy that is set up wrongly asks for it below another path.
    pub fn shown<'a>(&self, path: &'a str) -> Cow<'a, str> {
        if self.0.is_empty() {
            return path.into();
        }
        let plain = plain(path);
        let folded = plain.to_ascii_lowercase();
        let end = |secret: &String| Some(folded.find(secret)? + secret.len());
        match self.0.iter().filter_map(end).min() {
            Some(end) if end < plain.len() => format!("{}…", &plain[..end]).into(),
            _ => path.into(),
        }
    }
}

/// A path without escapes, also of escapes, and with one slash where there are several.
fn plain(path: &str) -> String {
    let mut plain = path.to_owned();
    for _ in 0..ESCAPES {
        if !plain.contains('%') {
            break;
        }
        plain = percent_decode_str(&plain).decode_utf8_lossy().into_owned();
    }
    while plain.contains("//") {
        plain = plain.replace("//", "/");
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_after_a_secret_path_is_not_shown() {
        let secret = SecretPaths::new(["/lists/".to_owned()].into_iter());
        for (path, shown) in [
            ("/lists/0123/todos", "/lists/…"),
            ("/%6Cists%2f0123", "/lists/…"),
            ("/%256cists/0123", "/lists/…"),
            ("//lists//0123/todos", "/lists/…"),
            ("/app/lists/0123", "/app/lists/…"),
            ("/Lists/0123", "/Lists/…"),
            ("/lists/", "/lists/"),
            ("/lists", "/lists"),
            ("/todos/7", "/todos/7"),
        ] {
            assert_eq!(secret.shown(path), shown, "{path}");
        }
        assert_eq!(SecretPaths::default().shown("/lists/0123"), "/lists/0123");
    }
}
