//! The face of a success: the body of an answer, without the images themselves.

use planner::failure::Failure;
use planner::money::Micros;
use planner::usage::Usage;
use serde_json::{Value, json};

use super::{Delivered, Generated};
use crate::outcome::code_of;
use crate::problem::attempt_json;

/// The body in OpenAI's shape with Pictor's metadata. Where an image stands in `data`, its link or its bytes are yet to come.
#[must_use]
pub fn body(generated: &Generated) -> Value {
    let mut body = json!({ "id": generated.id, "created": generated.created_at.as_second() });
    if let Some(first) = generated.images.first() {
        body["size"] = Value::from(size(first));
        body["output_format"] = Value::from(format(first));
    }
    body["data"] = generated.images.iter().map(item).collect();
    if let Some(usage) = &generated.usage {
        body["usage"] = usage_json(usage);
    }
    body["metadata"] = metadata(generated);
    body
}

fn item(delivered: &Delivered) -> Value {
    let prompt = delivered.revised_prompt.as_ref();
    prompt.map_or_else(|| json!({}), |prompt| json!({ "revised_prompt": prompt }))
}

/// Measured, never echoed.
fn size(delivered: &Delivered) -> String {
    format!("{}x{}", delivered.image.info.width_px, delivered.image.info.height_px)
}

/// Measured, never echoed.
fn format(delivered: &Delivered) -> String {
    delivered.image.info.format.to_string()
}

/// OpenAI's usage object.
#[must_use]
pub fn usage_json(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.input_tokens(),
        "output_tokens": usage.output_tokens(),
        "total_tokens": usage.input_tokens() + usage.output_tokens(),
        "input_tokens_details": { "text_tokens": usage.input_text_tokens, "image_tokens": usage.input_image_tokens },
        "output_tokens_details": { "text_tokens": usage.output_text_tokens, "image_tokens": usage.output_image_tokens },
    })
}

fn metadata(generated: &Generated) -> Value {
    let images: Vec<Value> = generated
        .images
        .iter()
        .map(|delivered| {
            json!({
                "provider": delivered.provider,
                "size": size(delivered),
                "output_format": format(delivered),
                "bytes": delivered.image.blob.len(),
                "cost": delivered.cost.as_json_dollars(),
            })
        })
        .collect();
    let mut metadata = json!({
        "model": generated.model,
        "executed_model": format!("{}/{}", generated.provider, generated.native_model),
        "provider": generated.provider,
        "provider_name": generated.provider_name,
        "cost": generated.cost.as_json_dollars(),
        "cost_currency": "USD",
        "cost_basis": generated.cost_basis,
        "adjustments": generated.adjustments,
        "images": images,
        "attempts": generated.attempts.iter().map(attempt_json).collect::<Vec<_>>(),
        "warnings": generated.warnings,
    });
    if generated.markup != Micros::ZERO {
        metadata["markup"] = Value::from(generated.markup.as_json_dollars());
    }
    if !generated.errors.is_empty() {
        metadata["errors"] = generated.errors.iter().map(error_json).collect();
    }
    if generated.sandbox {
        metadata["sandbox"] = Value::Bool(true);
    }
    metadata
}

fn error_json(failure: &Failure) -> Value {
    json!({ "code": code_of(failure.kind), "message": failure.message, "param": failure.param })
}
