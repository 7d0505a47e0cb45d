//! The Todo-Backend API: JSON at `/todos` and `/todos/{id}`.

use crate::answer::{Answer, JSON, PATCHES, answer, answer_json};
use crate::error::Problem;
use crate::json;
use crate::query::Query;
use crate::random;
use crate::request;
use crate::site::{self, Base};
use crate::store::{Created, Move, Outcome, Store};
use crate::todo::{Given, Todo, Versions};
use crate::whole::{Whole, present};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, LINK, LOCATION};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};

/// A todo as the API shows it.
#[derive(Serialize)]
struct Item<'a> {
    #[serde(flatten)]
    todo: &'a Todo,
    url: String,
}

impl<'a> Item<'a> {
    fn new(todo: &'a Todo, base: &str) -> Self {
        Self { todo, url: format!("{base}/todos/{}", todo.id) }
    }
}

/// `GET /todos`
pub async fn list(store: &Store, parts: &Parts) -> Result<Answer, Problem> {
    let query = Query::parse(parts.uri.query().unwrap_or_default())?;
    let (todos, next) = store.list(&query.selection, query.after.as_ref(), query.limit).await?;
    let base = site::base(parts).await;
    let items: Vec<_> = todos.iter().map(|todo| Item::new(todo, &base.url)).collect();
    let mut list = answer_json(StatusCode::OK, &items)?;
    if let Some(next) = next {
        let link = format!("<{}/todos?{}>; rel=\"next\"", base.path(), query.following(&next));
        if let Ok(link) = HeaderValue::from_str(&link) {
            list.headers_mut().insert(LINK, link);
        }
    }
    Ok(list)
}

/// `POST /todos`
pub async fn create(store: &Store, parts: &Parts, body: &Bytes) -> Result<Answer, Problem> {
    let key = request::idempotency_key(&parts.headers)?;
    request::content_type(&parts.headers, &[JSON])?;
    let given: Given = json::read(body)?;
    if given.title.is_none() {
        return Err(json::wrong_shape("missing field `title`"));
    }
    let new = given.check()?;
    let (status, todo) = match store.create(&new, key).await? {
        Created::New(todo) => (StatusCode::CREATED, todo),
        Created::Replayed(todo) => (StatusCode::OK, todo),
        Created::KeyReused => {
            return Err(Problem::invalid(
                "idempotency-key-reused",
                "This Idempotency-Key was used for another todo. Take a new key for a new todo.",
            ));
        }
    };
    let base = site::base(parts).await;
    let mut created = item(status, &todo, &base)?;
    let location = format!("{}/todos/{}", base.path(), todo.id);
    if let Ok(location) = HeaderValue::from_str(&location) {
        created.headers_mut().insert(LOCATION, location);
    }
    Ok(created)
}

/// `DELETE /todos`
pub async fn delete_all(store: &Store) -> Result<Answer, Problem> {
    store.delete_all(&random::deletion()).await?;
    Ok(answer(StatusCode::NO_CONTENT, Bytes::new()))
}

/// `GET /todos/{id}`
pub async fn get(store: &Store, id: i64, parts: &Parts) -> Result<Answer, Problem> {
    let todo = store.get(id).await?.ok_or_else(Problem::no_such_todo)?;
    if !request::if_match(&parts.headers).has(todo.version) {
        return Err(Problem::stale());
    }
    let mut found = item(StatusCode::OK, &todo, &site::base(parts).await)?;
    if request::if_none_match(&parts.headers, &request::etag(todo.version)) {
        *found.status_mut() = StatusCode::NOT_MODIFIED;
        *found.body_mut() = Bytes::new().into();
        found.headers_mut().remove(CONTENT_TYPE);
    }
    Ok(found)
}

/// `PATCH /todos/{id}`
pub async fn patch(store: &Store, id: i64, parts: &Parts, body: &Bytes) -> Result<Answer, Problem> {
    request::content_type(&parts.headers, &PATCHES)?;
    let change = json::read::<Given>(body)?.check()?;
    let expected = expected(store, id, parts).await?;
    if change.is_empty() {
        let todo = store.get(id).await?.ok_or_else(Problem::no_such_todo)?;
        let met = expected.has(todo.version);
        let base = site::base(parts).await;
        return if met { item(StatusCode::OK, &todo, &base) } else { Err(Problem::stale()) };
    }
    changed(store.update(id, &change, &expected).await?, parts).await
}

