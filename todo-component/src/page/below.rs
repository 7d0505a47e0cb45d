//! Pages below a path that a proxy takes away.

use crate::answer::Answer;
use http::header::{self, HeaderValue};
use http_body_util::{BodyExt as _, Full};

/// The same page or redirect where a proxy has the application below a path, which it takes away
/// from requests: every address that is ours begins with it.
pub async fn below(path: &str, answer: Answer) -> Answer {
    if path.is_empty() {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    let location = parts.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
    if let Some(location) = location.filter(|location| location.starts_with('/'))
        && let Ok(location) = HeaderValue::from_str(&format!("{path}{location}"))
    {
        parts.headers.insert(header::LOCATION, location);
    }
    let kind = parts.headers.get(header::CONTENT_TYPE);
    let is_page = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let Ok(body) = body.collect().await;
    let body = body.to_bytes();
    let body = match std::str::from_utf8(&body) {
        Ok(html) if is_page => moved_below(path, html).into(),
        _ => body,
    };
    Answer::from_parts(parts, Full::new(body))
}

/// No text can look like these attributes: its quotes are escaped.
fn moved_below(path: &str, html: &str) -> String {
    ["href", "src", "action"].into_iter().fold(html.to_owned(), |html, name| {
        html.replace(&format!(" {name}=\"/"), &format!(" {name}=\"{path}/"))
    })
}

#[cfg(test)]
mod tests {
    use super::moved_below;
    use maud::html;

    #[test]
    fn addresses_move_and_texts_do_not() {
        let page = html! {
            a href="/" title=" href=\"/\"" { " href=\"/x\"" }
            form action="/items/7/edit" {}
            use href="#i-check" {}
            a href="https://a.example/" {}
        };
        assert_eq!(
            moved_below("/todo", &page.into_string()),
            html! {
                a href="/todo/" title=" href=\"/\"" { " href=\"/x\"" }
                form action="/todo/items/7/edit" {}
                use href="#i-check" {}
                a href="https://a.example/" {}
            }
            .into_string()
        );
    }
}
