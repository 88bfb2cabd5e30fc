//! The answer as server-sent events, with partial images.

use super::answer::described;
use super::errors::ApiError;
use super::made::Made;
use super::usage;
use crate::bill::BilledTokens;
use crate::faults::{Faults, Stage};
use crate::pictures::Drawn;
use crate::segments::Segment;
use crate::sse::{self, Event};
use axum::response::Response;
use serde_json::{Value, json};

/// The events of all images, one image after the other: its partial images, then the image itself.
pub(super) fn answer(made: &Made, faults: &Faults) -> Response {
    let prefix = if made.edit { "image_edit" } else { "image_generation" };
    let last_kind = format!("{prefix}.completed");
    let events = events(made, prefix, error(faults).as_ref());
    sse::answer(&events, &last_kind, faults.body)
}

/// The error that ends the stream after the first image's partial images.
fn error(faults: &Faults) -> Option<ApiError> {
    if faults.failed {
        Some(ApiError::server_error())
    } else if faults.moderation == Some(Stage::Output) {
        Some(ApiError::moderation(Stage::Output))
    } else {
        None
    }
}

fn events(made: &Made, prefix: &str, error: Option<&ApiError>) -> Vec<Event> {
    let mut described_at = json!({"created_at": made.created});
    if let (Value::Object(fields), Value::Object(described)) = (&mut described_at, described(made)) {
        fields.extend(described);
    }
    let mut events = Vec::new();
    for (index, image) in made.images.iter().enumerate() {
        for (partial_index, partial) in image.partials.iter().enumerate() {
            let kind = format!("{prefix}.partial_image");
            let mut rest = described_at.clone();
            rest["partial_image_index"] = json!(partial_index);
            let mut event = sse::image_event(&kind, partial.clone(), &rest);
            event.push(Segment::Pause(made.pace));
            events.push(event);
        }
        if let Some(error) = error {
            events.push(sse::error_event(&error.object()));
            break;
        }
        events.push(completed(made, image, index, prefix, &described_at));
    }
    events
}

/// Every image tells its own usage; the inputs count with the first one, so that the sum is the call's.
fn completed(made: &Made, image: &Drawn, index: usize, prefix: &str, described_at: &Value) -> Event {
    let first = index == 0;
    let tokens = BilledTokens {
        text_in: if first { made.tokens.text_in } else { 0 },
        image_in: if first { made.tokens.image_in } else { 0 },
        text_out: 0,
        image_out: usage::image_tokens(&made.ask, made.size_px),
    };
    let mut rest = described_at.clone();
    rest["usage"] = usage::object(made.ask.model.generation, &tokens, true);
    sse::image_event(&format!("{prefix}.completed"), image.bytes.clone(), &rest)
}
