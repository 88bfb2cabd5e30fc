//! The answer to a generation, in OpenAI's shape with Pictor's metadata.

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use planner::money::decimal;
use planner::request::ResponseFormat;
use providers::{Body, Node};
use serde_json::Value;

use crate::generation::answer::body;
use crate::generation::{Delivered, Generated, Order};
use crate::http::envelope::LogFacts;
use crate::http::respond;

/// Says which `response_format` was used and why.
pub(super) const RESPONSE_FORMAT: HeaderName = HeaderName::from_static("x-pictor-response-format");
/// Who served, or was asked last.
pub(super) const PROVIDER: HeaderName = HeaderName::from_static("x-pictor-provider");
/// The model.
pub(super) const MODEL: HeaderName = HeaderName::from_static("x-pictor-model");
const COST: HeaderName = HeaderName::from_static("x-pictor-cost");
/// The same where a LiteLLM proxy in front looks for it.
const LITELLM_COST: HeaderName = HeaderName::from_static("x-litellm-response-cost");
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// The answer. Images in it are streamed from the spool, never gathered.
pub(super) fn answer(order: &Order, generated: &Generated) -> Response {
    let images = generated.images.iter();
    let images = images
        .map(|delivered| faces(order.response_format, delivered))
        .collect();
    let mut response = respond::streamed(&with_images(body(generated), images));
    let cost = generated.cost.dollars().to_string();
    let texts = [
        (PROVIDER, generated.provider.as_str()),
        (MODEL, generated.model.as_str()),
        (COST, cost.as_str()),
        (LITELLM_COST, cost.as_str()),
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

/// The same on an answer that is sent again, from its metadata.
pub(super) fn put_told_headers(response: &mut Response, metadata: &Value) {
    let model = metadata["model"].as_str();
    let cost = metadata["cost"].as_number();
    let cost = cost.and_then(|cost| decimal(&cost.to_string()));
    let cost = cost.map(|cost| cost.normalize().to_string());
    let texts = [
        (PROVIDER, metadata["provider"].as_str()),
        (MODEL, model),
        (COST, cost.as_deref()),
        (LITELLM_COST, cost.as_deref()),
    ];
    put_headers(response, texts);
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

/// The body with the image of each place in `data`: its link, its bytes, or both.
pub(super) fn with_images(body: Value, images: Vec<Vec<(String, Node)>>) -> Body {
    let Value::Object(fields) = body else {
        return Body::json(&Node::Json(body));
    };
    let mut images = images.into_iter();
    let fields = fields.into_iter().map(|(name, value)| {
        let node = match value {
            Value::Array(items) if name == "data" => Node::List(
                items
                    .into_iter()
                    .map(|item| with_image(item, images.next().unwrap_or_default()))
                    .collect(),
            ),
            other => Node::Json(other),
        };
        (name, node)
    });
    Body::json(&Node::Object(fields.collect()))
}

fn with_image(item: Value, image: Vec<(String, Node)>) -> Node {
    let more = match item {
        Value::Object(more) => more,
        _ => serde_json::Map::new(),
    };
    let more = more.into_iter().map(|(name, value)| (name, Node::Json(value)));
    Node::Object(image.into_iter().chain(more).collect())
}

/// An image as it is handed over: by its link, its bytes, or both. What is not stored comes as bytes in any case.
pub(super) fn faces(format: ResponseFormat, delivered: &Delivered) -> Vec<(String, Node)> {
    let url = delivered.url.as_deref().filter(|_| format.has_links());
    let has_bytes = format.has_bytes() || url.is_none();
    let bytes = has_bytes.then(|| ("b64_json".to_owned(), Node::Base64(delivered.image.blob.clone())));
    let url = url.map(|url| ("url".to_owned(), Node::Json(Value::from(url))));
    url.into_iter().chain(bytes).collect()
}
