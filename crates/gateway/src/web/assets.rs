//! `/assets/{file}`: style, scripts, fonts and the mark.

use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use site::assets;

use crate::http::face;
use crate::http::fallback;

/// Its path changes with its bytes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// One of them, compressed as the reader can read it.
pub(super) async fn handle(Path(file): Path<String>, headers: HeaderMap) -> Response {
    let path = format!("/assets/{file}");
    let Some(asset) = assets::at(&path) else {
        return fallback::at(&path).into_response();
    };
    let accepted = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let takes = |name: &str| {
        accepted
            .split(',')
            .any(|one| one.split(';').next().is_some_and(|one| one.trim() == name))
    };
    let packed = [("br", asset.brotli), ("gzip", asset.gzip)]
        .into_iter()
        .find_map(|(name, bytes)| bytes.filter(|_| takes(name)).map(|bytes| (name, bytes)));
    let mut response = Response::new(Body::from(Bytes::from_static(
        packed.map_or(asset.plain, |(_, bytes)| bytes),
    )));
    let own = response.headers_mut();
    face::guard(own);
    own.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    own.insert(header::CACHE_CONTROL, HeaderValue::from_static(FOR_EVER));
    own.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some((name, _)) = packed {
        own.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    response
}
