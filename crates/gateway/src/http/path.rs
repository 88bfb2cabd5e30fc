//! The variable part of a path.

use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;

use crate::problem::Problem;

/// The text of a path's variable part. axum's own extractor would refuse what is no UTF-8 in a shape of its own.
pub(crate) struct PathPart(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathPart {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(text)) => Ok(Self(text)),
            Err(_) => Err(Problem::invalid(
                StatusCode::NOT_FOUND,
                "There is nothing at this path: it is not UTF-8 text.",
            )),
        }
    }
}
