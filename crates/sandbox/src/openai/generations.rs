//! `POST /v1/images/generations`, and `POST /v1/images/variations`, whose only model is gone.

use super::answer::answer;
use super::edits::parse_json;
use super::errors;
use super::run::Submission;
use super::validate::{Mode, check, model_id};
use super::{OpenAi, RequestId, authorize};
use crate::calls::CallHandle;
use crate::form::is_multipart;
use crate::provider::Provider;
use crate::refused::Refused;
use crate::strangers::fit;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// Draws images from a prompt.
pub(super) async fn create(
    State(emulator): State<Arc<OpenAi>>,
    Extension(RequestId(id)): Extension<RequestId>,
    Extension(call): Extension<CallHandle>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match submission(&headers, &call, body).await {
        Ok(submission) => answer(&emulator, id, submission).await,
        Err(error) => error.into_response(),
    }
}

async fn submission(headers: &HeaderMap, call: &CallHandle, body: Body) -> Result<Submission, Refused> {
    authorize(headers)?;
    if is_multipart(headers) {
        return Err(errors::wrong_content_type());
    }
    let fields = parse_json(body).await?;
    let model = model_id(&fields, Mode::Generation)?;
    call.note_fields(Provider::Openai, &model, &fields);
    let fields = fit(fields, |fields| check(fields, Mode::Generation).is_ok());
    Ok(Submission {
        ask: check(&fields, Mode::Generation)?,
        images: Vec::new(),
        mask: None,
        edit: false,
    })
}

/// Refuses: variations were dall-e-2's alone.
pub(super) async fn variations(headers: HeaderMap) -> Response {
    let refusal = authorize(&headers)
        .err()
        .unwrap_or_else(|| errors::model_not_found("dall-e-2"));
    refusal.into_response()
}
