//! What the log calls a request.

use std::fmt;
use std::sync::Arc;

use http::Method;

/// Method and path, which are written out only when something is to be said.
#[derive(Clone)]
pub struct Line {
    pub method: Method,
    pub path: Arc<str>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}
