//! Answers of both ways, their images as base64.

use super::ask::{Ask, Way};
use super::prices;
use crate::bill::BilledTokens;
use crate::core::Core;
use crate::segments::Images;
use crate::work::{Made, Work};
use axum::response::Response;
use serde_json::{Value, json};

/// The answer in one piece.
pub(super) fn whole(core: &Core, work: &Work<Ask>, made: Made) -> Response {
    let ask = &work.ask;
    let filtered = work.faults.moderation.is_some();
    let pictures = match filtered {
        true => Vec::new(),
        false => made.pictures,
    };
    let mut tokens = prices::tokens(ask, &made.inputs_px, ask.words());
    let mut cost = 0.0;
    if !pictures.is_empty() || (work.faults.billed && filtered) {
        cost = prices::nanos(ask, &tokens) as f64 / 1e9;
    } else {
        tokens.image_out = 0;
    }
    let mut images = Images::default();
    let data = pictures.into_iter().map(|drawn| images.put(drawn.bytes));
    let data: Vec<String> = data.collect();
    let kind = ask.format.mime_type();
    let created = core.now().as_second();
    let answer = match ask.way {
        Way::Images => {
            let item = |image| json!({"b64_json": image, "media_type": kind});
            let data: Value = data.into_iter().map(item).collect();
            json!({"created": created, "data": data, "usage": usage(&tokens, cost)})
        }
        Way::Chat { .. } => {
            let item = |(index, image): (usize, String)| {
                let url = format!("data:{kind};base64,{image}");
                json!({"type": "image_url", "image_url": {"url": url}, "index": index})
            };
            let data: Vec<Value> = data.into_iter().enumerate().map(item).collect();
            json!({
                "id": work.id, "provider": ask.model.provider, "model": ask.model.id, "object": "chat.completion",
                "created": created, "usage": chat_usage(&tokens, cost), "choices": [choice(ask, filtered, data)],
            })
        }
    };
    images.json(&answer)
}

fn choice(ask: &Ask, filtered: bool, images: Vec<Value>) -> Value {
    let (reason, native) = if filtered {
        ("content_filter", "IMAGE_SAFETY")
    } else {
        ("stop", "STOP")
    };
    let mut message = json!({"role": "assistant", "content": ask.words(), "refusal": null, "reasoning": null});
    if !images.is_empty() {
        message["images"] = Value::Array(images);
    }
    json!({
        "logprobs": null, "finish_reason": reason, "native_finish_reason": native, "index": 0, "message": message,
    })
}

fn chat_usage(tokens: &BilledTokens, cost: f64) -> Value {
    let mut usage = usage(tokens, cost);
    usage["is_byok"] = json!(false);
    usage["cost_details"] = json!({"upstream_inference_cost": null});
    usage["prompt_tokens_details"] = json!({"cached_tokens": 0, "image_tokens": tokens.image_in});
    usage["completion_tokens_details"] = json!({"reasoning_tokens": 0, "image_tokens": tokens.image_out});
    usage
}

fn usage(tokens: &BilledTokens, cost: f64) -> Value {
    let (prompt, completion) = (tokens.text_in + tokens.image_in, tokens.text_out + tokens.image_out);
    json!({
        "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion, "cost": cost,
    })
}
