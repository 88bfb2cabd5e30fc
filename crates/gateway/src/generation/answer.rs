//! The face of a success: the body of an answer, without the images themselves.

use planner::catalog::pricing::{Direction, Metric};
use planner::failure::Failure;
use planner::money::Micros;
use planner::price::Counted;
use planner::usage::Usage;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Value, json};

use super::{Delivered, Generated};
use crate::media::process::Inspected;
use crate::outcome::code_of;
use crate::problem::attempt_json;

/// The words for qualities that OpenAI's answers may hold.
pub const QUALITIES: [&str; 5] = ["low", "medium", "high", "xhigh", "max"];

/// The body in OpenAI's shape with Pictor's metadata. Where an image stands in `data`, its link or its bytes are yet to come.
#[must_use]
pub fn body(generated: &Generated) -> Value {
    let mut body = json!({ "id": generated.id, "created": generated.created_at.as_second() });
    if let Some(first) = generated.images.first() {
        body["size"] = Value::from(size(first));
        body["output_format"] = Value::from(format(first));
        body["background"] = Value::from(background(&first.image));
    }
    body["data"] = generated.images.iter().map(item).collect();
    if let Some(quality) = generated.quality.as_deref().filter(|word| QUALITIES.contains(word)) {
        body["quality"] = Value::from(quality);
    }
    if let Some((usage, _)) = usage_of(generated) {
        body["usage"] = usage_json(&usage);
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

/// Whether an image may be seen through, by its header.
#[must_use]
pub fn background(image: &Inspected) -> &'static str {
    if image.info.has_alpha { "transparent" } else { "opaque" }
}

/// What was used, and how that is known: as the provider says, or by the tokens that were charged. `None` for models that
/// are not priced by tokens.
#[must_use]
pub fn usage_of(generated: &Generated) -> Option<(Usage, &'static str)> {
    if let Some(usage) = generated.usage {
        return Some((usage, "reported"));
    }
    let mut usage = Usage::default();
    let mut has_tokens = false;
    for line in &generated.cost_components {
        let place = match (line.metric, line.direction) {
            (Counted::Metric(Metric::TokenText), Direction::Input) => &mut usage.input_text_tokens,
            (Counted::Metric(Metric::TokenImage), Direction::Input) => &mut usage.input_image_tokens,
            (Counted::Metric(Metric::TokenText), Direction::Output) => &mut usage.output_text_tokens,
            (Counted::Metric(Metric::TokenImage), Direction::Output) => &mut usage.output_image_tokens,
            _ => continue,
        };
        *place += line.quantity.to_u64().unwrap_or(0);
        has_tokens = true;
    }
    has_tokens.then_some((usage, "computed"))
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
    if let Some((_, basis)) = usage_of(generated) {
        metadata["usage_basis"] = Value::from(basis);
    }
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
