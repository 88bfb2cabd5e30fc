//! The Stability AI emulator: the v2beta services that generate, edit and upscale images, and the results of jobs.
//!
//! Not emulated (404): removing and replacing backgrounds, the control services, audio and 3D. Unknown fields are
//! refused, so that a misspelled one shows; the documentation does not say what the real service does with them.

mod answer;
mod ask;
mod errors;
mod fields;
mod results;
mod services;
mod work;

use crate::calls::CallHandle;
use crate::core::Core;
use crate::form::{Form, FormError, is_multipart, read_form};
use crate::jobs::Jobs;
use crate::names::random_hex;
use crate::provider::Provider;
use crate::refused::Refused;
use crate::wire;
use crate::work::Work;
use answer::Accept;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use results::Job;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// All parts of one request together.
const MAX_REQUEST_BYTES: usize = 10 * 1024 * 1024;
/// How keys of the real service begin.
const KEY_PREFIX: &str = "sk-";

/// The emulator's state.
pub(crate) struct Stability {
    core: Arc<Core>,
    jobs: Jobs<Job>,
}

/// The routes below `/stability`.
pub(crate) fn router(core: Arc<Core>) -> Router {
    let emulator = Arc::new(Stability {
        core,
        jobs: Jobs::default(),
    });
    Router::new()
        .route("/v2beta/stable-image/{group}/{service}", post(create))
        .route("/v2beta/results/{id}", get(results::get))
        .route("/v2beta/stable-image/upscale/creative/result/{id}", get(results::get))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(emulator)
}

async fn unknown() -> Response {
    errors::not_found().into_response()
}

async fn wrong_method() -> Response {
    errors::error(405, "method_not_allowed", "The method is not allowed here.").into_response()
}

async fn create(
    State(emulator): State<Arc<Stability>>,
    Extension(call): Extension<CallHandle>,
    Path((group, service)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match submit(&emulator, &call, &format!("{group}/{service}"), &headers, body).await {
        Ok(answer) => answer,
        Err(error) => error.into_response(),
    }
}

async fn submit(
    emulator: &Arc<Stability>,
    call: &CallHandle,
    path: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let key = authorize(headers)?;
    let service = services::find(path)?;
    let accept = Accept::of(headers)?;
    let form = read(headers, body).await?;
    let core = &emulator.core;
    let label = service.label(
        form.texts
            .iter()
            .find(|(name, _)| name == "model")
            .map(|(_, id)| id.as_str()),
    );
    call.note_fields(Provider::Stability, &label, &shown(&form));
    let ask = ask::check(core, service, label, form).await?;
    let work = Work::new(core, new_id(), ask, String::new());
    if service.deferred {
        results::begin(emulator, key, work).await
    } else {
        work::run(core, work, accept).await
    }
}

async fn read(headers: &HeaderMap, body: Body) -> Result<Form, Refused> {
    if !headers.contains_key(header::CONTENT_TYPE) {
        return Err(errors::bad_request("content-type: required"));
    }
    if !is_multipart(headers) {
        return Err(errors::bad_request("content-type: must be multipart/form-data"));
    }
    let form = read_form(headers, body).await.map_err(|error| match error {
        FormError::TooLarge => errors::too_large(),
        FormError::NotMultipart | FormError::Broken => errors::bad_request("body: the form cannot be read"),
    })?;
    let texts: usize = form.texts.iter().map(|(_, text)| text.len()).sum();
    let files: usize = form.files.iter().map(|file| file.bytes.len()).sum();
    if texts + files > MAX_REQUEST_BYTES {
        return Err(errors::too_large());
    }
    Ok(form)
}

/// The form as it may be shown.
fn shown(form: &Form) -> Map<String, Value> {
    let texts = form.texts.iter().map(|(name, text)| (name.clone(), json!(text)));
    let files = form.files.iter().map(|file| {
        let kind = file.content_type.as_deref().unwrap_or("no type");
        (
            file.name.clone(),
            json!(format!("<{kind}, {} bytes>", file.bytes.len())),
        )
    });
    texts.chain(files).collect()
}

/// The key, if it is one.
fn authorize(headers: &HeaderMap) -> Result<String, Refused> {
    let bare = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .ok_or_else(|| errors::unauthorized("authorization: required"))?;
    let key = wire::bearer(headers).unwrap_or(bare.trim());
    if wire::is_key(key, KEY_PREFIX) {
        Ok(key.to_owned())
    } else {
        Err(errors::unauthorized("authorization: invalid or missing header value"))
    }
}

/// An id as the service makes them: 64 hexadecimal digits.
fn new_id() -> String {
    random_hex(32)
}
