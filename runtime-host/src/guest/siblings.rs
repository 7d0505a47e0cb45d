//! The components of one version, as far as they ask one another.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock, Weak};

use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use wasmtime_wasi_http::{Error, WasiBody};

use crate::guest::answer::answer;
use crate::guest::failure::Failure;
use crate::guest::instances::Instances;
use crate::guest::line::Line;
use crate::spin::application::{Answer, Application, Asked, UnderWay};
use crate::spin::headers;
use crate::spin::routes::{Found, Routes};

/// As Spin names a client that is a component.
const CLIENT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// Whom a component may ask.
pub struct Siblings {
    routes: Arc<Routes>,
    ids: Vec<String>,
    /// In the order of the names; there from the moment that all are loaded.
    components: OnceLock<Vec<Weak<Instances>>>,
}

impl Siblings {
    pub fn new(routes: Arc<Routes>, ids: Vec<String>) -> Arc<Self> {
        Arc::new(Self { routes, ids, components: OnceLock::new() })
    }

    /// All are loaded.
    pub fn set(&self, components: &[Arc<Instances>]) {
        let _ = self.components.set(components.iter().map(Arc::downgrade).collect());
    }

    /// By its name; else by the same in other cases, which is no other host.
    fn find(&self, id: &str) -> Option<usize> {
        let exactly = self.ids.iter().position(|own| own == id);
        exactly.or_else(|| self.ids.iter().position(|own| own.eq_ignore_ascii_case(id)))
    }

    /// The component that is asked, and the request as it has it.
    fn address(
        &self,
        mut request: Request<WasiBody>,
    ) -> Result<(usize, Request<WasiBody>), Unanswered> {
        let uri = request.uri().clone();
        let asked = uri.host().and_then(Asked::by).ok_or(Unanswered::Nobody)?;
        let (uri, found) = match asked {
            Asked::Component(id) => {
                let component = self.find(id).ok_or(Unanswered::Nobody)?;
                let (rest, named) = (uri.path().to_owned(), Vec::new());
                (uri.clone(), Found { component, route: "/...", prefix: "", rest, named })
            }
            Asked::Own => {
                let own = |under_way: &UnderWay| under_way.uri(&uri);
                let own = request.extensions().get().and_then(own).unwrap_or_else(|| uri.clone());
                (own, self.routes.find(uri.path()).ok_or(Unanswered::NotFound)?)
            }
        };
        headers::set(request.headers_mut(), &uri, &found, CLIENT, &[]);
        *request.uri_mut() = uri;
        Ok((found.component, request))
    }
}

/// Why no component is asked.
enum Unanswered {
    /// There is none of this name.
    Nobody,
    /// No route leads there.
    NotFound,
}

impl Application for Siblings {
    fn answer(&self, request: Request<WasiBody>) -> Answer {
        let line = Line { method: request.method().clone(), path: path(request.uri()).into() };
        let (component, request) = match self.address(request) {
            Ok(addressed) => addressed,
            Err(Unanswered::Nobody) => {
                return Box::pin(std::future::ready(Err(Error::DestinationNotFound)));
            }
            Err(Unanswered::NotFound) => return Box::pin(std::future::ready(Ok(not_found()))),
        };
        let component = self.components.get().and_then(|all| all.get(component)?.upgrade());
        Box::pin(async move {
            let component = component.ok_or(Error::DestinationUnavailable)?;
            answer(&component, line, request).await.map_err(|failure| match failure {
                Failure::TimedOut => Error::ConnectionReadTimeout,
                Failure::NoRoom | Failure::NoMemory => Error::ConnectionLimitReached,
                _ => Error::ConnectionTerminated,
            })
        })
    }
}

/// For the log, without what a query may hold.
fn path(uri: &Uri) -> String {
    format!("{}{}", uri.host().unwrap_or_default(), uri.path())
}

fn not_found() -> Response<WasiBody> {
    let body = Full::default().map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
