//! `POST /session`: the session of a visitor, for scripts of pages. It begins where there is none.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use planner::money::Micros;
use serde_json::{Value, json};

use crate::auth::Session;
use crate::db::sessions::SessionKind;
use crate::http::face;
use crate::http::respond;
use crate::http::session::{self, CallerAddress};
use crate::http::state::AppState;
use crate::problem::Problem;

/// Who one is here, and what is left to spend.
pub(super) async fn begin(State(state): State<AppState>, address: CallerAddress, headers: HeaderMap) -> Response {
    let (session, cookie) = match session::visit(&state, &headers, address).await {
        Ok(visit) => visit,
        Err(problem) => return problem.into_response(),
    };
    let left = match left(&state, &session).await {
        Ok(left) => left,
        Err(problem) => return problem.into_response(),
    };
    let kind = match session.kind {
        SessionKind::Visitor => "visitor",
        SessionKind::SignedIn => "signed_in",
    };
    let dollars = |left: Option<Micros>| left.map_or(Value::Null, |left| json!(left.as_json_dollars()));
    let name = (session.kind == SessionKind::SignedIn).then_some(&session.identity.key_name);
    let body = json!({ "object": "session", "kind": kind, "key_name": name, "form_token": session.form_token, "left": { "amount": dollars(left), "currency": "usd" } });
    let mut response = respond::json(StatusCode::OK, &body);
    face::keep_to_oneself(response.headers_mut());
    if let Some(cookie) = cookie {
        cookie.put(&mut response);
    }
    response
}

/// What who is here may spend now; `None` where nothing bounds it.
pub(super) async fn left(state: &AppState, session: &Session) -> Result<Option<Micros>, Problem> {
    let (database, now) = (&state.generator.database, state.generator.clock.now());
    let (key, is_visitor) = (&session.identity.key_id, session.identity.is_visitor);
    let left = async {
        if is_visitor {
            return Ok(database.visitor_budget(key, now).await?.least());
        }
        database.left_to_spend(key, now).await
    };
    match left.await {
        Ok(left) => Ok(left.map(Micros)),
        Err(error) => {
            tracing::error!(error = %error, "what is left of a budget could not be read");
            Err(Problem::of_database(&error))
        }
    }
}
