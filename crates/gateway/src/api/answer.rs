//! The answer to a generation, in OpenAI's shape with Pictor's metadata.

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use planner::failure::Failure;
use planner::money::Micros;
use planner::usage::Usage;
use providers::{Body, Node};
use serde_json::{Value, json};

use super::envelope::LogFacts;
use super::respond;
use crate::generation::{Delivered, Generated, Order};
use crate::outcome::code_of;
use crate::problem::attempt_json;

/// Who served, or was asked last.
pub(super) const PROVIDER: HeaderName = HeaderName::from_static("x-pictor-provider");
/// The model.
pub(super) const MODEL: HeaderName = HeaderName::from_static("x-pictor-model");
const COST: HeaderName = HeaderName::from_static("x-pictor-cost");
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// The answer. Images in it are streamed from the spool, never gathered.
pub(super) fn answer(order: &Order, generated: &Generated) -> Response {
    let mut fields = vec![
        ("id".to_owned(), Node::Json(Value::from(generated.id.as_str()))),
        (
            "created".to_owned(),
            Node::Json(Value::from(generated.created_at.as_second())),
        ),
    ];
    if let Some(first) = generated.images.first() {
        fields.push(("size".to_owned(), Node::Json(Value::from(size(first)))));
        fields.push(("output_format".to_owned(), Node::Json(Value::from(format(first)))));
    }
    let data = generated.images.iter().map(item).collect();
    fields.push(("data".to_owned(), Node::List(data)));
    if let Some(usage) = &generated.usage {
        fields.push(("usage".to_owned(), Node::Json(usage_json(usage))));
    }
    fields.push(("metadata".to_owned(), Node::Json(metadata(generated))));
    let mut response = respond::streamed(&Body::json(&Node::Object(fields)));
    let cost = generated.cost.dollars().to_string();
    let texts = [
        (PROVIDER, generated.provider.as_str()),
        (MODEL, generated.model.as_str()),
        (COST, cost.as_str()),
    ];
    put_headers(&mut response, texts.map(|(name, text)| (name, Some(text))));
    tell_sunset(generated, &mut response);
    response.extensions_mut().insert(log_facts(order, generated));
    response
}

/// What the log line says of it.
pub(super) fn log_facts(order: &Order, generated: &Generated) -> LogFacts {
    LogFacts {
        key_id: Some(order.caller.key_id.clone()),
        model: Some(generated.model.clone()),
        provider: Some(generated.provider.clone()),
        cost_micros: Some(generated.cost.0),
        error_code: None,
    }
}

/// Puts what is known of it on an answer.
pub(super) fn put_headers<'a>(response: &mut Response, texts: impl IntoIterator<Item = (HeaderName, Option<&'a str>)>) {
    for (name, text) in texts {
        if let Some(value) = text.and_then(|text| HeaderValue::from_str(text).ok()) {
            response.headers_mut().insert(name, value);
        }
    }
}

fn tell_sunset(generated: &Generated, response: &mut Response) {
    let headers = response.headers_mut();
    if let Some(end) = generated
        .sunset
        .and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC).ok())
    {
        // RFC 9745: the date since when it is deprecated; the catalogue knows only the end, which the RFC allows here.
        let at = end.timestamp().as_second();
        let date = std::time::UNIX_EPOCH + std::time::Duration::from_secs(u64::try_from(at).unwrap_or(0));
        for (name, text) in [(DEPRECATION, format!("@{at}")), (SUNSET, httpdate::fmt_http_date(date))] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        }
    }
}

/// Measured, never echoed.
pub(super) fn size(delivered: &Delivered) -> String {
    format!("{}x{}", delivered.image.info.width_px, delivered.image.info.height_px)
}

/// Measured, never echoed.
pub(super) fn format(delivered: &Delivered) -> String {
    delivered.image.info.format.to_string()
}

fn item(delivered: &Delivered) -> Node {
    let image = match &delivered.url {
        Some(url) => ("url".to_owned(), Node::Json(Value::from(url.as_str()))),
        None => ("b64_json".to_owned(), Node::Base64(delivered.image.blob.clone())),
    };
    let mut fields = vec![image];
    if let Some(prompt) = &delivered.revised_prompt {
        fields.push(("revised_prompt".to_owned(), Node::Json(Value::from(prompt.as_str()))));
    }
    Node::Object(fields)
}

/// OpenAI's usage object.
pub(super) fn usage_json(usage: &Usage) -> Value {
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
