//! `GET /models` and `GET /models/{id}`: the catalogue.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use planner::catalog::model::Model;
use planner::mode::Mode;
use planner::money::Micros;
use planner::price::starting::starting_price;
use planner::schema;
use serde_json::{Value, json};

use super::caller::Caller;
use super::path::PathPart;
use super::query::asks_for;
use super::respond;
use super::state::AppState;
use crate::outcome::GenerationError;
use crate::problem::Problem;

/// Every model. `?schema=true` adds what a request to each may hold.
pub(super) async fn list(State(state): State<AppState>, _caller: Caller, RawQuery(query): RawQuery) -> Response {
    let with_schema = asks_for(query.as_deref(), "schema");
    let models: Vec<Value> = state
        .generator
        .catalog
        .models()
        .map(|model| model_json(&state, model, with_schema))
        .collect();
    respond::json(StatusCode::OK, &json!({ "object": "list", "data": models }))
}

/// One model, by its id or an alias. A retired one is still told of.
pub(super) async fn retrieve(
    State(state): State<AppState>,
    _caller: Caller,
    PathPart(id): PathPart,
    RawQuery(query): RawQuery,
) -> Response {
    let with_schema = asks_for(query.as_deref(), "schema");
    let catalog = &state.generator.catalog;
    if let Some(model) = catalog.model(&id) {
        return respond::json(StatusCode::OK, &model_json(&state, model, with_schema));
    }
    match catalog.find(&id) {
        Ok(found) => respond::json(StatusCode::OK, &model_json(&state, found.model, with_schema)),
        Err(cause) => Problem::of_generation(&GenerationError::Model { name: id, cause }).into_response(),
    }
}

fn model_json(state: &AppState, model: &Model, with_schema: bool) -> Value {
    let available = model
        .live_offers()
        .any(|offer| state.generator.upstreams.available().contains(&offer.provider));
    let released = model
        .released
        .and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC).ok());
    let start = starting_price(model);
    let mut providers: Vec<&str> = Vec::new();
    for offer in model.live_offers() {
        if !providers.contains(&offer.provider.as_str()) {
            providers.push(&offer.provider);
        }
    }
    let mut told = json!({
        "id": model.id,
        "object": "model",
        "created": released.map_or(0, |day| day.timestamp().as_second()),
        "owned_by": model.creator,
        "name": model.name,
        "description": model.description,
        "creator": model.creator,
        "creator_organization": model.creator_name,
        "modality": "image",
        "modes": model.modes(),
        "capabilities": capabilities(model),
        "status": if model.is_disabled() { "disabled" } else { "enabled" },
        "model_status": model.status(),
        "available": available,
        "sunset": model.sunset(),
        "successor": model.successor,
        "featured": model.featured,
        "free": start.as_ref().is_some_and(|start| start.price == Micros::ZERO),
        "tags": model.tags,
        "aliases": model.aliases,
        "alternative_names": model.alternative_names,
        "starting_price": start.as_ref().map(|start| start.price.as_json_dollars()),
        "starting_price_offer": start.as_ref().map(|start| json!({ "provider": start.offer.provider, "conditions": { "quality": start.quality } })),
        "providers": providers,
        "image_url": null,
        "model_page_path": format!("/models/{}/{}", model.creator, model.id),
    });
    if with_schema {
        told["schema"] = schema::of_model(&state.generator.catalog, model);
        told["sizes"] = schema::sizes_json(model);
        told["size_range"] = schema::range_json(model);
    }
    told
}

fn capabilities(model: &Model) -> Vec<&'static str> {
    let edits = || {
        model
            .live_offers()
            .filter_map(|offer| offer.in_mode(Mode::ImageEdit))
            .filter_map(|mode| mode.inputs)
    };
    let mut found = Vec::new();
    for mode in model.modes() {
        found.push(match mode {
            Mode::TextToImage => "generation",
            Mode::ImageEdit => "editing",
            Mode::Upscale => "upscaling",
        });
    }
    if edits().any(|inputs| inputs.mask.is_some()) {
        found.push("inpainting");
    }
    if edits().any(|inputs| inputs.max > 1) {
        found.push("multiple-inputs");
    }
    found
}
