//! Calls that are answered with the bytes of an image, and what they share with those that are jobs.

use super::Fireworks;
use super::ask::{check, prompt_of};
use super::errors::{ApiError, authorize};
use super::models::{Model, Way};
use super::work::Work;
use crate::calls::CallHandle;
use crate::faults::{BodyFault, Call, Stage};
use crate::names::random_uuid;
use crate::provider::Provider;
use crate::strangers::fit;
use crate::wire::{self, MAX_JSON_BYTES};
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Map, Value};
use std::sync::Arc;
use tracing::warn;

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
        Ok(work) => Arc::new(work),
        Err(refusal) => return refusal,
    };
    let core = Arc::clone(&fireworks.core);
    let faults = &work.faults;
    if faults.failed || faults.moderation == Some(Stage::Input) {
        work.charge_if_asked(&core);
        let error = if faults.failed {
            ApiError::internal()
        } else {
            ApiError::flagged()
        };
        return error.to_response();
    }
    let bytes = if faults.body == Some(BodyFault::Empty) {
        Bytes::new()
    } else {
        let running = Arc::clone(&work);
        // A caller that hangs up pays all the same.
        let run = fireworks.core.tasks.spawn(async move { running.draw(&core).await });
        let drawn = run.await.unwrap_or_else(|error| {
            warn!(%error, "an image call ended early");
            Err(ApiError::internal())
        });
        match drawn {
            Ok(bytes) => bytes,
            Err(error) => return error.to_response(),
        }
    };
    let kind = HeaderValue::from_static(work.ask.format.mime_type());
    let finish = match faults.moderation {
        Some(_) => "CONTENT_FILTERED",
        None => "SUCCESS",
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (
            header::HeaderName::from_static("finish-reason"),
            HeaderValue::from_static(finish),
        ),
        (header::HeaderName::from_static("seed"), HeaderValue::from(work.seed())),
    ];
    let response = (StatusCode::OK, headers, bytes).into_response();
    faults.hang().await;
    wire::spoil(response, faults.body).await
}

/// Reads and checks a call.
///
/// # Errors
/// The answer, if it is refused: by its key, model, body, or by a fault.
pub(super) async fn accept(
    fireworks: &Fireworks,
    parts: &Parts,
    body: Body,
    model: &str,
    way: Way,
) -> Result<Work, Response> {
    authorize(&parts.headers).map_err(|error| error.to_response())?;
    let model = Model::find(model, way).ok_or_else(|| ApiError::no_model().to_response())?;
    let body = read_json(body).await.map_err(|error| error.to_response())?;
    if let Some(handle) = parts.extensions.get::<CallHandle>() {
        handle.note_fields(Provider::Fireworks, model.id, &body);
    }
    let body = fit(body, |body| check(model, body, &parts.headers).is_ok());
    let core = &fireworks.core;
    let faults = core
        .faults
        .take(Call::Submit, Provider::Fireworks, model.id, prompt_of(&body));
    faults.wait().await;
    let refusal = faults.refusal.as_ref().map(ApiError::by_fault);
    let ask =
        check(model, &body, &parts.headers).map_err(|invalid| refusal.clone().unwrap_or(invalid).to_response())?;
    let work = Work {
        id: random_uuid(),
        ask,
        faults,
        base_url: core.base_url_for(&parts.uri, &parts.headers),
    };
    match refusal {
        Some(refusal) => {
            work.charge_if_asked(core);
            Err(refusal.to_response())
        }
        None => Ok(work),
    }
}

/// The body as an object.
pub(super) async fn read_json(body: Body) -> Result<Map<String, Value>, ApiError> {
    let bytes = wire::read_body(body, MAX_JSON_BYTES)
        .await
        .map_err(|_| ApiError::new(413, "PAYLOAD_TOO_LARGE", "Request body is too large"))?;
    serde_json::from_slice(&bytes).map_err(|_| ApiError::invalid("The body should be a JSON object"))
}
