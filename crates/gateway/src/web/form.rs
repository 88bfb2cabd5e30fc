//! Forms of pages, small ones without files.

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use site::frame::Page;

use super::query::pairs;
use crate::http::session::{self, FORM_TOKEN};
use crate::http::state::AppState;
use crate::http::{face, visit};
use crate::problem::Problem;

/// Largest form that is read.
const FORM_BYTES_MAX: usize = 256 << 10;
const URL_ENCODED: &str = "application/x-www-form-urlencoded";

/// The pairs of a form that was sent, without the token of its session.
pub(super) struct Form {
    /// What was filled in.
    pub(super) pairs: Vec<(String, String)>,
    /// The token of the session whose page it stood on.
    pub(super) token: Option<String>,
}

/// Reads a form.
///
/// # Errors
/// 415 for another type, 413 when it is too large.
pub(super) async fn read(request: Request) -> Result<Form, Problem> {
    let (parts, body) = request.into_parts();
    let kind = parts
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with(URL_ENCODED)) {
        let message = format!("This address takes a form of the type {URL_ENCODED}.");
        return Err(Problem::invalid(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let bytes = to_bytes(body, FORM_BYTES_MAX).await.map_err(|_| {
        let message = format!("A form may have {FORM_BYTES_MAX} bytes.");
        Problem::invalid(StatusCode::PAYLOAD_TOO_LARGE, message)
    })?;
    let text = String::from_utf8_lossy(&bytes);
    let (tokens, pairs): (Vec<_>, Vec<_>) = pairs(Some(&text)).into_iter().partition(|(name, _)| name == FORM_TOKEN);
    Ok(Form {
        pairs,
        token: tokens.into_iter().next().map(|(_, token)| token),
    })
}

/// The fields of a form of this site, for what needs no session.
///
/// # Errors
/// 403 for a form of another site, and what [`read`] ends with.
pub(super) async fn posted(
    state: &AppState,
    headers: &HeaderMap,
    request: Request,
) -> Result<Vec<(String, String)>, Problem> {
    session::check_origin(state, headers)?;
    Ok(read(request).await?.pairs)
}

/// A page that says why a form was refused, where the page on which it stood is not shown again.
pub(super) fn refusal(state: &AppState, headers: &HeaderMap, path: &str, problem: &Problem) -> Response {
    let page = site::pages::problem::page(path, problem.status.as_u16(), problem.code, &problem.message, None);
    refused(problem, &page, &visit::of(state, headers))
}

/// A page that answers a form that was refused: with the refusal's status.
pub(super) fn refused(problem: &Problem, page: &Page, visit: &site::frame::Visit) -> Response {
    let mut response = face::own_page(page, visit);
    *response.status_mut() = problem.status;
    response
}
