//! The way from a form to the page that follows, and what that says.

use crate::answer::{Answer, answer};
use crate::own_list::Key;
use crate::selection::Place;
use crate::store::Store;
use crate::todo::Undo;
use crate::view::{Notice, Said};
use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderValue};
use http::request::Parts;

/// The cookie that tells the page that follows what a form has done. A list's own has another name
/// than the shared one's, which its pages get as well.
pub const fn flash_cookie(key: Option<&Key>) -> &'static str {
    if key.is_some() { "flash-of-list" } else { "flash" }
}

/// What it says of an act that speaks for itself.
const DONE: &str = "done";

/// `GET /index` and `GET /new_item`, from bookmarks of the old application.
pub fn moved(parts: &Parts) -> Answer {
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    redirect(StatusCode::MOVED_PERMANENTLY, &format!("/{query}"))
}

pub fn back(store: &Store, place: &Place, notice: Option<Notice>) -> Answer {
    follow(store, place, notice.map_or(DONE, Notice::code))
}

/// The same, and it can be undone.
pub fn offer(store: &Store, place: &Place, notice: Notice, undo: &Undo) -> Answer {
    follow(store, place, &format!("{}.{undo}", notice.code()))
}

/// What the cookie says, which anybody could have written.
pub fn flash(text: &str) -> Option<Said> {
    let (code, undo) = text.split_once('.').unwrap_or((text, ""));
    Some(Said { notice: Notice::from_code(code)?, undo: Undo::parse(undo) })
}

fn follow(store: &Store, place: &Place, code: &str) -> Answer {
    let mut back = redirect(StatusCode::SEE_OTHER, &place.address());
    let flash = flash_cookie(store.key());
    let flash = format!("{flash}={code}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax");
    if let Ok(flash) = HeaderValue::from_str(&flash) {
        back.headers_mut().insert(header::SET_COOKIE, flash);
    }
    back
}

pub fn redirect(status: StatusCode, address: &str) -> Answer {
    let mut redirect = answer(status, Bytes::new());
    if let Ok(address) = HeaderValue::from_str(address) {
        redirect.headers_mut().insert(header::LOCATION, address);
    }
    redirect
}
