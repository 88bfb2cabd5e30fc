//! Routes that are not here, and what to use instead.

use axum::http::StatusCode;

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
