//! `POST /api/v3/images/generations`: what comes in, and the answer in one piece.

use super::ask::check;
use super::errors::Refused;
use super::job::{Job, Made, Picture};
use super::stream;
use super::{RequestId, authorize};
use crate::calls::CallHandle;
use crate::core::Core;
use crate::faults::Call;
use crate::provider::Provider;
use crate::segments::{self, Segment};
use crate::strangers::fit;
use crate::wire::{self, MAX_JSON_BYTES, read_body};
use axum::Extension;
use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use tracing::warn;

/// Draws from a prompt, and from images where there are any.
pub(super) async fn create(
    State(core): State<Arc<Core>>,
    Extension(RequestId(id)): Extension<RequestId>,
    Extension(call): Extension<CallHandle>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let base_url = core.base_url_for(&uri, &headers);
    let checked = async {
        authorize(&headers)?;
        let body = read_json(body).await?;
        let model = body.get("model").and_then(Value::as_str).unwrap_or_default();
        call.note_fields(Provider::Byteplus, model, &body);
        let body = fit(body, |body| check(body).is_ok());
        let ask = check(&body)?;
        let inputs = ask.load(&core).await?;
        Ok::<_, Refused>((ask, inputs))
    };
    let (ask, inputs) = match checked.await {
        Ok(checked) => checked,
        Err(refused) => return refused.to_response(&id),
    };
    let faults = core
        .faults
        .take(Call::Submit, Provider::Byteplus, ask.model.id, &ask.prompt);
    let job = Job {
        core: Arc::clone(&core),
        id: id.clone(),
        ask,
        inputs: inputs.into(),
        faults: faults.clone(),
        base_url,
    };
    // A task of its own: as at the real service, a client that hangs up pays all the same.
    let (job, made) = match core.tasks.spawn(job.run()).await {
        Ok(Ok(made)) => made,
        Ok(Err(refused)) => return refused.to_response(&id),
        Err(error) => {
            warn!(%error, "an image task ended early");
            return Refused::server_error().to_response(&id);
        }
    };
    faults.hang().await;
    if job.ask.stream {
        return stream::answer(&job, made, faults.body);
    }
    wire::spoil(whole(&job, made), faults.body).await
}

async fn read_json(body: Body) -> Result<Map<String, Value>, Refused> {
    let bytes = read_body(body, MAX_JSON_BYTES)
        .await
        .map_err(|_| Refused::unreadable("the body is too large or broken"))?;
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(_) | Err(_) => Err(Refused::unreadable("the body is not a JSON object")),
    }
}

/// The answer in one piece.
fn whole(job: &Job, made: Made) -> Response {
    let (count, model, size) = (made.count(), json!(job.ask.model.id), json!(job.size()));
    let head = format!("{{\"model\":{model},\"created\":{},\"data\":[", made.created);
    let mut parts = vec![Segment::Text(head)];
    for (index, picture) in made.pictures.into_iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        parts.push(Segment::Text(comma.to_owned()));
        match picture {
            Ok(Picture::Bytes(drawn)) => {
                parts.push(Segment::Text("{\"b64_json\":\"".to_owned()));
                parts.push(Segment::Base64(drawn.bytes));
                parts.push(Segment::Text(format!("\",\"size\":{size}}}")));
            }
            Ok(Picture::Link(url)) => parts.push(Segment::Text(json!({"url": url, "size": size}).to_string())),
            Err(refused) => {
                let item = json!({"error": refused.item(&job.id)});
                parts.push(Segment::Text(item.to_string()));
            }
        }
    }
    parts.push(Segment::Text(format!("],\"usage\":{}}}", job.usage(count))));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CONTENT_LENGTH, HeaderValue::from(segments::size_bytes(&parts))),
    ];
    (headers, segments::body(parts)).into_response()
}
