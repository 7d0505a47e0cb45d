//! Lists of one's own over HTTP: `/lists`, and for each `/lists/{key}` with its settings.

use crate::answer::{Answer, JSON, PATCHES, answer, answer_json, html};
use crate::error::Problem;
use crate::json;
use crate::own_list::{Colour, GivenLook, Key, Look, LookError};
use crate::page::{self, back, form, keeping, redirect};
use crate::request::{self, Pairs};
use crate::selection::Place;
use crate::site;
use crate::store::{self, Links, Store};
use crate::text::truth;
use crate::variable;
use crate::view::{self, Notice};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, LOCATION, VARY};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use serde::Serialize;
use spin_sdk::variables::Error;
use std::rc::Rc;
use std::sync::Once;

/// A list as the API shows it.
#[derive(Serialize)]
struct Item<'a> {
    #[serde(flatten)]
    look: &'a Look,
    url: String,
    todos_url: String,
    /// The address that only shows it; only who may write is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_url: Option<String>,
}

/// Whether the list that all share is there.
pub async fn shares() -> bool {
    is_open(variable::get("shared_list").await)
}

/// It stays closed where nobody can tell.
fn is_open(variable: Result<Rc<str>, Error>) -> bool {
    static TOLD: Once = Once::new();
    let open = match variable {
        Ok(text) if !text.trim().is_empty() => truth(&text),
        // An older manifest knows nothing of it.
        Ok(_) | Err(Error::Undefined(_)) => return true,
        Err(_) => None,
    };
    if open.is_none() {
        TOLD.call_once(|| {
            eprintln!("error: the variable shared_list is neither true nor false, so nobody gets the list that all share");
        });
    }
    open.unwrap_or(false)
}

/// Whether a request for a list itself wants JSON.
pub fn is_api(parts: &Parts) -> bool {
    [Method::PATCH, Method::DELETE, Method::OPTIONS].contains(&parts.method)
        || says(&parts.headers, &CONTENT_TYPE, JSON)
        || says(&parts.headers, &ACCEPT, JSON) && !says(&parts.headers, &ACCEPT, "text/html")
}

fn says(headers: &HeaderMap, name: &http::HeaderName, what: &str) -> bool {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.to_ascii_lowercase().contains(what))
}

/// `GET /lists`
pub async fn all() -> Answer {
    html(StatusCode::OK, view::lists(shares().await, None))
}

/// `POST /lists`
pub async fn create(store: &Store, parts: &Parts, body: &Bytes) -> Result<Answer, Problem> {
    if !is_api(parts) {
        let form = form(parts, body)?;
        return keeping(parts, &form, create_by_form(store, &form)).await;
    }
    if request::idempotency_key(&parts.headers)?.is_some() {
        return Err(Problem::bad_request(
            "idempotency-key",
            "The answer to this has the list's key, which is kept nowhere and so can’t be given twice. \
             Leave the Idempotency-Key out.",
        ));
    }
    let (name, colour) = given(parts, body)?.check()?;
    let name = name.ok_or_else(|| json::wrong_shape("missing field `name`"))?;
    let look = Look { name, colour: colour.unwrap_or_default() };
    let key = Key::random();
    let links = store.create_list(&key, &look).await?;
    let mut created = item(StatusCode::CREATED, parts, &key, &links).await?;
    let location = format!("{}{}", site::root(parts).await.path(), key.address());
    if let Ok(location) = HeaderValue::from_str(&location) {
        created.headers_mut().insert(LOCATION, location);
    }
    Ok(created)
}

async fn create_by_form(store: &Store, form: &Pairs) -> Result<Answer, Problem> {
    let given = GivenLook::from_form(|name| form.get(name)).check();
    let given = given.and_then(|(name, colour)| Ok((name.ok_or(LookError::NoName)?, colour)));
    match given {
        Ok((name, colour)) => {
            let key = Key::random();
            let look = Look { name, colour: colour.unwrap_or_default() };
            store.create_list(&key, &look).await?;
            Ok(redirect(StatusCode::SEE_OTHER, &key.address()))
        }
        Err(error) => {
            let page = view::lists(shares().await, Some((&typed(form), &error.to_string())));
            Ok(html(Problem::from(error).status, page))
        }
    }
}

/// `GET /lists/{key}`
pub async fn get(store: &Store, parts: &Parts) -> Result<Answer, Problem> {
    let mut answer = if is_api(parts) {
        let links = store.links().await?;
        item(StatusCode::OK, parts, key(store)?, &links).await?
    } else {
        page::home(store, parts).await?
    };
    answer.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
    Ok(answer)
}

