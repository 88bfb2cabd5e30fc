//! The answer in one piece.

use super::made::Made;
use super::usage;
use crate::faults::{BodyFault, Faults};
use crate::segments::{self, Segment};
use crate::wire;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// All images in base64, with what they came to.
pub(super) async fn whole(made: Made, faults: &Faults) -> Response {
    let generation = made.ask.model.generation;
    let mut rest = described(&made);
    rest["usage"] = usage::object(generation, &made.tokens, false);
    let mut parts = vec![Segment::Text(format!("{{\"created\":{},\"data\":[", made.created))];
    let none = faults.body == Some(BodyFault::Empty);
    let images = made.images.into_iter().filter(|_| !none);
    for (index, image) in images.enumerate() {
        let comma = if index == 0 { "" } else { "," };
        parts.push(Segment::Text(format!("{comma}{{\"b64_json\":\"")));
        parts.push(Segment::Base64(image.bytes));
        parts.push(Segment::Text("\"}".to_owned()));
    }
    parts.push(Segment::Text(format!("],{}", &rest.to_string()[1..])));
    let size_bytes = segments::size_bytes(&parts);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CONTENT_LENGTH, HeaderValue::from(size_bytes)),
    ];
    let response = (headers, segments::body(parts)).into_response();
    wire::spoil(response, faults.body).await
}

/// What an answer says about its images.
pub(super) fn described(made: &Made) -> Value {
    let background = if made.ask.transparent { "transparent" } else { "opaque" };
    json!({
        "background": background,
        "output_format": made.ask.format.name(),
        "size": format!("{}x{}", made.size_px.0, made.size_px.1),
        "quality": made.ask.quality,
    })
}
