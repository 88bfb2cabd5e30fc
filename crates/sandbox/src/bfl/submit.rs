//! `POST /v1/{model}`: checks, loads the images, names the price and begins the task.

use super::errors::{FieldFault, Refused};
use super::fields::{check, integer};
use super::models::Model;
use super::task::begin;
use super::work::{Ask, Work, load};
use super::{Bfl, authorize};
use crate::calls::CallHandle;
use crate::faults::Call;
use crate::names::random_uuid;
use crate::provider::Provider;
use crate::strangers::fit;
use crate::wire::{self, MAX_JSON_BYTES, read_body};
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Takes a task.
pub(super) async fn submit(State(bfl): State<Arc<Bfl>>, Path(path): Path<String>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if let Err(refused) = authorize(&parts.headers) {
        return refused.to_response();
    }
    let Some(model) = Model::find(&path) else {
        return Refused::detail(404, "Not Found").to_response();
    };
    let body = match read_json(body).await {
        Ok(body) => body,
        Err(refused) => return refused.to_response(),
    };
    if let Some(handle) = parts.extensions.get::<CallHandle>() {
        handle.note_fields(Provider::Bfl, model.path, &body);
    }
    let body = fit(body, |body| check(model, body).is_ok());
    let core = &bfl.core;
    let prompt = body.get("prompt").and_then(Value::as_str).unwrap_or_default();
    let faults = core.faults.take(Call::Submit, Provider::Bfl, model.path, prompt);
    let ask = match check(model, &body) {
        Ok(()) => read(&bfl, model, &body).await,
        Err(problems) => Err(Refused::fields(&problems)),
    };
    let id = random_uuid();
    if let Some(refusal) = &faults.refusal {
        faults.wait().await;
        if let Ok(ask) = &ask
            && faults.billed
        {
            ask.charge(core, &id);
        }
        return Refused::by_fault(refusal).to_response();
    }
    let ask = match ask {
        Ok(ask) => ask,
        Err(refused) => return refused.to_response(),
    };
    let base_url = core.base_url_for(&parts.uri, &parts.headers);
    let answer = json!({
        "id": id,
        "polling_url": format!("{base_url}/bfl/v1/get_result?id={id}"),
        "cost": ask.tenths() as f64 / 10.0,
        "input_mp": ask.input_megapixels(),
        "output_mp": ask.output_megapixels(),
    });
    let work = Work {
        id,
        ask,
        faults,
        base_url,
    };
    let faults = begin(&bfl, work);
    faults.hang().await;
    wire::spoil(wire::json(StatusCode::OK, &answer), faults.body).await
}

async fn read_json(body: Body) -> Result<Map<String, Value>, Refused> {
    let bytes = read_body(body, MAX_JSON_BYTES)
        .await
        .map_err(|_| Refused::detail(413, "Request Entity Too Large"))?;
    let unreadable = |kind, msg| Refused::fields(&[FieldFault::new("body", kind, msg)]);
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(_) => Err(unreadable(
            "model_attributes_type",
            "Input should be a valid dictionary",
        )),
        Err(_) => Err(unreadable("json_invalid", "JSON decode error")),
    }
}

/// Reads a checked body.
async fn read(bfl: &Bfl, model: &'static Model, body: &Map<String, Value>) -> Result<Ask, Refused> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| body.get(name).and_then(|value| integer(value).ok());
    let image = async |name: &str| match body.get(name).and_then(Value::as_str) {
        None => Ok(None),
        Some(text) => load(&bfl.core, text).await.map(Some).map_err(|why| {
            let msg = format!("Value error, {why}");
            Refused::fields(&[FieldFault::new(name, "value_error", msg)])
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
        return Err(Refused::fields(&[FieldFault::new("mask", "value_error", msg)]));
    }
    let edges = number("width").zip(number("height"));
    Ok(Ask {
        model,
        prompt: text("prompt").to_owned(),
        asked_px: edges.and_then(|(width, height)| Some((u32::try_from(width).ok()?, u32::try_from(height).ok()?))),
        asked_ratio: super::fields::ratio(text("aspect_ratio")).filter(|_| model.has("aspect_ratio")),
        seed: number("seed"),
        png: text("output_format") == "png",
        inputs: inputs.into(),
        mask,
    })
}