/// `PATCH /lists/{key}`
pub async fn patch(store: &Store, parts: &Parts, body: &Bytes) -> Result<Answer, Problem> {
    let (name, colour) = given(parts, body)?.check()?;
    let links = store.change_list(name, colour).await?;
    item(StatusCode::OK, parts, key(store)?, &links).await
}

/// `DELETE /lists/{key}`
pub async fn delete(store: &Store) -> Result<Answer, Problem> {
    store.delete_list().await?;
    Ok(answer(StatusCode::NO_CONTENT, Bytes::new()))
}

/// `GET /lists/{key}/settings`
pub async fn settings(store: &Store, parts: &Parts) -> Result<Answer, Problem> {
    let links = store.links().await?;
    settings_page(store, parts, &links, None).await
}

/// `POST /lists/{key}/settings`
pub async fn change(store: &Store, parts: &Parts, body: &Bytes) -> Result<Answer, Problem> {
    let form = form(parts, body)?;
    keeping(parts, &form, async {
        match GivenLook::from_form(|name| form.get(name)).check() {
            Ok((name, colour)) => {
                store.change_list(name, colour).await?;
                Ok(back(store, &Place::default(), Some(Notice::Saved)))
            }
            Err(error) => {
                let mut links = store.links().await?;
                links.look = typed(&form);
                settings_page(store, parts, &links, Some(&error)).await
            }
        }
    })
    .await
}

/// `POST /lists/{key}/rekey`. The form brings the key that comes: sent twice, it leads there twice, and
/// no answer that is lost takes the list with it.
pub async fn rekey(store: &Store, parts: &Parts, body: &Bytes) -> Result<Answer, Problem> {
    let form = if is_api(parts) { None } else { Some(Pairs::parse(body)?) };
    let given = form.as_ref().and_then(|form| form.get("key")).and_then(Key::parse);
    let key = given.filter(|key| !key.reads()).unwrap_or_else(Key::random);
    let links = match store.rekey(&key).await {
        Err(store::Error::NoSuchList) => {
            Store::of(&parts.headers, Some(key.clone())).links().await?
        }
        links => links?,
    };
    if is_api(parts) {
        return item(StatusCode::OK, parts, &key, &links).await;
    }
    Ok(redirect(StatusCode::SEE_OTHER, &format!("{}/settings", key.address())))
}

/// `POST /lists/{key}/destroy`
pub async fn destroy(store: &Store, parts: &Parts, body: &Bytes) -> Result<Answer, Problem> {
    if form(parts, body)?.get("sure") != Some("yes") {
        store.links().await?;
        let detail = "Tick the box if the list shall be deleted with all that is in it.";
        return Err(Problem::bad_request("field", detail));
    }
    store.delete_list().await?;
    Ok(redirect(StatusCode::SEE_OTHER, "/lists"))
}

/// What a client gave of a look.
fn given(parts: &Parts, body: &Bytes) -> Result<GivenLook, Problem> {
    request::content_type(&parts.headers, &PATCHES)?;
    json::read(body)
}

/// What stays in the fields of a form that is refused.
fn typed(form: &Pairs) -> Look {
    let colour = form.get("colour").and_then(Colour::parse).unwrap_or_default();
    Look { name: form.get("name").unwrap_or_default().to_owned(), colour }
}

fn key(store: &Store) -> Result<&Key, Problem> {
    store.key().ok_or_else(Problem::no_such_list)
}

async fn settings_page(
    store: &Store,
    parts: &Parts,
    links: &Links,
    error: Option<&LookError>,
) -> Result<Answer, Problem> {
    let root = site::root(parts).await.url;
    let url = format!("{root}{}", key(store)?.address());
    let read_url = read_url(&root, links);
    let status = error.map_or(StatusCode::OK, |error| Problem::from(error.clone()).status);
    let error = error.map(ToString::to_string);
    let next_key = Key::random();
    let view = view::SettingsView {
        look: &links.look,
        url: &url,
        read_url: read_url.as_deref().unwrap_or_default(),
        next_key: next_key.as_str(),
        error: error.as_deref(),
    };
    Ok(html(status, view::settings(&view)))
}

fn read_url(root: &str, links: &Links) -> Option<String> {
    let key = links.read_key.as_deref().and_then(Key::parse)?;
    Some(format!("{root}{}", key.address()))
}

async fn item(
    status: StatusCode,
    parts: &Parts,
    key: &Key,
    links: &Links,
) -> Result<Answer, Problem> {
    let root = site::root(parts).await.url;
    let url = format!("{root}{}", key.address());
    let todos_url = format!("{url}/todos");
    let read_url = read_url(&root, links);
    answer_json(status, &Item { look: &links.look, url, todos_url, read_url })
}
