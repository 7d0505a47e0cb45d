//! Finds what a request is about and hands it on, after the checks that hold
//! for every request.

mod resource;

use crate::answer::{Answer, NoList, accept_patch, answer, problem_json, problem_page, secure};
use crate::error::Problem;
use crate::own_list::{Key, LISTS};
use crate::request::Pairs;
use crate::site::{self, Allowed, Verdict};
use crate::store::Store;
use crate::{api, files, lists, page, request, variable};
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode};
use resource::Resource;
use spin_sdk::http::Request;
use spin_sdk::wasip3::http_compat::IncomingRequestBody;

/// What of the application stays where it is for the pages of a list.
const OF_ALL_LISTS: [&str; 4] =
    ["/assets/", "/manifest.webmanifest", "/apple-touch-icon.png", "/lists"];

/// The key of the list that a path is about, if it is of one's own, and the path in it.
fn split(path: &str) -> (Result<Option<Key>, Problem>, &str) {
    let Some(rest) = path.strip_prefix(LISTS) else { return (Ok(None), path) };
    let (key, rest) = rest.find('/').map_or((rest, "/"), |end| rest.split_at(end));
    let wrong = if key.is_empty() { Problem::no_shared_list } else { Problem::no_such_list };
    (Key::parse(key).map(Some).ok_or_else(wrong), rest)
}

/// Answers a request, whatever becomes of it.
pub async fn respond(request: Request) -> Answer {
    let (mut parts, body) = request.into_parts();
    let whole = request::plain_path(parts.uri.path()).into_owned();
    let (key, path) = split(&whole);
    let is_api = is_api(path) || (in_lists(&whole, path) && lists::is_api(&parts));
    let verdict = judge(&parts).await;
    // A HEAD is a GET whose body the server leaves out.
    if parts.method == Method::HEAD {
        parts.method = Method::GET;
    }
    let store = Store::of(&parts.headers, key.as_ref().ok().cloned().flatten());
    if let Some(key) = store.key() {
        // From here on the list is all that there is, and its key is not in what is said of a request.
        parts.uri = request::with_path(&parts.uri, path);
        parts.extensions.insert(key.clone());
    }
    let answered = match (key, &verdict) {
        (Err(problem), _) => Err(problem),
        (_, Verdict::Refused) => refuse(&parts, path, is_api, body).await,
        _ => dispatch(&store, &parts, path, is_api, body).await.and_then(|answer| {
            if parts.method == Method::GET && answer.status().is_success() {
                request::shown(&parts.headers, answer.headers())?;
            }
            Ok(answer)
        }),
    };
    let mut answer = answered.unwrap_or_else(|problem| {
        if is_api { problem_json(&problem) } else { problem_page(&problem, None) }
    });
    if !is_api {
        let lost = answer.extensions().get::<NoList>().is_some();
        if let Some(key) = store.key().filter(|_| !lost) {
            answer = page::below(&key.address(), &OF_ALL_LISTS, answer).await;
        }
        answer = page::below(&site::path(&parts).await, &[], answer).await;
    }
    let shared = if is_api { verdict } else { Verdict::Own };
    store.stamp(answer.headers_mut());
    secure(&mut answer, &shared);
    answer
}

/// A write from another site. What somebody typed is shown again, for it may be our own page behind
/// a proxy that does not tell.
async fn refuse(
    parts: &Parts,
    path: &str,
    is_api: bool,
    body: IncomingRequestBody,
) -> Result<Answer, Problem> {
    let told = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("-");
    eprintln!(
        "warning: refused {} {path} from the origin {} for the host {}: if people use this address, \
         set the variable public_url to it; if another site may write, list it in cors_origins",
        parts.method,
        told(header::ORIGIN),
        site::authority(&parts.uri, &parts.headers).unwrap_or("-"),
    );
    let problem = Problem::cross_site();
    if is_api {
        return Err(problem);
    }
    let form = Pairs::parse(&request::body(body, request::MAX_BODY).await?)?;
    page::keeping(parts, &form, std::future::ready(Err(problem))).await
}

