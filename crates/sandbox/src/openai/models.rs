//! The models of the OpenAI emulator and the routes that list them.

use super::errors;
use super::generation::Generation;
use super::{OpenAi, authorize};
use crate::refused::Refused;
use crate::tables::{self, Models};
use crate::wire;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};

/// One model id.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    pub(super) id: &'static str,
    pub(super) generation: Generation,
    /// Midnight (UTC) of the day of release, unix seconds.
    created: i64,
    /// The day on which it ends, by the deprecations page. The sandbox serves it past that day too.
    shutdown_date: Option<&'static str>,
}

/// Every model served.
static MODELS: LazyLock<Models<Model>> = LazyLock::new(|| tables::read(include_str!("../../data/openai.toml")));

/// The model of this id.
pub(super) fn find(id: &str) -> Result<&'static Model, Refused> {
    MODELS.find(id).ok_or_else(|| errors::model_not_found(id))
}

fn object(model: &Model) -> Value {
    json!({
        "id": model.id, "object": "model", "created": model.created, "owned_by": "system",
        "shutdown_date": model.shutdown_date,
    })
}

/// `GET /v1/models`.
pub(super) async fn list(State(_): State<Arc<OpenAi>>, headers: HeaderMap) -> Response {
    if let Err(error) = authorize(&headers) {
        return error.into_response();
    }
    let data: Vec<_> = MODELS.all.iter().map(object).collect();
    wire::json(StatusCode::OK, &json!({"object": "list", "data": data}))
}

/// `GET /v1/models/{id}`.
pub(super) async fn one(State(_): State<Arc<OpenAi>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let known = || MODELS.known(&id).ok_or_else(|| errors::model_not_found(&id));
    let found = authorize(&headers).and_then(|()| known());
    match found {
        Ok(model) => wire::json(StatusCode::OK, &object(model)),
        Err(error) => error.into_response(),
    }
}
