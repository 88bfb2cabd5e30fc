//! `/plates/{creator}/{model}.webp`: what the sandbox draws for a model that it plays.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use imaging::{Bitmap, ImageFormat};
use scenes::{Detail, SceneRequest, render};
use site::plates::{PLATE_PX, WIDE_PX, number, scene};

use crate::http::face;
use crate::http::fallback;
use crate::http::state::AppState;

/// Quality of the file, 1 to 100.
const QUALITY: u8 = 78;
/// A plate is always the same: it is asked for again after a day, for the sake of a new version of the program.
const CACHE: &str = "public, max-age=86400";

/// The plate, square or (`?wide`) three to two.
pub(super) async fn handle(
    State(state): State<AppState>,
    Path((creator, file)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let cards = state.shelf.cards(&state.generator);
    let name = file.strip_suffix(".webp").unwrap_or_default();
    let card = cards.iter().find(|card| card.creator == creator && card.id == name);
    let Some(card) = card.filter(|card| card.is_drawn_here) else {
        return fallback::at(&format!("/plates/{creator}/{file}")).into_response();
    };
    let (width_px, height_px) = if query.as_deref() == Some("wide") {
        WIDE_PX
    } else {
        (PLATE_PX, PLATE_PX)
    };
    let id = card.id.clone();
    let plate = state
        .shelf
        .plate(format!("{id} {width_px}"), move || draw(&id, width_px, height_px))
        .await;
    let Some(plate) = plate else {
        return crate::problem::Problem::internal().into_response();
    };
    let etag = face::etag(&plate);
    let is_known = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(Body::from(plate))
    };
    let own = response.headers_mut();
    own.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/webp"));
    own.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHE));
    if let Ok(value) = HeaderValue::from_str(&etag) {
        own.insert(header::ETAG, value);
    }
    response
}

fn draw(model: &str, width_px: u32, height_px: u32) -> Option<Bytes> {
    let canvas = render(&SceneRequest {
        prompt: scene(model),
        model,
        width_px,
        height_px,
        seed: number(model),
        transparent: false,
        quality: Detail::Medium,
    });
    let bitmap = Bitmap::new(width_px, height_px, canvas.into_rgba()).ok()?;
    let bytes = imaging::encode(&bitmap, ImageFormat::Webp, Some(QUALITY)).ok()?;
    Some(bytes.into())
}
