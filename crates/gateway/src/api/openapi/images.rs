//! Images, what they cost and how they come, described.

use planner::fit::FitRule;
use planner::format::Format;
use planner::route::Prefer;
use planner::strategy::Strategy;
use serde_json::{Value, json};

use super::reference;
use crate::generation::answer::QUALITIES;

const COST_BASES: [&str; 3] = ["reported", "usage", "table"];

fn tokens() -> Value {
    let count = json!({ "type": "integer", "minimum": 0 });
    let details = json!({ "type": "object", "required": ["text_tokens", "image_tokens"], "properties": { "text_tokens": count, "image_tokens": count } });
    json!({ "type": "object", "required": ["input_tokens", "output_tokens", "total_tokens", "input_tokens_details"], "properties": {
        "input_tokens": count, "output_tokens": count, "total_tokens": count,
        "input_tokens_details": details, "output_tokens_details": details } })
}

fn metadata() -> Value {
    let text = json!({ "type": "string" });
    let dollars = json!({ "type": "number", "minimum": 0, "description": "US dollars." });
    let list = |of: &str| json!({ "type": "array", "items": reference(of) });
    json!({ "type": "object", "required": ["model", "executed_model", "provider", "provider_name", "cost", "cost_currency", "cost_basis", "adjustments", "images", "attempts", "warnings"], "properties": {
        "model": text, "executed_model": { "type": "string", "description": "The provider and its own id of the model." },
        "provider": text, "provider_name": text,
        "cost": dollars, "cost_currency": { "const": "USD" }, "cost_basis": { "enum": COST_BASES },
        "markup": { "type": "number", "description": "Of the cost, the operator's part, where there is one." },
        "usage_basis": { "enum": ["reported", "computed"], "description": "How usage is known." },
        "adjustments": list("Adjustment"), "images": list("ImageFacts"), "attempts": list("Attempt"),
        "errors": { "type": "array", "description": "What became of images that are missing.", "items": { "type": "object", "required": ["code", "message", "param"], "properties": {
            "code": text, "message": text, "param": { "type": ["string", "null"] } } } },
        "warnings": { "type": "array", "items": text },
        "sandbox": { "type": "boolean", "description": "true where the provider was the sandbox." } } })
}

fn or_null(words: &[&str]) -> Vec<Value> {
    words.iter().map(|word| json!(word)).chain([Value::Null]).collect()
}

/// The wishes of a request or a key on where requests go.
fn route() -> Value {
    let texts = |what: &str| json!({ "type": ["array", "null"], "items": { "type": "string" }, "description": what });
    let switch = |what: &str| json!({ "type": ["boolean", "null"], "description": what });
    json!({ "type": "object", "additionalProperties": false, "description": "Where requests go.", "properties": {
        "strategy": { "enum": or_null(&Strategy::ALL.map(Strategy::as_str)), "description": "What the order of providers goes by." },
        "fit": { "enum": or_null(&FitRule::ALL.map(FitRule::as_str)), "description": "What the nearness to what was asked for counts." },
        "only": texts("The only providers to try."), "avoid": texts("Providers not to try."),
        "max_price_usd": { "type": ["number", "null"], "minimum": 0, "description": "The most that the whole request may be estimated at." },
        "failover_on_content_policy": switch("Whether a safety block may be tried at another provider."),
        "hedge": switch("Whether another provider may be asked as soon as a call takes longer than nearly all before it."),
        "models": texts("Other models that may serve when the one that is named cannot, in this order."),
        "prefer": { "enum": or_null(&Prefer::ALL.map(Prefer::as_str)), "description": "rating: the best rated of these models goes first." },
        "regions": texts("The only regions in which it may be served, as providers name them: 'us' holds 'us-central1' too. What does not say where it works is in none.") } })
}

