//! Reads the request of a new prediction: headers, body, webhook and version.

use super::errors::{self, authorize};
use super::input::{check, problems_body};
use super::models::{Kind, Model};
use super::prediction::Terms;
use super::webhook::{DEFAULT_EVENTS, Event, Hook};
use super::work::Request;
use super::{Replicate, prediction};
use crate::calls::CallHandle;
use crate::provider::Provider;
use crate::refused::Refused;
use crate::strangers::fit;
use crate::wire::{self, ObjectError};
use crate::work::Work;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// How long `Prefer: wait` waits at most, and without a number.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// Predictions stop after this, whatever `Cancel-After` says.
const MAX_DEADLINE: Duration = Duration::from_secs(30 * 60);
/// Letters of an id, and how many.
const ID_LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstvwxyz0123456789";
const ID_LENGTH: usize = 26;

/// How a caller names the model.
pub(super) enum Named<'a> {
    Model(&'a str, &'a str),
    /// By the body's `version`.
    Version,
}

/// Reads and begins a prediction.
///
/// # Errors
/// The answer, if the call is refused: by its token, model, body, or by a fault.
pub(super) async fn accept(
    replicate: &Arc<Replicate>,
    parts: &Parts,
    body: Body,
    named: Named<'_>,
) -> Result<Arc<prediction::Prediction>, Response> {
    authorize(&parts.headers).map_err(|refused| refused.into_response())?;
    let body = read_json(body).await.map_err(|refused| refused.into_response())?;
    let (model, version) = find_model(&named, &body).map_err(|refused| refused.into_response())?;
    if let Some(handle) = parts.extensions.get::<CallHandle>() {
        handle.note(Provider::Replicate, model.id, &body);
    }
    let core = &replicate.core;
    let input = match body.get("input") {
        Some(Value::Object(input)) => &json!(fit(input.clone(), |input| check(model, &json!(input)).is_ok())),
        input => input.unwrap_or(&Value::Null),
    };
    let refuse = |refused: Refused| refused.into_response();
    let checked = check(model, input).map_err(|problems| refuse(Refused::new(422, problems_body(&problems))))?;
    let terms = Terms {
        echo: echo(model, input),
        version,
        deadline_in: read_deadline(&parts.headers).map_err(refuse)?,
        hook: read_hook(replicate, &body).map_err(refuse)?,
    };
    let request = Request { model, input: checked };
    let base_url = core.base_url_for(&parts.uri, &parts.headers);
    let work = Work::new(core, new_id(), request, base_url);
    work.begin(core).await.map_err(refuse)?;
    Ok(prediction::start(replicate, work, terms))
}

async fn read_json(body: Body) -> Result<Value, Refused> {
    let body = wire::read_object(body).await.map_err(|error| match error {
        ObjectError::TooLarge | ObjectError::Broken => {
            errors::problem(413, "Request entity too large", "The body is too large.")
        }
        ObjectError::NotJson => errors::problem(400, "Bad request", "The body is not valid JSON."),
        ObjectError::NotAnObject => errors::problem(400, "Bad request", "The body is not a JSON object."),
    })?;
    Ok(Value::Object(body))
}

fn find_model(named: &Named<'_>, body: &Value) -> Result<(&'static Model, String), Refused> {
    match named {
        Named::Model(owner, name) => {
            let model = Model::serve(owner, name).ok_or_else(errors::not_found)?;
            Ok((model, "hidden".to_owned()))
        }
        Named::Version => match body.get("version").and_then(Value::as_str) {
            None => {
                let detail = "- version is required\n";
                Err(errors::problem(422, "Input validation failed", detail))
            }
            Some(version) => {
                let model = Model::serve_version(version).ok_or_else(errors::bad_version)?;
                Ok((model, model.version_id()))
            }
        },
    }
}

