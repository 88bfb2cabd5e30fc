//! A lenient OpenAI-compatible server with one free model, `mock-image`, that takes every parameter there is.
//!
//! Unknown fields are ignored and odd values are bent into range, as self-hosted servers tend to do. It is the
//! one upstream at which every parameter of the gateway can be tried.

mod answer;
mod ask;
mod errors;

use crate::calls::CallHandle;
use crate::core::Core;
use crate::form::{FormError, is_multipart, read_form};
use crate::media;
use crate::names::random_hex;
use crate::provider::Provider;
use crate::refused::Refused;
use crate::strangers::Strangers;
use crate::wire::{self, ObjectError};
use crate::work::Work;
use ask::Fields;
use axum::body::Body;
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde_json::{Map, Value, json};
use std::sync::Arc;

static STRANGERS: Strangers<()> = Strangers::new();

/// The one model.
const MODEL: &str = "mock-image";
/// Midnight (UTC) of 2026-01-01, unix seconds: its made-up release.
const MODEL_CREATED: i64 = 1_767_225_600;

/// The routes below `/mock`.
pub(crate) fn router(core: Arc<Core>) -> Router {
    Router::new()
        .route("/v1/models", get(models))
        .route("/v1/models/{id}", get(model))
        .route("/v1/images/generations", post(generate))
        .route("/v1/images/edits", post(edit))
        .route("/media/{file}", get(file))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(core)
}

async fn unknown() -> Response {
    errors::error(404, "not_found", "There is no such route.").into_response()
}

async fn wrong_method() -> Response {
    let message = "The route does not take this method.";
    errors::error(405, "method_not_allowed", message).into_response()
}

fn model_object() -> Value {
    json!({"id": MODEL, "object": "model", "created": MODEL_CREATED, "owned_by": "sandbox"})
}

async fn models() -> Response {
    let list = json!({"object": "list", "data": [model_object()]});
    wire::json(StatusCode::OK, &list)
}

async fn model(Path(id): Path<String>) -> Response {
    if id == MODEL {
        wire::json(StatusCode::OK, &model_object())
    } else {
        errors::no_model(&id).into_response()
    }
}

async fn file(State(core): State<Arc<Core>>, Path(file): Path<String>) -> Response {
    media::serve(&core.media, core.now(), &file).await
}

async fn generate(
    State(core): State<Arc<Core>>,
    Extension(call): Extension<CallHandle>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let base_url = core.base_url_for(&uri, &headers);
    answer(&core, &call, &headers, body, false, base_url).await
}

async fn edit(
    State(core): State<Arc<Core>>,
    Extension(call): Extension<CallHandle>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let base_url = core.base_url_for(&uri, &headers);
    answer(&core, &call, &headers, body, true, base_url).await
}

async fn answer(
    core: &Arc<Core>,
    call: &CallHandle,
    headers: &HeaderMap,
    body: Body,
    edit: bool,
    base_url: String,
) -> Response {
    let answer = async {
        authorize(headers)?;
        let fields = read_fields(headers, call, body).await?;
        let model = fields.text("model").unwrap_or(MODEL).to_owned();
        if model != MODEL && STRANGERS.serve(&model, |_| ()).is_none() {
            return Err(errors::no_model(&model));
        }
        let id = format!("mock_{}", random_hex(12));
        let ask = ask::read(core, fields, edit, &id).await?;
        let (work, made) = Work::new(core, id, ask, base_url).run(core).await?;
        Ok(answer::tell(core, &work, made).await)
    };
    answer.await.unwrap_or_else(|refused: Refused| refused.into_response())
}

/// No key is needed, but one that says it is invalid is refused.
fn authorize(headers: &HeaderMap) -> Result<(), Refused> {
    let key = headers.get(header::AUTHORIZATION);
    let key = key.and_then(|key| key.to_str().ok()).unwrap_or_default();
    if key.contains("invalid") || key.contains("revoked") {
        let message = "The API key is not valid.";
        return Err(errors::error(401, "invalid_api_key", message));
    }
    Ok(())
}

async fn read_fields(headers: &HeaderMap, call: &CallHandle, body: Body) -> Result<Fields, Refused> {
    let unreadable = |_: FormError| errors::invalid("The body of the request could not be read.");
    if !is_multipart(headers) {
        let values = wire::read_object(body).await.map_err(|error| match error {
            ObjectError::TooLarge | ObjectError::Broken => unreadable(FormError::Broken),
            ObjectError::NotJson | ObjectError::NotAnObject => {
                errors::invalid("The body of the request is not a JSON object.")
            }
        })?;
        call.note_fields(Provider::Mock, MODEL, &values);
        return Ok(Fields {
            values,
            files: Vec::new(),
        });
    }
    let form = read_form(headers, body).await.map_err(unreadable)?;
    let values: Map<String, Value> = form
        .texts
        .into_iter()
        .map(|(name, text)| (name, Value::String(text)))
        .collect();
    let mut shown = values.clone();
    for (index, file) in form.files.iter().enumerate() {
        let text = format!("<{} bytes>", file.bytes.len());
        shown.insert(format!("{}#{index}", file.name), Value::String(text));
    }
    call.note_fields(Provider::Mock, MODEL, &shown);
    Ok(Fields {
        values,
        files: form.files,
    })
}
