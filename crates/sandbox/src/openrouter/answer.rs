//! Answers of both ways, their images as base64.

use super::ask::{Made, Way};
use super::errors::ApiError;
use crate::faults::BodyFault;
use crate::segments::{self, Segment};
use crate::wire;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

/// The answer in one piece.
pub(super) async fn whole(made: Made, fault: Option<BodyFault>) -> Response {
    let parts = match made.ask.way {
        Way::Images => images(made),
        Way::Chat { .. } => chat(made),
    };
    wire::spoil(segments::json(parts), fault).await
}

/// An error after the work began: the status is a success.
pub(super) fn broken_off(error: &ApiError) -> Response {
    wire::json(StatusCode::OK, &json!({"error": error.object()}))
}

fn images(made: Made) -> Vec<Segment> {
    let usage = usage(&made);
    let kind = made.ask.format.mime_type();
    let mut parts = vec![Segment::Text(format!("{{\"created\":{},\"data\":[", made.created))];
    for (index, image) in made.images.into_iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        parts.push(Segment::Text(format!("{comma}{{\"b64_json\":\"")));
        parts.push(Segment::Base64(image.bytes));
        parts.push(Segment::Text(format!("\",\"media_type\":\"{kind}\"}}")));
    }
    parts.push(Segment::Text(format!("],\"usage\":{usage}}}")));
    parts
}

fn chat(made: Made) -> Vec<Segment> {
    let mut usage = usage(&made);
    usage["is_byok"] = json!(false);
    usage["cost_details"] = json!({"upstream_inference_cost": null});
    usage["prompt_tokens_details"] = json!({"cached_tokens": 0, "image_tokens": made.tokens.image_in});
    usage["completion_tokens_details"] = json!({"reasoning_tokens": 0, "image_tokens": made.tokens.image_out});
    let head = json!({
        "id": made.id, "provider": made.ask.model.provider, "model": made.ask.model.id, "object": "chat.completion",
        "created": made.created, "usage": usage,
    });
    let (reason, native) = if made.filtered {
        ("content_filter", "IMAGE_SAFETY")
    } else {
        ("stop", "STOP")
    };
    let choice = json!({"logprobs": null, "finish_reason": reason, "native_finish_reason": native, "index": 0});
    let message = json!({"role": "assistant", "content": made.words, "refusal": null, "reasoning": null});
    let mut parts = vec![Segment::Text(format!(
        "{},\"choices\":[{},\"message\":{}",
        open(&head),
        open(&choice),
        open(&message)
    ))];
    let kind = made.ask.format.mime_type();
    let some = !made.images.is_empty();
    for (index, image) in made.images.into_iter().enumerate() {
        let before = if index == 0 { ",\"images\":[" } else { "," };
        parts.push(Segment::Text(format!(
            "{before}{{\"type\":\"image_url\",\"image_url\":{{\"url\":\"data:{kind};base64,"
        )));
        parts.push(Segment::Base64(image.bytes));
        parts.push(Segment::Text(format!("\"}},\"index\":{index}}}")));
    }
    let images_end = if some { "]" } else { "" };
    parts.push(Segment::Text(format!("{images_end}}}}}]}}")));
    parts
}

/// An object's text without its last brace.
fn open(object: &Value) -> String {
    let mut text = object.to_string();
    text.pop();
    text
}

fn usage(made: &Made) -> Value {
    let tokens = &made.tokens;
    let (prompt, completion) = (tokens.text_in + tokens.image_in, tokens.text_out + tokens.image_out);
    json!({
        "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
        "cost": made.cost_nanos as f64 / 1e9,
    })
}