fn read_hook(replicate: &Arc<Replicate>, body: &Value) -> Result<Option<Hook>, Refused> {
    let invalid = |detail: &str| errors::problem(422, "Invalid webhook", detail);
    let filter = body.get("webhook_events_filter").filter(|filter| !filter.is_null());
    let events = match filter {
        None => DEFAULT_EVENTS.to_vec(),
        Some(filter) => {
            let names = filter
                .as_array()
                .ok_or_else(|| invalid("webhook_events_filter must be a list"))?;
            let events = names.iter().map(|name| name.as_str().and_then(Event::of_name));
            events
                .collect::<Option<Vec<_>>>()
                .ok_or_else(|| invalid("webhook_events_filter takes start, output, logs and completed"))?
        }
    };
    match body.get("webhook").filter(|url| !url.is_null()) {
        None => Ok(None),
        Some(url) => url
            .as_str()
            .and_then(|url| Hook::new(replicate, url, events))
            .map(Some)
            .ok_or_else(|| invalid("webhook must be an http or https URL")),
    }
}

/// The deadline of `Cancel-After`: `30s`, `5m`, `1h30m`.
fn read_deadline(headers: &HeaderMap) -> Result<Option<Duration>, Refused> {
    let Some(value) = headers.get("cancel-after") else {
        return Ok(Some(MAX_DEADLINE));
    };
    value
        .to_str()
        .ok()
        .and_then(parse_span)
        .map(|span| Some(span.min(MAX_DEADLINE)))
        .ok_or_else(|| {
            let detail = "Cancel-After must be a time such as 30s, 5m or 1h30m";
            errors::problem(422, "Invalid Cancel-After", detail)
        })
}

fn parse_span(text: &str) -> Option<Duration> {
    let mut total_s: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let at = rest.find(|letter: char| !letter.is_ascii_digit());
        let (digits, tail) = rest.split_at(at.unwrap_or(rest.len()));
        let number: u64 = digits.parse().ok()?;
        let unit_s = match tail.chars().next() {
            None | Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3_600,
            Some(_) => return None,
        };
        total_s = total_s.checked_add(number.checked_mul(unit_s)?)?;
        rest = tail.get(1..).unwrap_or_default();
    }
    Some(Duration::from_secs(total_s))
}

/// How long the caller wants to wait, by `Prefer: wait` or `Prefer: wait=N`; None for no wait at all.
pub(super) fn preferred_wait(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all("prefer").into_iter();
    let mut preferences = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split([',', ';']))
        .map(str::trim);
    preferences.find_map(|preference| match preference.split_once('=') {
        None => (preference == "wait").then_some(MAX_WAIT),
        Some(("wait", seconds)) => {
            let seconds: u64 = seconds.trim().parse().ok()?;
            Some(Duration::from_secs(seconds.max(1)).min(MAX_WAIT))
        }
        Some(_) => None,
    })
}

/// The input as it is told back.
fn echo(model: &Model, input: &Value) -> Value {
    let mut echo = input.clone();
    for field in model.inputs {
        if matches!(field.kind, Kind::Secret)
            && let Some(value) = echo.get_mut(field.name)
        {
            *value = json!("[REDACTED]");
        }
    }
    echo
}

fn new_id() -> String {
    let random: [u8; ID_LENGTH] = rand::random();
    random
        .iter()
        .map(|byte| char::from(ID_LETTERS[usize::from(*byte) % ID_LETTERS.len()]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn waits_are_read_from_prefer() {
        let wait = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", HeaderValue::from_static(value));
            preferred_wait(&headers).map(|wait| wait.as_secs())
        };
        assert_eq!(wait("wait"), Some(60));
        assert_eq!(wait("wait=5"), Some(5));
        assert_eq!(wait("respond-async, wait=500"), Some(60));
        assert_eq!(wait("respond-async"), None);
        assert_eq!(preferred_wait(&HeaderMap::new()), None);
    }

    #[test]
    fn spans_are_read() {
        assert_eq!(parse_span("30s"), Some(Duration::from_secs(30)));
        assert_eq!(parse_span("1h30m45s"), Some(Duration::from_secs(5_445)));
        assert_eq!(parse_span("2m"), Some(Duration::from_secs(120)));
        for bad in ["", "s", "1d", "m5", "-3s"] {
            assert_eq!(parse_span(bad), None, "{bad}");
        }
    }
}
