//! `POST /v1/images/edits`, as a multipart form and as JSON.

use super::answer::answer;
use super::errors;
use super::images::{Upload, check_count, from_file, from_json, from_reference};
use super::run::Submission;
use super::validate::{Mode, check, kind, model_id};
use super::{OpenAi, RequestId, authorize};
use crate::calls::CallHandle;
use crate::core::Core;
use crate::form::{FormError, is_multipart, read_form};
use crate::provider::Provider;
use crate::refused::Refused;
use crate::strangers::fit;
use crate::wire::{self, ObjectError};
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Draws images from a prompt and images.
pub(super) async fn create(
    State(emulator): State<Arc<OpenAi>>,
    Extension(RequestId(id)): Extension<RequestId>,
    Extension(call): Extension<CallHandle>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let submission = match authorize(&headers) {
        Err(error) => Err(error),
        Ok(()) if is_multipart(&headers) => from_multipart(&headers, &call, body).await,
        Ok(()) => from_json_body(&emulator.core, &call, body).await,
    };
    match submission {
        Ok(submission) => answer(&emulator, id, submission).await,
        Err(error) => error.into_response(),
    }
}

async fn from_multipart(headers: &HeaderMap, call: &CallHandle, body: Body) -> Result<Submission, Refused> {
    let form = read_form(headers, body).await.map_err(|error| match error {
        FormError::TooLarge => errors::too_large(),
        FormError::NotMultipart => errors::wrong_content_type(),
        FormError::Broken => errors::unreadable_body("the multipart form is broken"),
    })?;
    let fields: Map<String, Value> = form
        .texts
        .into_iter()
        .map(|(name, text)| {
            let value = typed(&name, text);
            (name, value)
        })
        .collect();
    let mut shown = fields.clone();
    for file in &form.files {
        let text = format!(
            "<{}, {} bytes>",
            file.content_type.as_deref().unwrap_or("no type"),
            file.bytes.len()
        );
        match shown.entry(file.name.clone()).or_insert_with(|| json!([])) {
            Value::Array(files) => files.push(json!(text)),
            other => *other = json!(text),
        }
    }
    let model = model_id(&fields, Mode::FormEdit)?;
    call.note_fields(Provider::Openai, &model, &shown);
    for name in ["image", "image[]", "mask"] {
        if let Some(text) = fields.get(name) {
            return Err(errors::wrong_type(name, "a file", kind(text)));
        }
    }
    let fields = fit(fields, |fields| check(fields, Mode::FormEdit).is_ok());
    let ask = check(&fields, Mode::FormEdit)?;
    let mut images: Vec<Upload> = Vec::new();
    let mut mask = None;
    for file in form.files {
        match file.name.as_str() {
            "image" | "image[]" => images.push(from_file(file)?),
            "mask" => mask = Some(from_file(file)?),
            other => return Err(errors::unknown_parameter(other)),
        }
    }
    if images.is_empty() {
        return Err(errors::missing("image"));
    }
    check_count("image", images.len())?;
    Ok(Submission {
        ask,
        images,
        mask,
        edit: true,
    })
}

/// Forms have no types: what should be a number or a flag becomes one, if it can.
fn typed(name: &str, text: String) -> Value {
    match name {
        "n" | "output_compression" | "partial_images" => match text.parse::<i64>() {
            Ok(number) => json!(number),
            Err(_) => Value::String(text),
        },
        "stream" => match text.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => Value::String(text),
        },
        _ => Value::String(text),
    }
}

async fn from_json_body(core: &Core, call: &CallHandle, body: Body) -> Result<Submission, Refused> {
    let fields = parse_json(body).await?;
    let model = model_id(&fields, Mode::JsonEdit)?;
    call.note_fields(Provider::Openai, &model, &fields);
    let fields = fit(fields, |fields| check(fields, Mode::JsonEdit).is_ok());
    let ask = check(&fields, Mode::JsonEdit)?;
    let images = from_json(core, fields.get("images"))?;
    let mask = fields.get("mask").filter(|mask| !mask.is_null());
    let mask = mask.map(|mask| from_reference(core, "mask", mask)).transpose()?;
    Ok(Submission {
        ask,
        images,
        mask,
        edit: true,
    })
}

/// A body that must be a JSON object.
pub(super) async fn parse_json(body: Body) -> Result<Map<String, Value>, Refused> {
    wire::read_object(body).await.map_err(|error| match error {
        ObjectError::TooLarge => errors::too_large(),
        ObjectError::Broken => errors::unreadable_body("the connection broke off"),
        ObjectError::NotAnObject => errors::unreadable_body("it is not a JSON object"),
        ObjectError::NotJson => errors::unreadable_body("it is not JSON"),
    })
}
