//! Where to look instead.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

/// To the path that is right for good.
pub(super) fn moved(path: &str) -> Response {
    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, path)]).into_response()
}

/// To another path, for now.
pub(super) fn see(path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, path)]).into_response()
}
