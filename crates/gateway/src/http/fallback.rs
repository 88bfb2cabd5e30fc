//! What is said of a path that leads nowhere, and of a method that a path does not take.

use axum::http::{Method, StatusCode, Uri};
use planner::fault::echo;

use crate::problem::Problem;

/// Any other path.
pub(crate) async fn route(uri: Uri) -> Problem {
    at(uri.path())
}

/// What is said of a path that leads nowhere.
pub(crate) fn at(path: &str) -> Problem {
    let message = format!(
        "There is nothing at {}. The API is below /openai/v1 and /v1; /openapi.json lists it.",
        echo(path)
    );
    Problem::invalid(StatusCode::NOT_FOUND, message)
}

/// A known path with another method.
pub(crate) async fn method(method: Method, uri: Uri) -> Problem {
    let message = format!(
        "{} does not take {method}. /openapi.json lists what it takes.",
        echo(uri.path())
    );
    Problem::invalid(StatusCode::METHOD_NOT_ALLOWED, message)
}
