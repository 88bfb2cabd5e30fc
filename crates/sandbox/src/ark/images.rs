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
use crate::segments::Images;
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
    let mut images = Images::default();
    let data = told.pictures.into_iter().map(|picture| match picture {
        Ok(Picture::Bytes(bytes)) => json!({"b64_json": images.put(bytes), "size": told.size}),
        Ok(Picture::Link(url)) => json!({"url": url, "size": told.size}),
        Err(refused) => json!({"error": errors::item(&refused, &work.id)}),
    });
    let data: Value = data.collect();
    images.json(&json!({"model": work.ask.model.id, "created": told.created, "data": data, "usage": told.usage}))
}
