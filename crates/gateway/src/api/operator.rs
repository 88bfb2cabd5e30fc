//! What the endpoints for operators have in common: reading a body, and the faces of refusals.

use axum::extract::Request;
use axum::http::StatusCode;

use super::body::{Kind, Pieces, Received, Room, kind, read_json};
use crate::db::DatabaseError;
use crate::http::state::AppState;
use crate::operator::Refusal;
use crate::problem::Problem;
use crate::problem::codes::{self, Code};

/// The fields of a JSON body.
///
/// # Errors
/// What every body's reading can end with.
pub(super) async fn body(state: &AppState, request: Request) -> Result<Received, Problem> {
    if kind(request.headers())? != Kind::Json {
        return Err(Problem::invalid(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "This endpoint takes a JSON body.",
        ));
    }
    let scope = state.spool.scope();
    let limits = &state.generator.limits;
    let (parts, body) = request.into_parts();
    let room = Room { scope: &scope, limits };
    read_json(Pieces::json(body, &parts.headers, limits)?, &room).await
}

/// 409: trying again would meet the same state.
fn conflict(code: Code, message: String) -> Problem {
    Problem {
        code: code.name,
        should_retry: Some(false),
        ..Problem::invalid(StatusCode::CONFLICT, message)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Faults(faults) => Self::faults(&faults),
            Refusal::NotFound(message) => Self::invalid(StatusCode::NOT_FOUND, message),
            Refusal::Conflict(message) => conflict(codes::INVALID_REQUEST, message),
            Refusal::Taken(message) => conflict(codes::IDEMPOTENCY_CONFLICT, message),
            Refusal::TooOften { message, wait } => Self::rate_limited(&message, wait),
            Refusal::Failed(why) => {
                tracing::error!(error = %why, "what was asked for could not be done");
                Self::internal()
            }
            Refusal::Database(error) => internal(&error),
        }
    }
}

/// The face of a failure of the database, which goes to the log.
pub(super) fn internal(error: &DatabaseError) -> Problem {
    tracing::error!(error = %error, "the database failed an endpoint for operators");
    Problem::internal()
}
