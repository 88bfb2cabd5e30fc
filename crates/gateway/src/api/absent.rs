//! Routes that are not here, and what to use instead.

use axum::http::{Method, StatusCode, Uri};
use planner::fault::echo;

use crate::problem::Problem;

fn instead(what: &str, advice: &str) -> Problem {
    Problem::invalid(StatusCode::NOT_FOUND, format!("{what} is not part of Pictor. {advice}"))
}

/// `/images/variations`.
pub(super) async fn variations() -> Problem {
    instead(
        "/images/variations",
        "Use /openai/v1/images/edits with the image and a prompt such as 'a variation of this image'.",
    )
}

/// `/responses`.
pub(super) async fn responses() -> Problem {
    instead(
        "/responses",
        "Use /openai/v1/images/generations or /openai/v1/images/edits.",
    )
}

/// `/chat/completions`.
pub(super) async fn chat_completions() -> Problem {
    instead(
        "/chat/completions",
        "Pictor makes images: use /openai/v1/images/generations or /openai/v1/images/edits.",
    )
}

/// `/videos`.
pub(super) async fn videos() -> Problem {
    instead(
        "/videos",
        "Pictor makes images: use /openai/v1/images/generations or /openai/v1/images/edits.",
    )
}

/// Any other path.
pub(super) async fn route(uri: Uri) -> Problem {
    let message = format!(
        "There is nothing at {}. The API is below /openai/v1 and /v1; /openapi.json lists it.",
        echo(uri.path())
    );
    Problem::invalid(StatusCode::NOT_FOUND, message)
}

/// A known path with another method.
pub(super) async fn method(method: Method, uri: Uri) -> Problem {
    let message = format!(
        "{} does not take {method}. /openapi.json lists what it takes.",
        echo(uri.path())
    );
    Problem::invalid(StatusCode::METHOD_NOT_ALLOWED, message)
}
