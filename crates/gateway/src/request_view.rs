//! A request as its account sees it: in the request log, and in what webhooks tell.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use planner::money::Micros;
use serde_json::{Value, json};

use crate::db::DatabaseError;
use crate::db::generations::{AttemptRow, GenerationRow, Status};
use crate::db::media::MediaRow;
use crate::generation::Generator;
use crate::generation::stages::Timing;
use crate::media::links::Links;

/// The fields of a request in a list.
#[must_use]
pub(crate) fn listed(row: &GenerationRow) -> Value {
    let start = &row.start;
    json!({
        "id": start.id,
        "object": "request",
        "created_at": start.created_at.to_string(),
        "model": start.model,
        "modality": "image",
        "endpoint": start.endpoint,
        "status": row.status.as_str(),
        "cost": row.cost_micros.map(|micros| Micros(micros).as_json_dollars()),
        "currency": "usd",
        "duration_ms": row.finished_at.map(|end| end.duration_since(start.created_at).as_millis()).and_then(|ms| u64::try_from(ms).ok()),
        "key_id": start.key_id,
        "error_code": row.error_code,
        "error_message": row.error_message,
        "session_id": start.session_id,
        "trace_id": start.trace_id,
        "user": start.end_user,
        "request_size_bytes": start.request_size_bytes,
        "response_size_bytes": row.response_size_bytes,
        "client_request_id": start.client_request_id,
        "idempotency_key": start.durable.idempotency_key,
    })
}

/// The same with the way that it took, for lists that tell it.
#[must_use]
pub(crate) fn with_way(row: &GenerationRow, attempts: &[AttemptRow]) -> Value {
    let mut body = listed(row);
    body["account_id"] = json!(row.start.account_id);
    body["provider"] = json!(row.provider);
    body["estimate"] = json!(Micros(row.start.estimate_micros).as_json_dollars());
    let told = |attempt: &AttemptRow| json!({ "provider": attempt.provider, "outcome": attempt.outcome.as_str(), "code": attempt.code });
    body["attempts"] = attempts.iter().map(told).collect();
    body
}

/// Who is told of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Its account.
    Account,
    /// The operator, who also sees what providers said word for word, as far as it is no secret.
    Operator,
}

/// The same with how it went and its images under fresh links.
///
/// # Errors
/// [`DatabaseError`].
pub(crate) async fn whole(generator: &Generator, row: &GenerationRow, reader: Reader) -> Result<Value, DatabaseError> {
    let id = &row.start.id;
    let attempts = generator.database.attempts_of(id).await?;
    let media = generator.database.media_of(id).await?;
    let now = generator.clock.now();
    let mut body = listed(row);
    body["provider"] = json!(row.provider);
    body["estimate"] = json!(Micros(row.start.estimate_micros).as_json_dollars());
    body["cost_basis"] = json!(row.cost_basis);
    body["cost_components"] = stored(&row.cost_components);
    body["adjustments"] = stored(&row.start.adjustments);
    body["plan"] = stored(&row.start.plan);
    body["account_id"] = json!(row.start.account_id);
    body["timings"] = timings_json(&row.timings);
    body["attempts"] = attempts.iter().map(|attempt| attempt_json(attempt, reader)).collect();
    if let (Reader::Operator, Some(policy)) = (reader, &row.policy) {
        body["policy"] = stored(policy);
    }
    if row.status == Status::Completed {
        let shown = media
            .iter()
            .filter_map(|media| media_json(&generator.links, media, now));
        body["result"] = result(&body, row, shown.collect());
    }
    if row.markup_micros != 0 {
        body["markup"] = json!(Micros(row.markup_micros).as_json_dollars());
    }
    Ok(body)
}

/// The answer once more, with links that work now. Prompts that a provider wrote are kept with payloads alone.
fn result(request: &Value, row: &GenerationRow, images: Vec<Value>) -> Value {
    let first = images.first().cloned().unwrap_or_default();
    let links = images.iter().map(|image| json!({ "url": image["url"] }));
    let told = images.iter().map(
        |image| json!({ "size": image["size"], "output_format": image["output_format"], "bytes": image["bytes"] }),
    );
    json!({
        "id": row.start.id,
        "created": row.start.created_at.as_second(),
        "size": first["size"],
        "output_format": first["output_format"],
        "data": links.collect::<Vec<_>>(),
        "metadata": {
            "model": row.start.model,
            "provider": row.provider,
            "cost": request["cost"],
            "cost_currency": "USD",
            "cost_basis": row.cost_basis,
            "adjustments": request["adjustments"],
            "images": told.collect::<Vec<_>>(),
            "attempts": request["attempts"],
        },
    })
}

/// What stands in a column as JSON.
#[must_use]
pub(crate) fn stored(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// A stored image with a fresh link that ends with the image.
fn media_json(links: &Links, media: &MediaRow, now: Timestamp) -> Option<Value> {
    if media.expires_at.duration_since(now) <= SignedDuration::ZERO {
        return None;
    }
    let extension = media.path.rsplit('.').next().unwrap_or(&media.format);
    Some(json!({
        "url": links.sign(&media.id, extension, media.expires_at),
        "size": format!("{}x{}", media.width_px, media.height_px),
        "output_format": media.format,
        "bytes": media.size_bytes,
    }))
}

fn attempt_json(attempt: &AttemptRow, reader: Reader) -> Value {
    let mut told = json!({
        "provider": attempt.provider,
        "model": attempt.model,
        "outcome": attempt.outcome.as_str(),
        "code": attempt.code,
        "spent": attempt.spent.as_str(),
        "http_status": attempt.http_status,
        "upstream_id": attempt.upstream_id,
        "started_at": attempt.started_at.to_string(),
        "duration_ms": attempt.duration_ms,
        "cost": attempt.cost_micros.map(|micros| Micros(micros).as_json_dollars()),
        "message": attempt.message,
    });
    if reader == Reader::Operator {
        told["excerpt"] = json!(attempt.excerpt);
    }
    told
}

/// Where the time went, in milliseconds since the request came in.
fn timings_json(column: &str) -> Value {
    let timings: Vec<Timing> = serde_json::from_str(column).unwrap_or_default();
    // Exact to the microsecond, and as short as that is.
    let milliseconds = |micros: u64| Duration::from_micros(micros).as_nanos() as f64 / 1e6;
    let told = timings.iter().map(|timing| {
        let mut told = json!({
            "stage": timing.stage.as_str(),
            "started_ms": milliseconds(timing.started_us),
            "duration_ms": milliseconds(timing.duration_us),
        });
        if let Some(attempt) = timing.attempt {
            told["attempt"] = json!(attempt);
        }
        told
    });
    told.collect()
}
