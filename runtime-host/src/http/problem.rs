//! Answers of the host's own, after RFC 9457.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use wasmtime_wasi_http::WasiBody;

use crate::guest::failure::Failure;
use crate::limits::Limits;
use crate::limits::units::Size;

/// What the client is told when no component answers it.
pub struct Problem {
    status: StatusCode,
    detail: String,
}

impl Problem {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }

    pub fn bad_request(detail: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub fn unknown_coding() -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, "The only transfer coding of a request is chunked.")
    }

    pub fn head_too_large(limits: &Limits) -> Self {
        let limit = Size(limits.max_head);
        Self::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            format!("A request's line and headers may have {limit}."),
        )
    }

    pub fn body_too_large(limits: &Limits) -> Self {
        let limit = Size(limits.max_body);
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, format!("A request body may have {limit}."))
    }

    pub fn body_too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "The request's body did not come in time.")
    }

    pub fn busy(limits: &Limits) -> Self {
        let limit = limits.max_requests;
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{limit} requests are being answered already. Try again in a second."),
        )
    }

    pub fn too_many_connections(limits: &Limits) -> Self {
        let limit = limits.max_connections;
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{limit} connections are open already. Try again in a second."),
        )
    }

    pub fn too_many_uploads(limits: &Limits) -> Self {
        let limit = limits.max_uploads();
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!(
                "{limit} requests are waiting for their bodies already. Try again in a second."
            ),
        )
    }

    pub fn no_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, "No route of this application leads here.")
    }

    pub fn no_component() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "No component is live yet. Try again in a second.",
        )
    }

    /// The component gave no answer, for this reason.
    pub fn failure(failure: Failure, limits: &Limits) -> Self {
        let limit = limits.request_timeout;
        let detail = match failure {
            Failure::TimedOut => format!("The component did not answer within {limit:?}."),
            Failure::CpuExhausted => "The component used up its CPU time for a request.".into(),
            Failure::Trapped => {
                "The component trapped before it answered. The host's log has the reason.".into()
            }
            Failure::NotStarted => {
                "The component could not be started. The host's log has the reason.".into()
            }
            Failure::NoRoom => "There is no room for another instance.".into(),
            Failure::NoMemory => {
                "Requests have taken all memory that there is for them. Try again in a second."
                    .into()
            }
            Failure::NoAnswer | Failure::BrokeOff => {
                "The component gave an error instead of an answer. The host's log has the reason."
                    .into()
            }
        };
        let status = match failure {
            Failure::TimedOut | Failure::CpuExhausted => StatusCode::GATEWAY_TIMEOUT,
            Failure::NoRoom | Failure::NoMemory => StatusCode::SERVICE_UNAVAILABLE,
            Failure::Trapped | Failure::NotStarted | Failure::NoAnswer | Failure::BrokeOff => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        Self::new(status, detail)
    }

    pub fn into_response(self) -> Response<WasiBody> {
        let text = serde_json::json!({
            "type": "about:blank",
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "detail": self.detail,
        })
        .to_string();
        let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        // What went wrong is of this moment: no cache keeps it.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self.status {
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            // The rest of the body may still come, and is no request.
            StatusCode::REQUEST_TIMEOUT
            // Where such a request ends is not for sure (RFC 9112, 6.1).
            | StatusCode::BAD_REQUEST
            | StatusCode::NOT_IMPLEMENTED => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}
