//! Calls that are answered with the bytes of an image, and what they share with those that are jobs.

use super::Fireworks;
use super::ask::{Ask, check};
use super::errors::{self, authorize};
use super::models::{Model, Way};
use crate::calls::CallHandle;
use crate::names::random_uuid;
use crate::provider::Provider;
use crate::refused::Refused;
use crate::strangers::fit;
use crate::wire::{self, ObjectError};
use crate::work::Work;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Map, Value};
use std::sync::Arc;

/// `POST .../workflows/.../{model}/text_to_image`.
pub(super) async fn workflow(
    State(fireworks): State<Arc<Fireworks>>,
    Path(model): Path<String>,
    request: Request,
) -> Response {
    image(&fireworks, &model, Way::Workflow, request).await
}

/// `POST .../image_generation/.../{model}`.
pub(super) async fn image_generation(
    State(fireworks): State<Arc<Fireworks>>,
    Path(model): Path<String>,
    request: Request,
) -> Response {
    image(&fireworks, &model, Way::Generation, request).await
}

async fn image(fireworks: &Arc<Fireworks>, model: &str, way: Way, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let work = match accept(fireworks, &parts, body, model, way).await {
        Ok(work) => work,
        Err(error) => return error.into_response(),
    };
    let (work, made) = match work.run(&fireworks.core).await {
        Ok(done) => done,
        Err(refused) => return refused.into_response(),
    };
    let drawn = made.pictures.into_iter().next();
    let bytes = drawn.map_or_else(Bytes::new, |drawn| drawn.bytes);
    let finish = match work.faults.moderation {
        Some(_) => "CONTENT_FILTERED",
        None => "SUCCESS",
    };
    let headers = [
        ("content-type", HeaderValue::from_static(work.ask.format.mime_type())),
        ("finish-reason", HeaderValue::from_static(finish)),
        ("seed", HeaderValue::from(work.seed(0))),
    ];
    let response = (StatusCode::OK, headers, bytes).into_response();
    wire::spoil(response, work.faults.body).await
}

/// Reads and checks a call.
///
/// # Errors
/// By its key, model or body.
pub(super) async fn accept(
    fireworks: &Fireworks,
    parts: &Parts,
    body: Body,
    model: &str,
    way: Way,
) -> Result<Work<Ask>, Refused> {
    authorize(&parts.headers)?;
    let model = Model::find(model, way).ok_or_else(errors::no_model)?;
    let body = read_json(body).await?;
    if let Some(handle) = parts.extensions.get::<CallHandle>() {
        handle.note_fields(Provider::Fireworks, model.id, &body);
    }
    let body = fit(body, |body| check(model, body, &parts.headers).is_ok());
    let ask = check(model, &body, &parts.headers)?;
    let core = &fireworks.core;
    Ok(Work::new(
        core,
        random_uuid(),
        ask,
        core.base_url_for(&parts.uri, &parts.headers),
    ))
}

/// The body as an object.
pub(super) async fn read_json(body: Body) -> Result<Map<String, Value>, Refused> {
    wire::read_object(body).await.map_err(|error| match error {
        ObjectError::TooLarge | ObjectError::Broken => {
            errors::error(413, "PAYLOAD_TOO_LARGE", "Request body is too large")
        }
        ObjectError::NotJson | ObjectError::NotAnObject => errors::invalid("The body should be a JSON object"),
    })
}
