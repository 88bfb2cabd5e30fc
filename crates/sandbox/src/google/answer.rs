//! Answers of `generateContent`: whole, or as a stream of one event.

use super::ask::Ask;
use super::usage;
use crate::bill::BilledTokens;
use crate::faults::{BodyFault, Faults, Stage};
use crate::segments::{self, Segment};
use crate::wire;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};

/// Finished work.
pub(super) struct Made {
    pub(super) ask: Ask,
    pub(super) id: String,
    pub(super) tokens: BilledTokens,
    pub(super) image: Bytes,
    /// What the thoughts show.
    pub(super) draft: Option<Bytes>,
}

/// Stands for what a thinking model signs its thoughts with: opaque base64.
const SIGNATURE: &str = "c2FuZGJveCB0aG91Z2h0IHNpZ25hdHVyZQ==";

/// The answer of finished work.
pub(super) async fn drawn(made: Made, faults: &Faults, streamed: bool) -> Response {
    let usage = usage::object(&made.tokens);
    if faults.body == Some(BodyFault::Empty) || !made.ask.draws {
        let reason = if made.ask.draws { "NO_IMAGE" } else { "STOP" };
        let content = json!({"role": "model", "parts": [{"text": "Here is what I would have painted."}]});
        let candidate = json!({"content": content, "finishReason": reason, "index": 0});
        return plain(&made, &json!([candidate]), streamed);
    }
    let mut parts = Vec::new();
    if made.ask.shows_thoughts {
        let text = json!({"text": "**Composing**\n\nA first draft before the picture.", "thought": true});
        parts.push(vec![Segment::Text(text.to_string())]);
        parts.push(image(&made, made.draft.clone(), ",\"thought\":true"));
    }
    let signature = if made.ask.model.thinks {
        format!(",\"thoughtSignature\":\"{SIGNATURE}\"")
    } else {
        String::new()
    };
    parts.push(image(&made, Some(made.image.clone()), &signature));
    let mut segments = vec![Segment::Text(
        "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[".to_owned(),
    )];
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            segments.push(Segment::Text(",".to_owned()));
        }
        segments.extend(part);
    }
    let rest = described(&made, &usage).to_string();
    segments.push(Segment::Text(format!(
        "]}},\"finishReason\":\"STOP\",\"index\":0}}],{}",
        &rest[1..]
    )));
    wire::spoil(respond(segments, streamed), faults.body).await
}

fn image(made: &Made, bytes: Option<Bytes>, rest: &str) -> Vec<Segment> {
    let mime = made.ask.format.mime_type();
    vec![
        Segment::Text(format!("{{\"inlineData\":{{\"mimeType\":\"{mime}\",\"data\":\"")),
        Segment::Base64(bytes.unwrap_or_default()),
        Segment::Text(format!("\"}}{rest}}}")),
    ]
}

/// What the safety check left.
pub(super) fn blocked(ask: &Ask, id: &str, stage: Stage, streamed: bool) -> Response {
    let tokens = BilledTokens {
        text_out: 0,
        ..usage::tokens(ask, false)
    };
    let mut answer = json!({
        "usageMetadata": usage::object(&tokens), "modelVersion": ask.model.id, "responseId": id,
    });
    let rating = json!({"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": true});
    match stage {
        Stage::Input => {
            answer["promptFeedback"] = json!({"blockReason": "PROHIBITED_CONTENT", "safetyRatings": [rating]});
        }
        Stage::Output => {
            let message = "Unable to show the generated image: it may violate the usage policy.";
            let candidate = json!({"finishReason": "IMAGE_SAFETY", "finishMessage": message, "index": 0, "safetyRatings": [rating]});
            answer["candidates"] = json!([candidate]);
        }
    }
    respond(vec![Segment::Text(answer.to_string())], streamed)
}

fn plain(made: &Made, candidates: &Value, streamed: bool) -> Response {
    let mut answer = described(made, &usage::object(&made.tokens));
    answer["candidates"] = candidates.clone();
    respond(vec![Segment::Text(answer.to_string())], streamed)
}

fn described(made: &Made, usage: &Value) -> Value {
    json!({"usageMetadata": usage, "modelVersion": made.ask.model.id, "responseId": made.id})
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