/// Their schemas.
pub(super) fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let maybe = json!({ "type": ["string", "null"] });
    let size = json!({ "type": "string", "pattern": "^[0-9]+x[0-9]+$", "description": "Measured." });
    let format = json!({ "enum": Format::ALL.map(Format::as_str), "description": "Measured." });
    let any = json!({ "description": "Of any type." });
    let micros = json!({ "type": "integer", "description": "Millionths of a US dollar." });
    let background = json!({ "enum": ["transparent", "opaque"] });
    json!({
        "ImagesResponse": { "type": "object", "required": ["id", "created", "data", "metadata"], "properties": {
            "id": text, "created": { "type": "integer", "description": "Unix time in seconds." },
            "size": size, "output_format": format, "background": background, "quality": { "enum": QUALITIES },
            "data": { "type": "array", "items": reference("Image") },
            "usage": reference("TokenUsage"), "metadata": reference("ImagesMetadata") } },
        "Image": { "type": "object", "description": "A link, base64, or both.", "properties": { "url": text, "b64_json": text, "revised_prompt": text } },
        "TokenUsage": tokens(),
        "ImagesMetadata": metadata(),
        "ImageFacts": { "type": "object", "required": ["provider", "size", "output_format", "bytes", "cost"], "properties": {
            "provider": text, "size": size, "output_format": format, "bytes": { "type": "integer" }, "cost": { "type": "number" } } },
        "Adjustment": { "type": "object", "description": "A parameter whose value was changed.", "required": ["parameter", "requested", "used", "reason"], "properties": {
            "parameter": text, "requested": any, "used": { "description": "Of any type; null when nothing is used." }, "reason": text } },
        "Attempt": { "type": "object", "description": "A call to a provider.", "required": ["provider", "model", "outcome", "spent", "started_at", "duration_ms"], "properties": {
            "provider": text, "model": text, "outcome": text,
            "spent": { "enum": ["no", "yes", "unknown"], "description": "Whether money was spent." },
            "started_at": { "type": "string", "format": "date-time" }, "duration_ms": { "type": "integer" },
            "code": text, "message": text, "http_status": { "type": "integer" } } },
        "ImageEvent": { "type": "object", "description": "What an event of a stream holds.", "required": ["type", "created_at", "size", "output_format", "background", "quality"], "properties": {
            "type": { "enum": ["image_generation.partial_image", "image_generation.completed", "image_edit.partial_image", "image_edit.completed"] },
            "created_at": { "type": "integer" }, "size": size, "output_format": format, "background": background,
            "quality": { "enum": ["low", "medium", "high", "xhigh", "max", "auto"] },
            "b64_json": text, "url": text, "partial_image_index": { "type": "integer", "minimum": 0 }, "usage": reference("TokenUsage") } },
        "Route": route(),
        "Estimate": { "type": "object", "required": ["estimated", "model", "provider", "total_cost_micros", "currency", "components", "candidates", "adjustments", "cost_basis", "warnings"], "properties": {
            "estimated": { "const": true }, "model": text, "provider": text,
            "total_cost_micros": micros, "markup_micros": micros, "currency": { "const": "USD" },
            "components": { "type": "array", "description": "They add up to the total.", "items": { "type": "object" } },
            "candidates": { "type": "array", "items": { "type": "object", "required": ["model", "provider", "total_cost_micros"], "properties": { "model": text, "provider": text, "total_cost_micros": micros } } },
            "adjustments": { "type": "array", "items": reference("Adjustment") }, "cost_basis": { "enum": COST_BASES },
            "warnings": { "type": "array", "items": text, "description": "An end that comes, and parts of the price for which no bound is published." } } },
        "Explanation": { "type": "object", "required": ["model", "mode", "strategy", "fit", "faults", "offers"], "properties": {
            "model": text, "mode": text, "strategy": { "enum": Strategy::ALL.map(Strategy::as_str) }, "fit": { "enum": FitRule::ALL.map(FitRule::as_str) },
            "faults": { "type": "array", "items": { "type": "object" } },
            "offers": { "type": "array", "items": { "type": "object", "required": ["provider", "reason"], "properties": {
                "model": text, "provider": text, "native_model": maybe, "place": { "type": ["integer", "null"] }, "reason": text } } } } },
    })
}
