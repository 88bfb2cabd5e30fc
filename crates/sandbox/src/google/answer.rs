//! Answers of `generateContent`: whole, or as a stream of one event.

use super::ask::Ask;
use super::usage;
use crate::bill::BilledTokens;
use crate::faults::{BodyFault, Moderation};
use crate::segments::{self, Images, Segment};
use crate::wire;
use crate::work::{Made, Work};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Stands for what a thinking model signs its thoughts with: opaque base64.
const SIGNATURE: &str = "c2FuZGJveCB0aG91Z2h0IHNpZ25hdHVyZQ==";

/// The answer of finished work.
pub(super) async fn drawn(work: &Work<Ask>, made: Made, streamed: bool) -> Response {
    let ask = &work.ask;
    let mut tokens = usage::tokens(ask, !made.pictures.is_empty());
    if work.faults.body == Some(BodyFault::Empty) {
        tokens.text_out = 0;
    }
    let mut rest = json!({"usageMetadata": usage::object(&tokens), "modelVersion": ask.model.id});
    let Some(picture) = made.pictures.into_iter().next() else {
        let reason = if ask.draws { "NO_IMAGE" } else { "STOP" };
        let content = json!({"role": "model", "parts": [{"text": "Here is what I would have painted."}]});
        rest["candidates"] = json!([{"content": content, "finishReason": reason, "index": 0}]);
        return told(rest, &work.id, streamed);
    };
    let mut images = Images::default();
    let mime = ask.format.mime_type();
    let mut image = |bytes| json!({"inlineData": {"mimeType": mime, "data": images.put(bytes)}});
    let mut parts = Vec::new();
    if ask.shows_thoughts {
        parts.push(json!({"text": "**Composing**\n\nA first draft before the picture.", "thought": true}));
        let draft = picture.partials.into_iter().next();
        let mut part = image(draft.unwrap_or_default());
        part["thought"] = json!(true);
        parts.push(part);
    }
    let mut part = image(picture.bytes);
    if ask.model.thinks {
        part["thoughtSignature"] = json!(SIGNATURE);
    }
    parts.push(part);
    rest["responseId"] = json!(work.id);
    let content = json!({"role": "model", "parts": parts});
    rest["candidates"] = json!([{"content": content, "finishReason": "STOP", "index": 0}]);
    wire::spoil(respond(images.segments(&rest), streamed), work.faults.body).await
}

/// What the safety check left.
pub(super) fn blocked(ask: &Ask, stage: Moderation) -> Value {
    let tokens = BilledTokens {
        text_out: 0,
        ..usage::tokens(ask, false)
    };
    let mut answer = json!({"usageMetadata": usage::object(&tokens), "modelVersion": ask.model.id});
    let rating = json!({"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": true});
    match stage {
        Moderation::Input => {
            answer["promptFeedback"] = json!({"blockReason": "PROHIBITED_CONTENT", "safetyRatings": [rating]});
        }
        Moderation::Output => {
            let message = "Unable to show the generated image: it may violate the usage policy.";
            let candidate = json!({"finishReason": "IMAGE_SAFETY", "finishMessage": message, "index": 0, "safetyRatings": [rating]});
            answer["candidates"] = json!([candidate]);
        }
    }
    answer
}

/// An answer without a picture.
pub(super) fn told(mut answer: Value, id: &str, streamed: bool) -> Response {
    answer["responseId"] = json!(id);
    respond(vec![Segment::Text(answer.to_string())], streamed)
}

fn respond(mut parts: Vec<Segment>, streamed: bool) -> Response {
    let kind = if streamed {
        parts.insert(0, Segment::Text("data: ".to_owned()));
        parts.push(Segment::Text("\r\n\r\n".to_owned()));
        "text/event-stream"
    } else {
        "application/json; charset=UTF-8"
    };
    let size_bytes = segments::size_bytes(&parts);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_LENGTH, HeaderValue::from(size_bytes)),
    ];
    (headers, segments::body(parts)).into_response()
}
