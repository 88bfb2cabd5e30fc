//! What the start of a run and of a queued job have in common: who calls, what, and under which conditions.

use super::Fal;
use super::ask;
use super::endpoints::{Endpoint, strangers};
use super::errors::{self, Detail, UNAUTHENTICATED, plain, respond};
use super::work::Task;
use crate::calls::CallHandle;
use crate::names::random_uuid;
use crate::provider::Provider;
use crate::refused::Refused;
use crate::strangers::fit;
use crate::wire::{self, BodyError, MAX_JSON_BYTES};
use crate::work::Work;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// Result files are kept at least this long by default, as documented.
const DEFAULT_MEDIA_TTL: Duration = Duration::from_secs(7 * 24 * 3_600);
/// `x-fal-request-timeout` must be larger than this, in seconds.
const LEAST_START_LIMIT_S: f64 = 1.0;

/// Checks the key: any will do that is not called invalid.
pub(super) fn authorize(headers: &HeaderMap) -> Result<(), Refused> {
    let refused = |detail: &str| Err(plain(401, detail));
    let Some(value) = headers.get("authorization") else {
        return refused(UNAUTHENTICATED);
    };
    let key = value.to_str().ok().and_then(|text| {
        let (scheme, key) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("key").then(|| key.trim())
    });
    match key {
        None | Some("") => refused(UNAUTHENTICATED),
        Some(key) if key.contains("invalid") || key.contains("revoked") => {
            refused("No user found for Key ID and Secret")
        }
        Some(_) => Ok(()),
    }
}

/// Reads a call of `endpoint_id` up to the point where it can be worked on.
///
/// # Errors
/// The answer, if the call is refused: by its key, app or body, or by a fault.
pub(super) async fn accept(fal: &Fal, parts: &Parts, body: Body, endpoint_id: &str) -> Result<Task, Response> {
    authorize(&parts.headers).map_err(|failure| respond(failure, None))?;
    let endpoint_id = endpoint_id.trim_matches('/');
    let body = read_json(body).await.map_err(|failure| respond(failure, None));
    let known = Endpoint::find(endpoint_id);
    let Some(endpoint) = known.or_else(|| strangers::stand_in(endpoint_id, body.as_ref().ok()?)) else {
        let detail = format!("Application \"{endpoint_id}\" not found");
        return Err(respond(plain(404, detail), None));
    };
    let body = match body? {
        Value::Object(body) => json!(fit(body, |body| ask::read(endpoint, &json!(body)).problems.is_empty())),
        other => other,
    };
    if let Some(handle) = parts.extensions.get::<CallHandle>() {
        handle.note(Provider::Fal, endpoint.id, &body);
    }
    let start_limit = start_limit(&parts.headers).map_err(|failure| respond(failure, None))?;
    let core = &fal.core;
    let ask = ask::read(endpoint, &body);
    let base_url = core.base_url_for(&parts.uri, &parts.headers);
    let task = Task {
        work: Work::new(core, random_uuid(), ask, base_url),
        media_ttl: media_ttl(&parts.headers, "x-fal-object-lifecycle-preference"),
        start_limit,
    };
    let begun = task.work.begin(core).await;
    begun.map(|()| task).map_err(|refused| respond(refused, None))
}

/// Reads a JSON body; none at all counts as an empty object.
pub(super) async fn read_json(body: Body) -> Result<Value, Refused> {
    let bytes = wire::read_body(body, MAX_JSON_BYTES)
        .await
        .map_err(|error| match error {
            BodyError::TooLarge => plain(413, "Request Entity Too Large"),
            BodyError::Broken => plain(400, "There was an error reading the body"),
        })?;
    if bytes.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        errors::invalid(&[Detail {
            at: vec![json!(error.column())],
            msg: "JSON decode error".to_owned(),
            kind: "json_invalid",
            ctx: Some(json!({ "error": "Expecting value" })),
            input: Some(json!({})),
        }])
    })
}

fn start_limit(headers: &HeaderMap) -> Result<Option<Duration>, Refused> {
    let Some(value) = headers.get("x-fal-request-timeout") else {
        return Ok(None);
    };
    let seconds = value.to_str().ok().and_then(|text| text.parse().ok());
    seconds
        .filter(|seconds: &f64| *seconds > LEAST_START_LIMIT_S)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .map(Some)
        .ok_or_else(|| {
            let detail = "X-Fal-Request-Timeout must be a number greater than 1";
            errors::of_platform(400, "bad_request", detail)
        })
}

#[derive(Deserialize)]
struct Lifecycle {
    expiration_duration_seconds: Option<f64>,
}

/// How long files are to be kept, by the JSON in a header. Zero and nonsense mean the default, as at fal.
pub(super) fn media_ttl(headers: &HeaderMap, name: &str) -> Duration {
    headers
        .get(name)
        .and_then(|value| serde_json::from_slice::<Lifecycle>(value.as_bytes()).ok())
        .and_then(|lifecycle| lifecycle.expiration_duration_seconds)
        .filter(|seconds| *seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .unwrap_or(DEFAULT_MEDIA_TTL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn keys_are_checked() {
        for (value, allowed) in [
            ("Key id:secret", true),
            ("key sandbox", true),
            ("Key ", false),
            ("Key invalid:x", false),
            ("Bearer sandbox", false),
        ] {
            let answer = authorize(&headers("authorization", value));
            assert_eq!(answer.is_ok(), allowed, "{value}");
        }
        assert!(authorize(&HeaderMap::new()).is_err());
    }

    #[test]
    fn lifetimes_and_limits_come_from_headers() {
        let ttl = |value| media_ttl(&headers("x-life", value), "x-life");
        assert_eq!(ttl(r#"{"expiration_duration_seconds": 60}"#), Duration::from_secs(60));
        assert_eq!(ttl(r#"{"expiration_duration_seconds": 0}"#), DEFAULT_MEDIA_TTL);
        assert_eq!(ttl("soon"), DEFAULT_MEDIA_TTL);
        let limit = |value| start_limit(&headers("x-fal-request-timeout", value));
        assert_eq!(limit("2.5"), Ok(Some(Duration::from_millis(2_500))));
        assert!(limit("1").is_err());
        assert!(limit("soon").is_err());
        assert_eq!(start_limit(&HeaderMap::new()), Ok(None));
    }
}
