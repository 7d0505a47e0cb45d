//! What a form or an address of a page says.

use crate::answer::{Answer, problem_page};
use crate::error::Problem;
use crate::request::{self, Pairs};
use crate::selection::Place;
use crate::todo::Versions;
use crate::view::Unsaved;
use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;

const FORM: &str = "application/x-www-form-urlencoded";

/// The fields of a form that was sent.
pub fn form(parts: &Parts, body: &Bytes) -> Result<Pairs, Problem> {
    request::content_type(&parts.headers, &[FORM])?;
    Pairs::parse(body)
}

/// Where on the list a page's address leads.
pub fn here(parts: &Parts) -> Result<Place, Problem> {
    Ok(place(&Pairs::parse(parts.uri.query().unwrap_or_default().as_bytes())?))
}

/// Where on the list a form leads back to.
pub fn place(pairs: &Pairs) -> Place {
    Place::parse(|name| pairs.get(name))
}

pub fn flag(form: &Pairs) -> Result<bool, Problem> {
    form.need("completed")?
        .parse()
        .map_err(|_| Problem::bad_request("field", "The field “completed” is true or false."))
}

pub fn version(form: &Pairs) -> Result<Versions, Problem> {
    let version = form.need("version")?.parse();
    version
        .map(|version| Versions::OneOf(vec![version]))
        .map_err(|_| Problem::bad_request("field", "The field “version” is a number."))
}

/// Shows a failure together with what was typed, so that nobody types twice.
pub async fn keeping(
    parts: &Parts,
    form: &Pairs,
    work: impl Future<Output = Result<Answer, Problem>>,
) -> Result<Answer, Problem> {
    Ok(work.await.unwrap_or_else(|problem| {
        let again = problem.status == StatusCode::SERVICE_UNAVAILABLE;
        let unsaved = Unsaved { action: parts.uri.path(), fields: form.iter().collect(), again };
        problem_page(&problem, Some(&unsaved))
    }))
}
