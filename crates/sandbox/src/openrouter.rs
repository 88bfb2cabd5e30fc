//! The OpenRouter emulator: `/api/v1/images` with its discovery routes, and `/api/v1/chat/completions` for images in talk.
//!
//! Not emulated: streams, the Responses API, accounts and keys. Unknown fields of the Images API are refused, so that a
//! misspelled one shows; chat completions ignore them, as the real service says it does.

mod answer;
mod ask;
mod chat;
mod errors;
mod family;
mod images;
mod models;
mod prices;
mod rates;
mod sizes;
mod work;

use crate::calls::CallHandle;
use crate::core::Core;
use crate::provider::Provider;
use crate::refused::Refused;
use crate::strangers::fit;
use crate::wire::{self, ObjectError};
use ask::Ask;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use models::{MODELS, Model};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Reads the fields of one way to an image.
type Check = fn(&Core, &'static Model, &Map<String, Value>) -> Result<Ask, Refused>;

/// How keys of the real service begin.
const KEY_PREFIX: &str = "sk-or-";

/// The routes below `/openrouter`.
pub(crate) fn router(core: Arc<Core>) -> Router {
    Router::new()
        .route("/api/v1/images", post(create_images))
        .route("/api/v1/images/models", get(image_models))
        .route("/api/v1/images/models/{author}/{slug}/endpoints", get(endpoints))
        .route("/api/v1/chat/completions", post(create_chat))
        .route("/api/v1/models", get(all_models))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(core)
}

async fn unknown() -> Response {
    errors::error(404, "Not Found").into_response()
}

async fn wrong_method() -> Response {
    errors::error(405, "Method Not Allowed").into_response()
}

async fn create_images(
    State(core): State<Arc<Core>>,
    Extension(call): Extension<CallHandle>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    create(core, &call, &headers, body, images::check).await
}

async fn create_chat(
    State(core): State<Arc<Core>>,
    Extension(call): Extension<CallHandle>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    create(core, &call, &headers, body, chat::check).await
}

async fn create(core: Arc<Core>, call: &CallHandle, headers: &HeaderMap, body: Body, check: Check) -> Response {
    let asked = async {
        authorize(headers)?;
        let fields = parse_json(body).await?;
        let model = fields.get("model").and_then(Value::as_str);
        let model = model.ok_or_else(|| errors::error(400, "No models provided"))?;
        call.note_fields(Provider::Openrouter, model, &chat::shown(&fields));
        let model = models::find(model)?;
        let fields = fit(fields, |fields| check(&core, model, fields).is_ok());
        check(&core, model, &fields)
    };
    match asked.await {
        Ok(ask) => work::run(&core, ask).await,
        Err(error) => error.into_response(),
    }
}

async fn parse_json(body: Body) -> Result<Map<String, Value>, Refused> {
    wire::read_object(body).await.map_err(|error| match error {
        ObjectError::TooLarge | ObjectError::Broken => errors::error(413, "The request is too large"),
        ObjectError::NotJson | ObjectError::NotAnObject => errors::error(400, "The body is not a JSON object"),
    })
}

fn authorize(headers: &HeaderMap) -> Result<(), Refused> {
    match wire::bearer(headers) {
        None => Err(errors::error(401, "No auth credentials found")),
        Some(key) if wire::is_key(key, KEY_PREFIX) => Ok(()),
        Some(_) => Err(errors::error(401, "User not found.")),
    }
}

/// Discovery needs no key.
async fn image_models() -> Response {
    let data: Vec<Value> = MODELS.all.iter().map(Model::described).collect();
    wire::json(StatusCode::OK, &json!({ "data": data }))
}

async fn endpoints(Path((author, slug)): Path<(String, String)>) -> Response {
    match models::find(&format!("{author}/{slug}")) {
        Ok(model) => wire::json(StatusCode::OK, &model.endpoints()),
        Err(error) => error.into_response(),
    }
}

#[derive(Deserialize)]
struct Filter {
    output_modalities: Option<String>,
}

async fn all_models(Query(filter): Query<Filter>) -> Response {
    let wanted = filter.output_modalities.unwrap_or_default();
    let wanted: Vec<&str> = wanted
        .split(',')
        .filter(|word| !word.is_empty() && *word != "all")
        .collect();
    let fits = |model: &&Model| wanted.iter().all(|word| model.outputs().contains(word));
    let data: Vec<Value> = MODELS.all.iter().filter(fits).map(Model::listed).collect();
    wire::json(StatusCode::OK, &json!({ "data": data }))
}
