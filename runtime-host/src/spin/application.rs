//! Requests of a component to its own application. They are answered in this process: what
//! `http://NAME.spin.internal` asks, by the component of that name; what `http://self.alt` asks, by
//! whichever the routes lead to.

use std::future::Future;
use std::pin::Pin;

use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri};
use wasmtime_wasi_http::{Error, WasiBody};

/// The host of a request without one.
pub const OWN: &str = "self.alt";
const INTERNAL: &str = ".spin.internal";
/// How many components may ask one another for one request.
const MAX_DEPTH: u8 = 8;

/// Who is asked.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    /// Whoever the routes lead to.
    Own,
    Component(&'a str),
}

impl<'a> Asked<'a> {
    /// `None` for a host elsewhere.
    /// Upper and lower case are the same, as in every name of a host.
    pub fn by(host: &'a str) -> Option<Self> {
        if ["self", OWN].iter().any(|own| host.eq_ignore_ascii_case(own)) {
            return Some(Self::Own);
        }
        let (id, rest) = host.split_at_checked(host.len().checked_sub(INTERNAL.len())?)?;
        rest.eq_ignore_ascii_case(INTERNAL).then_some(Self::Component(id))
    }
}

/// The request that a component is answering, which those that it sends to its own application
/// have with them.
#[derive(Clone, Default)]
pub struct UnderWay {
    /// Scheme and authority.
    origin: Option<(Scheme, Authority)>,
    depth: u8,
}

impl UnderWay {
    /// What a component begins to answer.
    pub fn of<B>(request: &Request<B>) -> Self {
        let before = request.extensions().get::<Self>();
        let uri = request.uri();
        let own = uri.scheme().cloned().zip(uri.authority().cloned());
        Self {
            origin: before.map_or(own, |before| before.origin.clone()),
            depth: before.map_or(0, |before| before.depth),
        }
    }

    /// The same for a request that the component sends on.
    pub fn next(&self, mut request: Request<WasiBody>) -> Result<Request<WasiBody>, Error> {
        if self.depth >= MAX_DEPTH {
            tracing::warn!("{MAX_DEPTH} components asked one another in turn: no further");
            return Err(Error::LoopDetected);
        }
        request.extensions_mut().insert(Self { depth: self.depth + 1, ..self.clone() });
        Ok(request)
    }

    /// The address of a request to the application, as its own clients would have it.
    pub fn uri(&self, uri: &Uri) -> Option<Uri> {
        let (scheme, authority) = self.origin.clone()?;
        let mut parts = uri.clone().into_parts();
        (parts.scheme, parts.authority) = (Some(scheme), Some(authority));
        Uri::from_parts(parts).ok()
    }
}

/// What answers such requests.
pub trait Application: Send + Sync {
    /// The host of the request says who is asked.
    fn answer(&self, request: Request<WasiBody>) -> Answer;
}

pub type Answer = Pin<Box<dyn Future<Output = Result<Response<WasiBody>, Error>> + Send>>;
