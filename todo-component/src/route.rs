//! Finds what a request is about and hands it on, after the checks that hold
//! for every request.

use crate::answer::{Answer, accept_patch, answer, problem_json, problem_page, secure};
use crate::error::Problem;
use crate::request::Pairs;
use crate::site::{self, Allowed, Verdict};
use crate::store::Store;
use crate::{api, assets, files, page, request, variable};
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode};
use spin_sdk::http::Request;
use spin_sdk::wasip3::http_compat::IncomingRequestBody;

/// What an address stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resource {
    Todos,
    Todo(i64),
    Restore(i64),
    Move(i64),
    Export,
    Import,
    Home,
    /// An address of the old application: its GET leads home.
    Index,
    NewItem,
    Toggle(i64),
    Edit(i64),
    Destroy(i64),
    MoveItem(i64),
    ToggleAll,
    ClearCompleted,
    Undo,
    ImportPage,
    Asset(assets::Asset),
}

impl Resource {
    fn find(path: &str) -> Option<Self> {
        let mut parts = path.strip_prefix('/')?.split('/');
        let segments = (parts.next()?, parts.next(), parts.next(), parts.next());
        match segments {
            ("", None, ..) => Some(Self::Home),
            ("index", None, ..) => Some(Self::Index),
            ("new_item", None, ..) => Some(Self::NewItem),
            ("toggle-all", None, ..) => Some(Self::ToggleAll),
            ("clear-completed", None, ..) => Some(Self::ClearCompleted),
            ("undo", None, ..) => Some(Self::Undo),
            ("todos", None, ..) => Some(Self::Todos),
            ("todos", Some("export"), None, _) => Some(Self::Export),
            ("todos", Some("import"), None, _) => Some(Self::Import),
            ("import", None, ..) => Some(Self::ImportPage),
            ("todos", Some(id), None, _) => request::id(id).map(Self::Todo),
            ("todos", Some(id), Some("restore"), None) => request::id(id).map(Self::Restore),
            ("todos", Some(id), Some("move"), None) => request::id(id).map(Self::Move),
            ("items", Some(id), Some("toggle"), None) => request::id(id).map(Self::Toggle),
            ("items", Some(id), Some("edit"), None) => request::id(id).map(Self::Edit),
            ("items", Some(id), Some("destroy"), None) => request::id(id).map(Self::Destroy),
            ("items", Some(id), Some("move"), None) => request::id(id).map(Self::MoveItem),
            ("assets", ..) => assets::find(path).map(Self::Asset),
            _ => assets::by_name(path).map(Self::Asset),
        }
    }

    /// The value of `Allow`.
    fn methods(self) -> &'static str {
        match self {
            Self::Todos => "GET, HEAD, POST, DELETE, OPTIONS",
            Self::Todo(_) => "GET, HEAD, PATCH, DELETE, OPTIONS",
            Self::Home | Self::Index | Self::Export | Self::Asset(_) => "GET, HEAD, OPTIONS",
            Self::NewItem | Self::Edit(_) | Self::ImportPage => "GET, HEAD, POST, OPTIONS",
            Self::Restore(_)
            | Self::Move(_)
            | Self::Import
            | Self::MoveItem(_)
            | Self::Toggle(_)
            | Self::Destroy(_)
            | Self::ToggleAll
            | Self::ClearCompleted
            | Self::Undo => "POST, OPTIONS",
        }
    }

    /// Bytes of the largest body that means something here.
    fn max_body(self) -> usize {
        match self {
            Self::Import | Self::ImportPage => request::MAX_FILE,
            _ => request::MAX_BODY,
        }
    }

    fn allows(self, method: &Method) -> bool {
        self.methods().split(", ").any(|allowed| allowed == method.as_str())
    }
}

/// Answers a request, whatever becomes of it.
pub async fn respond(request: Request) -> Answer {
    let (mut parts, body) = request.into_parts();
    let path = request::plain_path(parts.uri.path()).into_owned();
    let is_api = is_api(&path);
    let verdict = judge(&parts).await;
    // A HEAD is a GET whose body the server leaves out.
    if parts.method == Method::HEAD {
        parts.method = Method::GET;
    }
    let store = Store::of(&parts.headers);
    let answered = match verdict {
        Verdict::Refused => refuse(&parts, &path, body).await,
        _ => dispatch(&store, &parts, &path, body).await,
    };
    let mut answer = answered.unwrap_or_else(|problem| {
        if is_api { problem_json(&problem) } else { problem_page(&problem, None) }
    });
    if !is_api {
        answer = page::below(&site::path(&variable::optional("public_url").await), answer).await;
    }
    let shared = if is_api { verdict } else { Verdict::Own };
    store.stamp(answer.headers_mut());
    secure(&mut answer, &shared);
    answer
}

/// A write from another site. What somebody typed is shown again, for it may be our own page behind
/// a proxy that does not tell.
async fn refuse(parts: &Parts, path: &str, body: IncomingRequestBody) -> Result<Answer, Problem> {
    let told = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("-");
    eprintln!(
        "warning: refused {} {path} from the origin {} for the host {}: if people use this address, \
         set the variable public_url to it; if another site may write, list it in cors_origins",
        parts.method,
        told(header::ORIGIN),
        site::authority(&parts.uri, &parts.headers).unwrap_or("-"),
    );
    let problem = Problem::cross_site();
    if is_api(path) {
        return Err(problem);
    }
    let form = Pairs::parse(&request::body(body, request::MAX_BODY).await?)?;
    page::keeping(parts, &form, std::future::ready(Err(problem))).await
}

