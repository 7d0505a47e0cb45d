//! The pages: the list, the edit page, and the forms on them. Every form works
//! without JavaScript: POST, 303, and a message on the page that follows.

mod below;
mod edit;
mod follow;
mod form;

pub use below::below;
pub use edit::{edit, edit_form};
pub use follow::{back, moved, redirect};
pub use form::{form, keeping};

use crate::answer::{Answer, REVALIDATE, answer, html};
use crate::assets::{self, Asset};
use crate::cookies;
use crate::error::Problem;
use crate::own_list::Key;
use crate::random::{self, key};
use crate::request;
use crate::selection::{Filter, Page, Place, Search};
use crate::site;
use crate::store::{Created, Move, Outcome, Step, Store};
use crate::todo::{Change, FieldError, Given, Tick, Undo, Versions};
use crate::view::{self, Draft, ListView, Notice, Said};
use bytes::Bytes;
use follow::{flash, flash_cookie, offer};
use form::{flag, here, place, version};
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Todos on one page.
const LIMIT: usize = 50;

fn rows(place: &Place) -> usize {
    LIMIT * (place.more + 1)
}

/// `GET /`
pub async fn home(store: &Store, parts: &Parts) -> Result<Answer, Problem> {
    let place = here(parts)?;
    let page = store.page(&place.selection(), place.after.as_ref(), rows(&place)).await?;
    // The script of another tab asks meanwhile, with the same cookies: the message is for a page.
    let said = cookies::value(&parts.headers, flash_cookie(store.key()))
        .filter(|_| is_page(&parts.headers));
    // A new todo that is on the page speaks for itself.
    let shown = matches!(place.filter, Filter::All | Filter::Active | Filter::Unfolded)
        && place.search.is_empty();
    let in_sight = shown && page.next.is_none();
    let unsaid = |said: &Said| said.notice != Notice::Added || !in_sight;
    let notice = said.and_then(flash).filter(unsaid);
    let etag = etag(&page, &place, &site::path(parts).await);
    let unchanged = said.is_none() && request::if_none_match(&parts.headers, &etag);
    let mut home = if unchanged {
        let mut same = answer(StatusCode::NOT_MODIFIED, Bytes::new());
        same.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(REVALIDATE));
        same
    } else {
        let key = key();
        let settling = said.is_some();
        let view = ListView { notice, settling, ..ListView::of(&page, &place, &key) };
        let reads = store.key().is_some_and(Key::reads);
        html(StatusCode::OK, if reads { view::read_only(&view) } else { view::list(&view) })
    };
    let headers = home.headers_mut();
    if said.is_some() {
        // Kept in a cache, the message would come back with the next 304.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let over = format!("{}=; Path=/; Max-Age=0", flash_cookie(store.key()));
        if let Ok(over) = HeaderValue::from_str(&over) {
            headers.insert(header::SET_COOKIE, over);
        }
    } else if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    Ok(home)
}

/// `POST /new_item`
pub async fn create(store: &Store, parts: &Parts, body: &Bytes) -> Result<Answer, Problem> {
    let form = form(parts, body)?;
    // What is new need not be what was searched for.
    let place = Place { search: Search::default(), ..place(&form).first() };
    let typed = form.need("title")?;
    let key = form.get("key").map(request::check_key).transpose()?;
    keeping(parts, &form, async {
        let new = match Given::from_form(|name| form.get(name)).check() {
            Ok(new) => new,
            Err(error) => return rejected(store, place, typed, error).await,
        };
        match store.create(&new, key).await? {
            Created::New(_) | Created::Replayed(_) => Ok(back(store, &place, Some(Notice::Added))),
            // The back button brought an old form with new text in it.
            Created::KeyReused => {
                let key = key.map(|key| rekeyed(key, typed));
                store.create(&new, key.as_deref()).await?;
                Ok(back(store, &place, Some(Notice::Added)))
            }
        }
    })
    .await
}

/// `POST /items/{id}/toggle`
pub async fn toggle(
    store: &Store,
    id: i64,
    parts: &Parts,
    body: &Bytes,
) -> Result<Answer, Problem> {
    let form = form(parts, body)?;
    version(&form)?;
    if let Some(step) = form.get("step") {
        let tick = Tick::parse(step).ok_or_else(|| {
            let detail = "The field “step” is a number, true or false, and a title: 0.true.flour.";
            Problem::bad_request("field", detail)
        })?;
        let outcome = store.tick(id, &tick, &Versions::Any).await?;
        return Ok(back(store, &place(&form), unless_done(&outcome)));
    }
    let change = Change { completed: Some(flag(&form)?), ..Change::default() };
    // The form names the state that is wanted: a change of the title meanwhile is none of its business.
    let outcome = store.update(id, &change, &Versions::Any).await?;
    Ok(back(store, &place(&form), unless_done(&outcome)))
}

/// `POST /items/{id}/destroy`
pub async fn destroy(
    store: &Store,
    id: i64,
    parts: &Parts,
    body: &Bytes,
) -> Result<Answer, Problem> {
    let form = form(parts, body)?;
    delete(store, id, &version(&form)?, &place(&form)).await
}