/// `POST /todos/{id}/step`
pub async fn tick(store: &Store, id: i64, parts: &Parts, body: &Bytes) -> Result<Answer, Problem> {
    request::content_type(&parts.headers, &[JSON])?;
    let tick = json::read(body)?;
    let expected = expected(store, id, parts).await?;
    changed(store.tick(id, &tick, &expected).await?, parts).await
}

/// `DELETE /todos/{id}`
pub async fn delete(store: &Store, id: i64, parts: &Parts) -> Result<Answer, Problem> {
    let expected = expected(store, id, parts).await?;
    match store.delete(id, &expected, &random::deletion()).await? {
        Outcome::Done(_) => Ok(answer(StatusCode::NO_CONTENT, Bytes::new())),
        Outcome::Stale(_) => Err(Problem::stale()),
        Outcome::Missing => Err(Problem::no_such_todo()),
    }
}

/// `POST /todos/{id}/restore`
pub async fn restore(store: &Store, id: i64, parts: &Parts) -> Result<Answer, Problem> {
    let expected = request::if_match(&parts.headers);
    let unexpected = request::unexpected(&parts.headers);
    if expected != Versions::Any || unexpected.is_some() {
        let met = match store.get(id).await? {
            Some(Todo { version, .. }) => {
                expected.has(version) && !unexpected.is_some_and(|versions| versions.has(version))
            }
            // What is deleted has no version.
            None => expected == Versions::Any,
        };
        if !met {
            return Err(Problem::stale());
        }
    }
    let todo = store.restore(id).await?.ok_or_else(Problem::no_such_todo)?;
    item(StatusCode::OK, &todo, &site::base(parts).await)
}

/// The body of a move: the todo to stand beside.
#[derive(Deserialize)]
struct Beside {
    #[serde(default, deserialize_with = "present")]
    before: Option<Whole<i64>>,
    #[serde(default, deserialize_with = "present")]
    behind: Option<Whole<i64>>,
}

/// `POST /todos/{id}/move`
pub async fn shift(store: &Store, id: i64, parts: &Parts, body: &Bytes) -> Result<Answer, Problem> {
    request::content_type(&parts.headers, &[JSON])?;
    let to = match json::read(body)? {
        Beside { before: Some(Whole(other)), behind: None } if other != id => Move::Before(other),
        Beside { before: None, behind: Some(Whole(other)) } if other != id => Move::Behind(other),
        _ => {
            let detail = "A move names another todo, by `before` or by `behind`: {\"before\": 7}.";
            return Err(Problem::invalid("move", detail));
        }
    };
    let expected = expected(store, id, parts).await?;
    match store.shift(id, to, &expected).await? {
        Outcome::Done(todo) => item(StatusCode::OK, &todo, &site::base(parts).await),
        Outcome::Stale(todo) if !expected.has(todo.version) => Err(Problem::stale()),
        Outcome::Stale(_) => Err(Problem::invalid(
            "move",
            "The todo to stand beside is gone, or there is no more room beside it. Read the list again. If it is \
             there, move it to the end and back, then repeat the move.",
        )),
        Outcome::Missing => Err(Problem::no_such_todo()),
    }
}

/// The todo after a change that found what it was to find.
async fn changed(outcome: Outcome, parts: &Parts) -> Result<Answer, Problem> {
    match outcome {
        Outcome::Done(todo) => item(StatusCode::OK, &todo, &site::base(parts).await),
        Outcome::Stale(_) => Err(Problem::stale()),
        Outcome::Missing => Err(Problem::no_such_todo()),
    }
}

/// What a write has to find, by `If-Match` and `If-None-Match`.
async fn expected(store: &Store, id: i64, parts: &Parts) -> Result<Versions, Problem> {
    let expected = request::if_match(&parts.headers);
    let Some(unexpected) = request::unexpected(&parts.headers) else { return Ok(expected) };
    let version = store.get(id).await?.ok_or_else(Problem::no_such_todo)?.version;
    if unexpected.has(version) || !expected.has(version) {
        return Err(Problem::stale());
    }
    // Whatever comes between this look and the write makes another version.
    Ok(Versions::OneOf(vec![version]))
}

fn item(status: StatusCode, todo: &Todo, base: &Base) -> Result<Answer, Problem> {
    let mut item = answer_json(status, &Item::new(todo, &base.url))?;
    if let Ok(etag) = HeaderValue::from_str(&request::etag(todo.version)) {
        item.headers_mut().insert(ETAG, etag);
    }
    Ok(item)
}
