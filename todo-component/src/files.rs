//! Whole lists as files over HTTP: `/todos/export`, `/todos/import`, and the page `/import`.

use crate::answer::{Answer, REVALIDATE, answer, answer_json, html};
use crate::error::Problem;
use crate::page::{form, keeping};
use crate::query::selection;
use crate::random::key;
use crate::request::{self, Pairs};
use crate::store::Store;
use crate::transfer::{Format, Intake, Refused};
use crate::view;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

/// Todos that are read at a time, to write a file of any length.
const CHUNK: usize = 500;
/// Bytes of the longest file: it is made in memory.
const MAX_EXPORT: usize = 32 << 20;

/// `GET /todos/export?format=…`, of the todos that the query asks for
pub async fn export(store: &Store, parts: &Parts) -> Result<Answer, Problem> {
    let query = Pairs::parse(parts.uri.query().unwrap_or_default().as_bytes())?;
    let format = query
        .get("format")
        .map_or(Some(Format::Json), Format::parse)
        .ok_or_else(|| Problem::bad_request("query", "`format` is `json`, `csv` or `txt`."))?;
    let selection = selection(&query)?;
    let mut file = format.begin();
    let mut after = None;
    loop {
        let (todos, next) = store.list(&selection, after.as_ref(), CHUNK).await?;
        format.write(&mut file, &todos);
        if file.len() > MAX_EXPORT {
            return Err(Problem::invalid(
                "file",
                "The list is too long for one file. Follow the pages of /todos.",
            ));
        }
        after = next;
        if after.is_none() {
            break;
        }
    }
    file.push_str(format.end());
    let mut answer = answer(StatusCode::OK, file.into());
    let name = format!("attachment; filename=\"todos.{}\"", format.as_str());
    let kind = format!("{}; charset=utf-8", format.media_type());
    let headers = answer.headers_mut();
    for (header, value) in [(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, name)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(header, value);
        }
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(REVALIDATE));
    Ok(answer)
}

/// `POST /todos/import`, with a file as it is.
pub async fn import(store: &Store, parts: &Parts, body: &Bytes) -> Result<Answer, Problem> {
    let key = request::idempotency_key(&parts.headers)?;
    let kind = request::content_type(&parts.headers, &Format::EACH.map(Format::media_type))?;
    let text = std::str::from_utf8(body).map_err(|_| {
        Problem::bad_request(
            "not-utf-8",
            "The file is not valid UTF-8. Save it as UTF-8, then send it again.",
        )
    })?;
    let named = Format::EACH.into_iter().find(|format| Some(format.media_type()) == kind);
    let intake = Intake::of(text, named.unwrap_or_else(|| Format::of(text)))?;
    let imported = store.import(&intake.todos, key.unwrap_or(&self::key())).await?;
    let Intake { refused, refused_count, .. } = &intake;
    let report = Report { added: imported.count, refused: *refused_count, reasons: refused };
    answer_json(StatusCode::OK, &report)
}

/// What became of a file.
#[derive(Serialize)]
struct Report<'a> {
    added: u64,
    refused: usize,
    reasons: &'a [Refused],
}

/// `GET /import`
pub async fn import_page(store: &Store) -> Result<Answer, Problem> {
    if store.key().is_some() {
        store.links().await?; // of a list that is there
    }
    Ok(html(StatusCode::OK, view::import(&key(), None)))
}

/// `POST /import`
pub async fn import_form(store: &Store, parts: &Parts, body: &Bytes) -> Result<Answer, Problem> {
    let form = form(parts, body)?;
    let text = form.need("text")?;
    let key = request::check_key(form.need("key")?)?;
    keeping(parts, &form, async {
        let intake = Intake::of(text, Format::of(text))?;
        let imported = store.import(&intake.todos, key).await?;
        Ok(html(StatusCode::OK, view::import(&self::key(), Some((imported, &intake)))))
    })
    .await
}
