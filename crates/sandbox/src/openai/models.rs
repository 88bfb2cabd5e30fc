//! The models of the OpenAI emulator and the routes that list them.

use super::errors::ApiError;
use super::generation::Generation;
use super::{OpenAi, authorize};
use crate::strangers::Strangers;
use crate::wire;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;

/// One model id.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) id: &'static str,
    pub(super) generation: Generation,
    /// Midnight (UTC) of the day of release, unix seconds.
    created: i64,
    /// The day on which it ends, by the deprecations page. The sandbox serves it past that day too.
    shutdown_date: Option<&'static str>,
}

const APRIL_24_2025: i64 = 1_745_452_800;
const OCTOBER_6_2025: i64 = 1_759_708_800;
const DECEMBER_16_2025: i64 = 1_765_843_200;
const APRIL_21_2026: i64 = 1_776_729_600;
const SEPTEMBER_8_2026: i64 = 1_788_825_600;
const NOVEMBER_4_2026: i64 = 1_793_750_400;

const fn model(id: &'static str, generation: Generation, created: i64, shutdown_date: Option<&'static str>) -> Model {
    Model {
        id,
        generation,
        created,
        shutdown_date,
    }
}

/// Every model served. The dall-e models are gone, and so is their entry.
pub(super) const MODELS: &[Model] = &[
    model("gpt-image-1", Generation::One, APRIL_24_2025, Some("2026-10-23")),
    model("gpt-image-1-mini", Generation::Mini, OCTOBER_6_2025, Some("2026-12-01")),
    model(
        "gpt-image-1.5",
        Generation::OnePointFive,
        DECEMBER_16_2025,
        Some("2026-12-01"),
    ),
    model(
        "gpt-image-1.5-2025-12-16",
        Generation::OnePointFive,
        DECEMBER_16_2025,
        Some("2026-12-01"),
    ),
    model(
        "chatgpt-image-latest",
        Generation::OnePointFive,
        DECEMBER_16_2025,
        Some("2026-12-01"),
    ),
    model("gpt-image-2", Generation::Two, APRIL_21_2026, None),
    model("gpt-image-2-2026-04-21", Generation::Two, APRIL_21_2026, None),
    model("gpt-image-2.5-flare", Generation::TwoPointFive, SEPTEMBER_8_2026, None),
    model(
        "gpt-image-2.5-flare-2026-09-08",
        Generation::TwoPointFive,
        SEPTEMBER_8_2026,
        None,
    ),
    model(
        "gpt-image-2.5-sunburst",
        Generation::TwoPointFive,
        SEPTEMBER_8_2026,
        None,
    ),
    model(
        "gpt-image-2.5-sunburst-2026-09-08",
        Generation::TwoPointFive,
        SEPTEMBER_8_2026,
        None,
    ),
    model("gpt-image-2.6-flare", Generation::TwoPointSix, NOVEMBER_4_2026, None),
    model("gpt-image-2.6-sunburst", Generation::TwoPointSix, NOVEMBER_4_2026, None),
];

static STRANGERS: Strangers<Model> = Strangers::new();

/// The model of this id.
pub(super) fn find(id: &str) -> Result<&'static Model, ApiError> {
    let stand_in = |id| model(id, Generation::TwoPointSix, NOVEMBER_4_2026, None);
    known(id).or_else(|error| STRANGERS.serve(id, stand_in).ok_or(error))
}

fn known(id: &str) -> Result<&'static Model, ApiError> {
    let mut models = MODELS.iter();
    models
        .find(|model| model.id == id)
        .ok_or_else(|| ApiError::model_not_found(id))
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
    let data: Vec<_> = MODELS.iter().map(object).collect();
    wire::json(StatusCode::OK, &json!({"object": "list", "data": data}))
}

/// `GET /v1/models/{id}`.
pub(super) async fn one(State(_): State<Arc<OpenAi>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let found = authorize(&headers).and_then(|()| known(&id));
    match found {
        Ok(model) => wire::json(StatusCode::OK, &object(model)),
        Err(error) => error.into_response(),
    }
}
