//! `/app`: the operator's desk, for who signed in with a key.

pub(super) mod sign_in;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};

use super::elsewhere::see;
use crate::auth::Session;
use crate::http::face;
use crate::http::session;
use crate::http::state::AppState;
use crate::http::visit;
use crate::problem::Problem;

/// Whoever signed in, or the way to where one does.
async fn signed_in(state: &AppState, headers: &HeaderMap, path: &str) -> Result<Session, Response> {
    let current = session::current(state, headers).await;
    let session = current.map_err(Problem::into_response)?;
    session
        .filter(|session| !session.identity.is_visitor)
        .ok_or_else(|| see(&site::pages::sign_in::path(path)))
}

/// The desk's first page.
pub(super) async fn home(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let session = match signed_in(&state, &headers, "/app").await {
        Ok(session) => session,
        Err(other) => return other,
    };
    let page = site::pages::sign_in::signed_in(
        &session.identity.key_name,
        &session.identity.account_id,
        &session.form_token,
    );
    face::own_page(&page, &visit::of(&state, &headers))
}
