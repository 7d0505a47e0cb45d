//! Paths with a key in them: whoever reads the log must not get in by it.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// What stands before a key in a path, by `tool.runtime-host.secret_path` of each component.
#[derive(Default)]
pub struct SecretPaths(Vec<String>);

impl SecretPaths {
    pub fn new(paths: impl Iterator<Item = String>) -> Self {
        Self(paths.collect())
    }

    /// A path as the log may have it. It is compared as components read it, without escapes.
    pub fn shown<'a>(&self, path: &'a str) -> Cow<'a, str> {
        if self.0.is_empty() {
            return path.into();
        }
        let plain = percent_decode_str(path).decode_utf8_lossy();
        let begins = self.0.iter().find(|secret| plain.starts_with(*secret) && plain != **secret);
        begins.map_or(path.into(), |secret| format!("{secret}…").into())
    }
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
            ("/lists/", "/lists/"),
            ("/lists", "/lists"),
            ("/todos/7", "/todos/7"),
        ] {
            assert_eq!(secret.shown(path), shown, "{path}");
        }
        assert_eq!(SecretPaths::default().shown("/lists/0123"), "/lists/0123");
    }
}