async fn delete(
    store: &Store,
    id: i64,
    expected: &Versions,
    place: &Place,
) -> Result<Answer, Problem> {
    let deletion = random::deletion();
    let outcome = store.delete(id, expected, &deletion).await?;
    let deletion = match outcome {
        Outcome::Done(_) => Some(deletion),
        // The second half of a double click finds what the first has done.
        Outcome::Missing => store.deletion(id).await?,
        Outcome::Stale(_) => None,
    };
    Ok(match deletion {
        Some(deletion) => offer(store, place, Notice::Deleted, &Undo::Deletion(deletion)),
        None => back(store, place, unless_done(&outcome)),
    })
}

/// `POST /items/{id}/move`
pub async fn shift(store: &Store, id: i64, parts: &Parts, body: &Bytes) -> Result<Answer, Problem> {
    let form = form(parts, body)?;
    let place = place(&form);
    let step = match form.need("to")? {
        "up" => Step::Up,
        "down" => Step::Down,
        "top" => Step::Top,
        "bottom" => Step::Bottom,
        _ => {
            let detail = "The field “to” is up, down, top or bottom.";
            return Err(Problem::bad_request("field", detail));
        }
    };
    let to = Move::Within(step, &place.selection());
    Ok(match store.shift(id, to, &Versions::Any).await? {
        Outcome::Done(_) => back(store, &place, Some(Notice::Moved)),
        // It is the first already, or the last.
        Outcome::Stale(_) => back(store, &place, None),
        Outcome::Missing => back(store, &place, Some(Notice::Missing)),
    })
}

/// `POST /toggle-all`
pub async fn toggle_all(store: &Store, parts: &Parts, body: &Bytes) -> Result<Answer, Problem> {
    let form = form(parts, body)?;
    let completed = flag(&form)?;
    let notice = if completed { Notice::Completed } else { Notice::Reopened };
    Ok(match store.complete_all(completed).await? {
        Some(marking) => offer(store, &place(&form), notice, &Undo::Marking(marking)),
        None => back(store, &place(&form), None),
    })
}

/// `POST /clear-completed`
pub async fn clear_completed(
    store: &Store,
    parts: &Parts,
    body: &Bytes,
) -> Result<Answer, Problem> {
    let form = form(parts, body)?;
    let deletion = random::deletion();
    let cleared = store.delete_completed(&deletion).await?;
    let place = place(&form).first();
    Ok(if cleared > 0 {
        offer(store, &place, Notice::Cleared, &Undo::Deletion(deletion))
    } else {
        back(store, &place, None)
    })
}

/// `POST /undo`
pub async fn undo(store: &Store, parts: &Parts, body: &Bytes) -> Result<Answer, Problem> {
    let form = form(parts, body)?;
    let undo = Undo::parse(form.need("undo")?).ok_or_else(|| {
        Problem::bad_request("field", "The field “undo” is what the page was given.")
    })?;
    let deletion = random::deletion();
    let place = place(&form);
    Ok(match (store.undo(&undo, &deletion).await?, undo) {
        (0, _) => back(store, &place, Some(Notice::Late)),
        (_, Undo::Import(_)) => offer(store, &place, Notice::Deleted, &Undo::Deletion(deletion)),
        _ => back(store, &place, Some(Notice::Undone)),
    })
}

/// `GET /assets/…`
pub fn asset(asset: &Asset) -> Answer {
    let mut file = answer(StatusCode::OK, Bytes::from_static(asset.body));
    let caching = if asset.current { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = file.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    file
}

fn unless_done(outcome: &Outcome) -> Option<Notice> {
    match outcome {
        Outcome::Done(_) => None,
        Outcome::Stale(_) => Some(Notice::Conflict),
        Outcome::Missing => Some(Notice::Missing),
    }
}

/// The list again, with the refused title in its input.
async fn rejected(
    store: &Store,
    place: Place,
    typed: &str,
    error: FieldError,
) -> Result<Answer, Problem> {
    let page = store.page(&place.selection(), place.after.as_ref(), rows(&place)).await?;
    let draft = Some(Draft { title: typed, error: &error.to_string() });
    let key = key();
    let view = ListView { draft, ..ListView::of(&page, &place, &key) };
    Ok(html(Problem::from(error).status, view::list(&view)))
}

/// Whether a browser asks for a page to show, as it says in `Accept`, and not for one that somebody may
/// come to want.
fn is_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
        && !headers.contains_key("sec-purpose")
}

/// A tag over what the page shows, where its links lead, and the code that shows it.
fn etag(page: &Page, place: &Place, path: &str) -> String {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    (assets::VIEW, assets::css_path(), assets::js_path()).hash(&mut hasher);
    place.address().hash(&mut hasher);
    page.hash(&mut hasher);
    format!("W/\"{:016x}\"", hasher.finish())
}

/// The key of a form that was used for another text before: sent twice, it adds one todo as well.
fn rekeyed(key: &str, typed: &str) -> String {
    let mut hasher = DefaultHasher::new();
    (key, typed).hash(&mut hasher);
    // Keys are visible ASCII of 255 bytes at most.
    format!("{}~{:016x}", &key[..key.len().min(200)], hasher.finish())
}
