//! What a client is told when something went wrong.

use crate::own_list::LookError;
use crate::selection::SearchError;
use crate::store;
use crate::todo::FieldError;
use http::StatusCode;
use serde::Serialize;
use std::borrow::Cow;

/// Seconds after which a client may try again while the database is away.
pub const RETRY_AFTER: &str = "2";

/// The code of [`Problem::no_such_list`].
pub const NO_SUCH_LIST: &str = "no-such-list";

/// An error as RFC 9457 has it. `detail` is written for the person who reads
/// it and says what to do; what only an operator needs goes to the log.
#[derive(Debug)]
pub struct Problem {
    pub status: StatusCode,
    /// The last part of the problem's `type`, stable across versions.
    pub code: &'static str,
    pub detail: Cow<'static, str>,
}

impl Problem {
    pub fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { status, code, detail: detail.into() }
    }

    pub fn bad_request(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub fn invalid(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    pub fn no_such_todo() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "no-such-todo",
            "There is no such todo. Somebody may have deleted it.",
        )
    }

    /// The same for one that never was, for one that is gone and for an old key.
    pub fn no_such_list() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            NO_SUCH_LIST,
            "There is no list at this address. It may have been deleted, or have a new address since: \
             ask whoever gave you the link.",
        )
    }

    pub fn read_only() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "read-only",
            "This link only shows the list. To change it, ask whoever gave it to you for the other link.",
        )
    }

    pub fn cross_site() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "cross-site",
            "This change came from another site, so it was not made. If this is the site itself, \
             whoever runs it has to tell it its own address.",
        )
    }

    pub fn no_such_page() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "no-such-page",
            "There is nothing at this address. The list is at / and the API at /todos.",
        )
    }

    pub fn no_such_page_of_list() -> Self {
        let detail = "There is nothing at this address. The list is at what stands before it, up to the key, \
             and its API at /todos behind that.";
        Self::new(StatusCode::NOT_FOUND, "no-such-page", detail)
    }

    pub fn no_shared_list() -> Self {
        let detail =
            "There is nothing at this address. Each list has its own, and /lists makes one.";
        Self::new(StatusCode::NOT_FOUND, "no-such-page", detail)
    }

    pub fn stale() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "stale",
            "The todo has another version than the request expects. Read it again, then repeat your change.",
        )
    }

    pub fn no_version() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "precondition",
            "This address has no version to hold the request against. Leave the precondition out.",
        )
    }

    pub fn write_with_query() -> Self {
        let detail = "A change is not narrowed by a query: it is of all that its address names. Leave out \
             the “?” and what follows it.";
        Self::bad_request("query", detail)
    }

    pub fn title(&self) -> &'static str {
        self.status.canonical_reason().unwrap_or("Error")
    }

    /// The body of an `application/problem+json` answer.
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Body<'a> {
            r#type: String,
            title: &'a str,
            status: u16,
            detail: &'a str,
        }
        let body = Body {
            r#type: format!("urn:todoozle:problem:{}", self.code),
            title: self.title(),
            status: self.status.as_u16(),
            detail: &self.detail,
        };
        // Strings and a number cannot fail to serialize.
        serde_json::to_string(&body).unwrap_or_default()
    }
}

impl From<FieldError> for Problem {
    fn from(error: FieldError) -> Self {
        Self::invalid(error.code(), error.to_string())
    }
}

impl From<LookError> for Problem {
    fn from(error: LookError) -> Self {
        Self::invalid("list", error.to_string())
    }
}

impl From<SearchError> for Problem {
    fn from(error: SearchError) -> Self {
        Self::bad_request("search", error.to_string())
    }
}

/// The one place where a store's error is handled, and so the one that logs it.
impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        if !matches!(error, store::Error::NoSuchList | store::Error::Taken) {
            eprintln!("error: {error}");
        }
        match error {
            store::Error::Unavailable(_) | store::Error::NotMigrated => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "database-unavailable",
                "The database cannot be reached just now. Nothing was changed; try again in a moment.",
            ),
            store::Error::Unanswered(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unconfirmed",
                "The database did not answer. If this was a change, it may or may not be saved; try \
                 again in a moment. A new todo sent again with its key is added once.",
            ),
            store::Error::NoSuchList => Self::no_such_list(),
            store::Error::Taken => Self::new(
                StatusCode::CONFLICT,
                "taken",
                "Another list or todo has this key already. Nothing was changed; load the page again, then repeat it.",
            ),
            store::Error::Variable(_) | store::Error::Query(_) | store::Error::Answer(_) => {
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal",
                    "Something went wrong here. The server's log has the reason.",
                )
            }
        }
    }
}
