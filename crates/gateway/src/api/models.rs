//! `GET /models` and `GET /models/{id}`: the catalogue.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use planner::catalog::model::{Model, Status};
use planner::catalog::offer::Offer;
use planner::catalog::pricing::{Direction, Metric};
use planner::mode::Mode;
use planner::money::Micros;
use planner::price::estimate::{Work, estimate};
use serde_json::{Value, json};

use super::caller::Caller;
use super::path::PathPart;
use super::respond;
use super::state::AppState;
use crate::outcome::GenerationError;
use crate::problem::Problem;

/// Every model.
pub(super) async fn list(State(state): State<AppState>, _caller: Caller) -> Response {
    let models: Vec<Value> = state
        .generator
        .catalog
        .models()
        .map(|model| model_json(&state, model))
        .collect();
    respond::json(StatusCode::OK, &json!({ "object": "list", "data": models }))
}

/// One model, by its id or an alias. A retired one is still told of.
pub(super) async fn retrieve(State(state): State<AppState>, _caller: Caller, PathPart(id): PathPart) -> Response {
    let catalog = &state.generator.catalog;
    if let Some(model) = catalog.model(&id) {
        return respond::json(StatusCode::OK, &model_json(&state, model));
    }
    match catalog.find(&id) {
        Ok(found) => respond::json(StatusCode::OK, &model_json(&state, found.model)),
        Err(cause) => Problem::of_generation(&GenerationError::Model { name: id, cause }).into_response(),
    }
}

fn model_json(state: &AppState, model: &Model) -> Value {
    let available = model
        .live_offers()
        .any(|offer| state.generator.upstreams.available().contains(&offer.provider));
    let released = model
        .released
        .and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC).ok());
    let start = starting_price(model);
    let status = model.status();
    let mut providers: Vec<&str> = Vec::new();
    for offer in model.live_offers() {
        if !providers.contains(&offer.provider.as_str()) {
            providers.push(&offer.provider);
        }
    }
    json!({
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
        "status": if status == Status::Retired { "disabled" } else { "enabled" },
        "model_status": status,
        "available": available,
        "sunset": model.sunset(),
        "successor": model.successor,
        "featured": model.featured,
        "free": start.as_ref().is_some_and(|(price, ..)| *price == Micros::ZERO),
        "tags": model.tags,
        "aliases": model.aliases,
        "alternative_names": model.alternative_names,
        "starting_price": start.as_ref().map(|(price, ..)| price.as_json_dollars()),
        "starting_price_offer": start.as_ref().map(|(_, offer, quality)| json!({ "provider": offer.provider, "conditions": { "quality": quality } })),
        "providers": providers,
        "image_url": null,
        "model_page_path": format!("/models/{}/{}", model.creator, model.id),
    })
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

/// The least price of one image of the default size at any live offer, for outputs alone. Offers that bill somebody
/// else's account have no price here.
fn starting_price(model: &Model) -> Option<(Micros, &Offer, Option<String>)> {
    let qualities = |offer: &Offer| {
        let mut names: Vec<Option<String>> = offer
            .pricing
            .components
            .iter()
            .flat_map(|part| part.quality.clone())
            .map(Some)
            .collect();
        names.push(None);
        names
    };
    let mode = *model.modes().first()?;
    model
        .live_offers()
        .filter(|offer| offer.requires.is_empty())
        .flat_map(|offer| qualities(offer).into_iter().map(move |quality| (offer, quality)))
        .map(|(offer, quality)| {
            let work = Work {
                mode,
                quality: quality.clone(),
                size: Some(model.sizes().default),
                calls: vec![1],
                prompt_bytes: 0,
                inputs: Vec::new(),
                high_fidelity: false,
            };
            let lines = estimate(&offer.pricing, &work).components;
            let outputs = lines
                .iter()
                .filter(|line| line.direction == Direction::Output && line.metric != Metric::TokenText);
            (outputs.map(|line| line.total_cost).sum::<Micros>(), offer, quality)
        })
        .min_by_key(|(price, ..)| *price)
}
