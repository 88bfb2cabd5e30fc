//! Pictures as answers.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;

/// An image as an answer.
pub(super) fn image(kind: &'static str, cache: &'static str, bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    let own = response.headers_mut();
    own.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    own.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}