async fn dispatch(
    store: &Store,
    parts: &Parts,
    path: &str,
    is_api: bool,
    body: IncomingRequestBody,
) -> Result<Answer, Problem> {
    // `OPTIONS *` asks about the server as a whole.
    if parts.method == Method::OPTIONS && ["*", "/*"].contains(&path) {
        return Ok(options("GET, HEAD, POST, PATCH, DELETE, OPTIONS"));
    }
    let resource = Resource::find(path, store.key().is_some());
    let of_all = matches!(resource, Some(Resource::Lists | Resource::Asset(_)));
    if store.key().is_none() && !of_all && !lists::shares().await {
        return match resource {
            Some(Resource::Home) => Ok(page::redirect(StatusCode::SEE_OTHER, "/lists")),
            _ => Err(Problem::no_shared_list()),
        };
    }
    let resource = resource.ok_or_else(|| match path.strip_prefix("/todos/") {
        Some(rest) if !rest.is_empty() && !rest.contains('/') => Problem::no_such_todo(),
        _ if store.key().is_some() => Problem::no_such_page_of_list(),
        _ => Problem::no_such_page(),
    })?;
    if parts.method == Method::OPTIONS {
        let mut options = options(resource.methods());
        if let Resource::Todo(_) | Resource::List = resource {
            options.headers_mut().insert("accept-patch", accept_patch());
        }
        return Ok(options);
    }
    if !resource.allows(&parts.method) {
        return Ok(method_not_allowed(resource, is_api));
    }
    let reads = store.key().is_some_and(Key::reads);
    let read_only = reads && !resource.only_reads(&parts.method);
    let refused =
        if read_only { Err(Problem::read_only()) } else { unconditional(resource, parts) };
    if let Err(problem) = refused {
        if store.key().is_some() {
            store.links().await?; // of a list that is there
        }
        return Err(problem);
    }
    // A body means nothing to a GET; asking for it costs two trips to the host.
    let body = match parts.method {
        Method::GET => Bytes::new(),
        _ => request::body(body, resource.max_body()).await?,
    };
    match (resource, &parts.method) {
        (Resource::Todos, &Method::GET) => api::list(store, parts).await,
        (Resource::Todos, &Method::POST) => api::create(store, parts, &body).await,
        (Resource::Todos, &Method::DELETE) => api::delete_all(store).await,
        (Resource::Todo(id), &Method::GET) => api::get(store, id, parts).await,
        (Resource::Todo(id), &Method::PATCH) => api::patch(store, id, parts, &body).await,
        (Resource::Todo(id), &Method::DELETE) => api::delete(store, id, parts).await,
        (Resource::Restore(id), &Method::POST) => api::restore(store, id, parts).await,
        (Resource::Tick(id), &Method::POST) => api::tick(store, id, parts, &body).await,
        (Resource::Move(id), &Method::POST) => api::shift(store, id, parts, &body).await,
        (Resource::Export, &Method::GET) => files::export(store, parts).await,
        (Resource::Import, &Method::POST) => files::import(store, parts, &body).await,
        (Resource::ImportPage, &Method::GET) => files::import_page(store).await,
        (Resource::ImportPage, &Method::POST) => files::import_form(store, parts, &body).await,
        (Resource::Lists, &Method::GET) => Ok(lists::all().await),
        (Resource::Lists, &Method::POST) => lists::create(store, parts, &body).await,
        (Resource::List, &Method::GET) => lists::get(store, parts).await,
        (Resource::List, &Method::PATCH) => lists::patch(store, parts, &body).await,
        (Resource::List, &Method::DELETE) => lists::delete(store).await,
        (Resource::Settings, &Method::GET) => lists::settings(store, parts).await,
        (Resource::Settings, &Method::POST) => lists::change(store, parts, &body).await,
        (Resource::Rekey, &Method::POST) => lists::rekey(store, parts, &body).await,
        (Resource::DestroyList, &Method::POST) => lists::destroy(store, parts, &body).await,
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
        _ => Ok(method_not_allowed(resource, is_api)),
    }
}

/// Refuses a query or a precondition that this address would ignore: the write would change more than
/// was meant.
fn unconditional(resource: Resource, parts: &Parts) -> Result<(), Problem> {
    if parts.method == Method::GET {
        return Ok(());
    }
    if parts.uri.query().is_some_and(|query| !query.is_empty()) {
        return Err(Problem::write_with_query());
    }
    if resource.has_version() { Ok(()) } else { request::without_version(&parts.headers) }
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

/// Whether a path is of a list itself, or of all of them.
fn in_lists(whole: &str, path: &str) -> bool {
    whole == "/lists" || whole.starts_with(LISTS) && ["/", "/rekey"].contains(&path)
}

fn is_api(path: &str) -> bool {
    path == "/todos" || path.starts_with("/todos/")
}

fn options(methods: &'static str) -> Answer {
    let mut options = answer(StatusCode::NO_CONTENT, Bytes::new());
    options.headers_mut().insert(header::ALLOW, HeaderValue::from_static(methods));
    options
}

fn method_not_allowed(resource: Resource, is_api: bool) -> Answer {
    let problem = Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method",
        format!("This address takes {}.", resource.methods()),
    );
    let mut refused = if is_api { problem_json(&problem) } else { problem_page(&problem, None) };
    refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static(resource.methods()));
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_below_a_key_is_one_of_its_list() {
        let key = "0123456789abcdef0123456789abcdef";
        for (below, path) in [("", "/"), ("/", "/"), ("/todos/7", "/todos/7"), ("/?", "/?")] {
            let whole = format!("/lists/{key}{below}");
            let (found, rest) = split(&whole);
            assert_eq!((found.unwrap().unwrap().as_str(), rest), (key, path));
        }
        assert!(matches!(split("/lists"), (Ok(None), "/lists")));
        let problem = |path| split(path).0.err().unwrap().detail;
        assert!(problem("/lists/").contains("/lists makes one"));
        assert!(problem("/lists/x").contains("deleted"));
        assert!(matches!(split("/lists/x/todos"), (Err(_), "/todos")));
    }
}
