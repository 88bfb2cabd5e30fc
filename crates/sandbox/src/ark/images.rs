//! `POST /api/v3/images/generations`: what comes in, and the answer in one piece.

use super::ask::{Ask, check};
use super::errors;
use super::job::{Picture, Told, told};
use super::stream;
use super::{RequestId, authorize};
use crate::calls::CallHandle;
use crate::core::Core;
use crate::provider::Provider;
use crate::refused::Refused;
use crate::segments::{self, Segment};
use crate::strangers::fit;
use crate::wire::{self, ObjectError};
use crate::work::Work;
use axum::Extension;
use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};
use std::sync::Arc;

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
    let answer = answer(&core, id.clone(), &call, base_url, &headers, body);
    answer.await.unwrap_or_else(|refused| errors::respond(refused, &id))
}

async fn answer(
    core: &Arc<Core>,
    id: String,
    call: &CallHandle,
    base_url: String,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    authorize(headers)?;
    let body = wire::read_object(body).await.map_err(|error| match error {
        ObjectError::TooLarge | ObjectError::Broken => errors::unreadable("the body is too large or broken"),
        ObjectError::NotJson | ObjectError::NotAnObject => errors::unreadable("the body is not a JSON object"),
    })?;
    let model = body.get("model").and_then(Value::as_str).unwrap_or_default();
    call.note_fields(Provider::Byteplus, model, &body);
    let body = fit(body, |body| check(body).is_ok());
    let mut ask = check(&body)?;
    ask.open(core).await?;
    let (work, made) = Work::new(core, id, ask, base_url).run(core).await?;
    let told = told(core, &work, made);
    if work.ask.stream {
        return Ok(stream::answer(&work, told));
    }
    Ok(wire::spoil(whole(&work, told), work.faults.body).await)
}

/// The answer in one piece.
fn whole(work: &Work<Ask>, told: Told) -> Response {
    let (model, size) = (json!(work.ask.model.id), json!(told.size));
    let head = format!("{{\"model\":{model},\"created\":{},\"data\":[", told.created);
    let mut parts = vec![Segment::Text(head)];
    for (index, picture) in told.pictures.into_iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        parts.push(Segment::Text(comma.to_owned()));
        match picture {
            Ok(Picture::Bytes(bytes)) => {
                parts.push(Segment::Text("{\"b64_json\":\"".to_owned()));
                parts.push(Segment::Base64(bytes));
                parts.push(Segment::Text(format!("\",\"size\":{size}}}")));
            }
            Ok(Picture::Link(url)) => parts.push(Segment::Text(json!({"url": url, "size": size}).to_string())),
            Err(refused) => {
                let item = json!({"error": errors::item(&refused, &work.id)});
                parts.push(Segment::Text(item.to_string()));
            }
        }
    }
    parts.push(Segment::Text(format!("],\"usage\":{}}}", told.usage)));
    segments::json(parts)
}
