//! Pages below a path: of a proxy that takes it away from requests, or of a list.

use crate::answer::Answer;
use http::header::{self, HeaderValue};
use http_body_util::{BodyExt as _, Full};

/// The same page or redirect where every address that is ours begins with a path, but for those
/// that begin with one of `except`.
pub async fn below(path: &str, except: &[&str], answer: Answer) -> Answer {
    if path.is_empty() {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    let location = parts.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
    if let Some(location) = location.filter(|location| moves(location, except))
        && let Ok(location) = HeaderValue::from_str(&format!("{path}{location}"))
    {
        parts.headers.insert(header::LOCATION, location);
    }
    let cookies: Vec<_> = parts.headers.get_all(header::SET_COOKIE).iter().cloned().collect();
    if !cookies.is_empty() {
        parts.headers.remove(header::SET_COOKIE);
    }
    for cookie in cookies {
        let moved = cookie.to_str().ok().and_then(|text| cookie_below(path, text).parse().ok());
        parts.headers.append(header::SET_COOKIE, moved.unwrap_or(cookie));
    }
    let kind = parts.headers.get(header::CONTENT_TYPE);
    let is_page = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let Ok(body) = body.collect().await;
    let body = body.to_bytes();
    let body = match std::str::from_utf8(&body) {
        Ok(html) if is_page => moved_below(path, except, html).into(),
        _ => body,
    };
    Answer::from_parts(parts, Full::new(body))
}

/// A cookie goes with the pages below the path and with no others.
fn cookie_below(path: &str, cookie: &str) -> String {
    match cookie.split_once("; Path=/") {
        Some((before, rest)) if rest.starts_with(';') => format!("{before}; Path={path}{rest}"),
        Some((before, rest)) => format!("{before}; Path={path}/{rest}"),
        None => cookie.to_owned(),
    }
}

fn moves(address: &str, except: &[&str]) -> bool {
    address.starts_with('/') && !except.iter().any(|start| address.starts_with(start))
}

/// No text can look like these attributes: its quotes are escaped.
fn moved_below(path: &str, except: &[&str], html: &str) -> String {
    ["href", "src", "action"].into_iter().fold(html.to_owned(), |html, name| {
        let attribute = format!(" {name}=\"");
        let mut parts = html.split(&attribute);
        let mut moved = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            moved.push_str(&attribute);
            if moves(part, except) {
                moved.push_str(path);
            }
            moved.push_str(part);
        }
        moved
    })
}

#[cfg(test)]
mod tests {
    use super::{cookie_below, moved_below};
    use maud::html;

    #[test]
    fn a_cookie_moves_with_its_pages() {
        let of_list = cookie_below("/lists/k", "flash=done; Path=/; Max-Age=60");
        assert_eq!(of_list, "flash=done; Path=/lists/k; Max-Age=60");
        assert_eq!(cookie_below("/app", &of_list), "flash=done; Path=/app/lists/k; Max-Age=60");
        assert_eq!(cookie_below("/app", "a=1"), "a=1");
    }

    #[test]
    fn addresses_move_and_texts_do_not() {
        let page = html! {
            a href="/" title=" href=\"/\"" { " href=\"/x\"" }
            form action="/items/7/edit" {}
            use href="#i-check" {}
            a href="https://a.example/" {}
            img src="/assets/x";
        };
        assert_eq!(
            moved_below("/todo", &["/assets/"], &page.into_string()),
            html! {
                a href="/todo/" title=" href=\"/\"" { " href=\"/x\"" }
                form action="/todo/items/7/edit" {}
                use href="#i-check" {}
                a href="https://a.example/" {}
                img src="/assets/x";
            }
            .into_string()
        );
    }
}
