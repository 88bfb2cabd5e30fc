//! Drawing and answering, and the mock server's few errors.

use super::MODEL;
use super::ask::Ask;
use super::problem::Problem;
use crate::bill::BillEntry;
use crate::core::Core;
use crate::faults::{BodyFault, Faults, FileFault, Refusal};
use crate::latency::Pace;
use crate::media::NewMedia;
use crate::names::sha256_hex;
use crate::pictures::{DrawError, Drawn};
use crate::provider::Provider;
use crate::segments::{self, Segment};
use crate::{sse, wire};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::future::try_join_all;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// How long a link to a result lives.
const MEDIA_TTL: Duration = Duration::from_secs(3_600);

fn refuse(refusal: &Refusal) -> Response {
    let status = refusal.status.unwrap_or(429);
    let mut response = if refusal.status.is_some_and(wire::is_proxy_status) {
        wire::proxy_page(status, "mock.sandbox")
    } else {
        let code = match status {
            _ if refusal.quota => "insufficient_quota",
            401 => "invalid_api_key",
            403 => "forbidden",
            404 => "model_not_found",
            429 => "rate_limit_exceeded",
            500..=599 => "server_error",
            _ => "invalid_request",
        };
        let message = refusal.message.as_deref();
        let message = message.unwrap_or("Refused, as asked for by a fault.");
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        Problem::new(status, code, message).into_response()
    };
    if let Some(after) = refusal.retry_after {
        let seconds = after.as_millis().div_ceil(1_000).to_string();
        if let Ok(value) = HeaderValue::from_str(&seconds) {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
    }
    response
}

/// Draws in a task of its own and answers.
pub(super) async fn deliver(core: Arc<Core>, ask: Ask, faults: Faults, base_url: String) -> Response {
    faults.wait().await;
    if let Some(refusal) = &faults.refusal {
        return refuse(refusal);
    }
    let problem = problem(&faults);
    if let Some(problem) = problem
        && !ask.stream
    {
        return problem.into_response();
    }
    let ask = Arc::new(ask);
    let work = work(Arc::clone(&core), Arc::clone(&ask), faults.file);
    let Ok(Ok(images)) = core.tasks.spawn(work).await else {
        return Problem::failed().into_response();
    };
    faults.hang().await;
    if ask.stream {
        return stream(&core, &ask, &images, &faults);
    }
    let images = match faults.body {
        Some(BodyFault::Empty) => Vec::new(),
        _ => images,
    };
    let response = whole(&core, &ask, images, &faults, &base_url);
    wire::spoil(response, faults.body).await
}

fn problem(faults: &Faults) -> Option<Problem> {
    let moderation = faults.moderation.map(Problem::moderation);
    moderation.or_else(|| faults.failed.then(Problem::failed))
}

async fn work(core: Arc<Core>, ask: Arc<Ask>, file: Option<FileFault>) -> Result<Vec<Drawn>, DrawError> {
    let pixels = u64::from(ask.size_px.0) * u64::from(ask.size_px.1);
    let wait = core.latency.work(Pace::Fast, ask.quality, pixels, ask.seed);
    tokio::time::sleep(wait).await;
    let drawn = if ask.upscale {
        upscale(&core, &ask).await?
    } else {
        let drawings = (0..ask.count).map(|index| core.pictures.draw(ask.drawing(index, file)));
        try_join_all(drawings).await?
    };
    core.bill.record(BillEntry {
        provider: Provider::Mock,
        model: MODEL.to_owned(),
        call_id: ask.id.clone(),
        prompt_sha256: sha256_hex(&ask.prompt),
        images: u32::try_from(drawn.len()).unwrap_or(u32::MAX),
        quality: Some(ask.quality.to_owned()),
        size: Some(format!("{}x{}", ask.size_px.0, ask.size_px.1)),
        micros: 0,
        tokens: None,
        at: core.now(),
        reason: "free".to_owned(),
    });
    Ok(drawn)
}

async fn upscale(core: &Core, ask: &Ask) -> Result<Vec<Drawn>, DrawError> {
    let first = ask.inputs.first().cloned().ok_or(DrawError::Lost)?;
    let scaled = core.pictures.scale(first, ask.size_px, ask.format, ask.compression);
    Ok(vec![Drawn {
        bytes: scaled.await?,
        partials: Vec::new(),
    }])
}

fn whole(core: &Core, ask: &Ask, images: Vec<Drawn>, faults: &Faults, base_url: &str) -> Response {
    let created = core.now().as_second();
    let mut parts = vec![Segment::Text(format!(
        "{{\"created\":{created},\"id\":\"{}\",\"data\":[",
        ask.id
    ))];
    for (index, image) in images.into_iter().enumerate() {
        if index > 0 {
            parts.push(Segment::Text(",".to_owned()));
        }
        let revised = json!({"revised_prompt": ask.revised_prompt}).to_string();
        let rest = &revised[1..];
        if ask.as_url {
            let url = keep(core, ask, image.bytes, faults, base_url);
            parts.push(Segment::Text(format!("{{\"url\":{},{rest}", json!(url))));
        } else {
            parts.push(Segment::Text("{\"b64_json\":\"".to_owned()));
            parts.push(Segment::Base64(image.bytes));
            parts.push(Segment::Text(format!("\",{rest}")));
        }
    }
    let size = format!("{}x{}", ask.size_px.0, ask.size_px.1);
    let rest = json!({"size": size, "output_format": ask.format.name(), "quality": ask.quality});
    parts.push(Segment::Text(format!("],{}", &rest.to_string()[1..])));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CONTENT_LENGTH, HeaderValue::from(segments::size_bytes(&parts))),
    ];
    (headers, segments::body(parts)).into_response()
}

fn keep(core: &Core, ask: &Ask, bytes: Bytes, faults: &Faults, base_url: &str) -> String {
    let media = NewMedia {
        bytes,
        content_type: ask.format.mime_type().to_owned(),
        ttl: MEDIA_TTL,
        fault: faults.media,
    };
    let id = core.media.put(media, core.now());
    format!("{base_url}/mock/media/{id}.{}", ask.format.extension())
}

fn stream(core: &Core, ask: &Ask, images: &[Drawn], faults: &Faults) -> Response {
    let prefix = if ask.edit { "image_edit" } else { "image_generation" };
    let size = format!("{}x{}", ask.size_px.0, ask.size_px.1);
    let background = if ask.transparent { "transparent" } else { "opaque" };
    let described = json!({
        "created_at": core.now().as_second(), "size": size, "quality": ask.quality,
        "background": background, "output_format": ask.format.name(),
    });
    let last_kind = format!("{prefix}.completed");
    let mut events = Vec::new();
    for image in images {
        for (index, partial) in image.partials.iter().enumerate() {
            let mut rest = described.clone();
            rest["partial_image_index"] = json!(index);
            let kind = format!("{prefix}.partial_image");
            events.push(sse::image_event(&kind, partial.clone(), &rest));
        }
        if let Some(problem) = problem(faults) {
            events.push(sse::error_event(&problem.object()));
            break;
        }
        events.push(sse::image_event(&last_kind, image.bytes.clone(), &described));
    }
    sse::answer(&events, &last_kind, faults.body)
}