async fn dispatch(
    store: &Store,
    parts: &Parts,
    path: &str,
    body: IncomingRequestBody,
) -> Result<Answer, Problem> {
    // `OPTIONS *` asks about the server as a whole.
    if parts.method == Method::OPTIONS && ["*", "/*"].contains(&path) {
        return Ok(options("GET, HEAD, POST, PATCH, DELETE, OPTIONS"));
    }
    let resource = Resource::find(path).ok_or_else(|| match path.strip_prefix("/todos/") {
        Some(rest) if !rest.is_empty() && !rest.contains('/') => Problem::no_such_todo(),
        _ => Problem::no_such_page(),
    })?;
    if parts.method == Method::OPTIONS {
        let mut options = options(resource.methods());
        if let Resource::Todo(_) = resource {
            options.headers_mut().insert("accept-patch", accept_patch());
        }
        return Ok(options);
    }
    if !resource.allows(&parts.method) {
        return Ok(method_not_allowed(resource, path));
    }
    // A body means nothing to a GET; asking for it costs two trips to the host.
    let body = match parts.method {
        Method::GET => Bytes::new(),
        _ => request::body(body, resource.max_body()).await?,
    };
    match (resource, &parts.method) {
        (Resource::Todos, &Method::GET) => api::list(store, parts).await,
        (Resource::Todos, &Method::POST) => api::create(store, parts, &body).await,
        (Resource::Todos, &Method::DELETE) => api::delete_all(store, parts).await,
        (Resource::Todo(id), &Method::GET) => api::get(store, id, parts).await,
        (Resource::Todo(id), &Method::PATCH) => api::patch(store, id, parts, &body).await,
        (Resource::Todo(id), &Method::DELETE) => api::delete(store, id, parts).await,
        (Resource::Restore(id), &Method::POST) => api::restore(store, id, parts).await,
        (Resource::Move(id), &Method::POST) => api::shift(store, id, parts, &body).await,
        (Resource::Export, &Method::GET) => files::export(store, parts).await,
        (Resource::Import, &Method::POST) => files::import(store, parts, &body).await,
        (Resource::ImportPage, &Method::GET) => Ok(files::import_page()),
        (Resource::ImportPage, &Method::POST) => files::import_form(store, parts, &body).await,
        (Resource::Home, &Method::GET) => page::home(store, parts).await,
        (Resource::Index | Resource::NewItem, &Method::GET) => Ok(page::moved(parts)),
        (Resource::NewItem, &Method::POST) => page::create(store, parts, &body).await,
        (Resource::Toggle(id), &Method::POST) => page::toggle(store, id, parts, &body).await,
        (Resource::Edit(id), &Method::GET) => page::edit_form(store, id, parts).await,
        (Resource::Edit(id), &Method::POST) => page::edit(store, id, parts, &body).await,
        (Resource::Destroy(id), &Method::POST) => page::destroy(store, id, parts, &body).await,
        (Resource::MoveItem(id), &Method::POST) => page::shift(store, id, parts, &body).await,
        (Resource::ToggleAll, &Method::POST) => page::toggle_all(store, parts, &body).await,
        (Resource::ClearCompleted, &Method::POST) => {
            page::clear_completed(store, parts, &body).await
        }
        (Resource::Undo, &Method::POST) => page::undo(store, parts, &body).await,
        (Resource::Asset(asset), &Method::GET) => Ok(page::asset(&asset)),
        _ => Ok(method_not_allowed(resource, path)),
    }
}

/// Asks for the variable only when a browser says that the request is not ours.
async fn judge(parts: &Parts) -> Verdict {
    let judge = |allowed: Allowed, public_url: &str| {
        site::judge(&parts.method, &parts.uri, &parts.headers, &allowed, public_url)
    };
    let public_url = variable::optional("public_url").await;
    let strict = judge(Allowed::Origins(Vec::new()), &public_url);
    if strict == Verdict::Own {
        return strict;
    }
    judge(Allowed::parse(&variable::optional("cors_origins").await), &public_url)
}

fn is_api(path: &str) -> bool {
    path == "/todos" || path.starts_with("/todos/")
}

fn options(methods: &'static str) -> Answer {
    let mut options = answer(StatusCode::NO_CONTENT, Bytes::new());
    options.headers_mut().insert(header::ALLOW, HeaderValue::from_static(methods));
    options
}

fn method_not_allowed(resource: Resource, path: &str) -> Answer {
    let problem = Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method",
        format!("This address takes {}.", resource.methods()),
    );
    let mut refused =
        if is_api(path) { problem_json(&problem) } else { problem_page(&problem, None) };
    refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static(resource.methods()));
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_stands_for_one_thing() {
        assert_eq!(Resource::find("/"), Some(Resource::Home));
        assert_eq!(Resource::find("/todos"), Some(Resource::Todos));
        assert_eq!(Resource::find("/todos/7"), Some(Resource::Todo(7)));
        assert_eq!(Resource::find("/todos/7/restore"), Some(Resource::Restore(7)));
        assert_eq!(Resource::find("/items/7/edit"), Some(Resource::Edit(7)));
        for path in ["", "/todos/", "/todos/07", "/todos/7/", "/items/7", "/items/7/edit/", "//"] {
            assert_eq!(Resource::find(path), None, "{path}");
        }
    }

    #[test]
    fn methods_are_matched_whole() {
        assert!(Resource::Todos.allows(&Method::DELETE));
        assert!(!Resource::Todos.allows(&Method::PATCH));
        assert!(!Resource::Todos.allows(&Method::from_bytes(b"GE").unwrap()));
    }
}
