//! `POST /v1/{model}`: checks, loads the images, names the price and begins the task.

use super::errors;
use super::fields::check;
use super::models::Model;
use super::task::begin;
use super::work::{Ask, load};
use super::{Bfl, authorize};
use crate::calls::CallHandle;
use crate::details::{Detail, whole_number};
use crate::names::random_uuid;
use crate::pictures::white_to_clear;
use crate::provider::Provider;
use crate::refused::Refused;
use crate::strangers::fit;
use crate::wire::{self, ObjectError};
use crate::work::{Inputs, Work};
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Takes a task.
pub(super) async fn submit(State(bfl): State<Arc<Bfl>>, Path(path): Path<String>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let work = match accept(&bfl, &parts, body, &path).await {
        Ok(work) => work,
        Err(refused) => return refused.into_response(),
    };
    if let Err(refused) = work.begin(&bfl.core).await {
        return refused.into_response();
    }
    let answer = json!({
        "id": work.id,
        "polling_url": format!("{}/bfl/v1/get_result?id={}", work.base_url, work.id),
        "cost": work.ask.tenths() as f64 / 10.0,
        "input_mp": work.ask.input_megapixels(),
        "output_mp": work.ask.output_megapixels(),
    });
    let faults = begin(&bfl, work);
    faults.hang().await;
    wire::spoil(wire::json(StatusCode::OK, &answer), faults.body).await
}

async fn accept(bfl: &Bfl, parts: &Parts, body: Body, path: &str) -> Result<Work<Ask>, Refused> {
    authorize(&parts.headers)?;
    let model = Model::find(path).ok_or_else(|| errors::detail(404, "Not Found"))?;
    let unreadable = |kind, msg| errors::fields(&[Detail::field("body", kind, msg)]);
    let body = wire::read_object(body).await.map_err(|error| match error {
        ObjectError::TooLarge | ObjectError::Broken => errors::detail(413, "Request Entity Too Large"),
        ObjectError::NotAnObject => unreadable("model_attributes_type", "Input should be a valid dictionary"),
        ObjectError::NotJson => unreadable("json_invalid", "JSON decode error"),
    })?;
    if let Some(handle) = parts.extensions.get::<CallHandle>() {
        handle.note_fields(Provider::Bfl, model.id, &body);
    }
    let body = fit(body, |body| check(model, body).is_ok());
    check(model, &body).map_err(|problems| errors::fields(&problems))?;
    let ask = read(bfl, model, &body).await?;
    let base_url = bfl.core.base_url_for(&parts.uri, &parts.headers);
    Ok(Work::new(&bfl.core, random_uuid(), ask, base_url))
}

/// Reads a checked body.
async fn read(bfl: &Bfl, model: &'static Model, body: &Map<String, Value>) -> Result<Ask, Refused> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| body.get(name).and_then(|value| whole_number(value).ok());
    let image = async |name: &str| match body.get(name).and_then(Value::as_str) {
        None => Ok(None),
        Some(text) => load(&bfl.core, text).await.map(Some).map_err(|why| {
            let msg = format!("Value error, {why}");
            errors::fields(&[Detail::field(name, "value_error", msg)])
        }),
    };
    let mut inputs = Vec::new();
    for name in model.input_names() {
        inputs.extend(image(&name).await?);
    }
    for name in ["image", "image_prompt"] {
        if model.has(name) {
            inputs.extend(image(name).await?);
        }
    }
    let mask = match model.has("mask") {
        true => image("mask").await?,
        false => None,
    };
    if let (Some(mask), Some(first)) = (&mask, inputs.first())
        && (mask.width_px(), mask.height_px()) != (first.width_px(), first.height_px())
    {
        let msg = "Value error, the mask must have the size of the image";
        return Err(errors::fields(&[Detail::field("mask", "value_error", msg)]));
    }
    let edges = number("width").zip(number("height"));
    Ok(Ask {
        model,
        prompt: text("prompt").to_owned(),
        asked_px: edges.and_then(|(width, height)| Some((u32::try_from(width).ok()?, u32::try_from(height).ok()?))),
        asked_ratio: super::fields::ratio(text("aspect_ratio")).filter(|_| model.has("aspect_ratio")),
        seed: number("seed"),
        png: text("output_format") == "png",
        inputs: Inputs {
            images: inputs.into(),
            // White is to be painted over.
            mask: mask.as_ref().map(white_to_clear).map(Arc::new),
        },
    })
}
