//! Asking for predictions, models and the account.

use super::Replicate;
use super::errors::{self, authorize};
use super::models::Model;
use super::schema::{model_body, models_body, version_body};
use crate::calls::CallHandle;
use crate::provider::Provider;
use crate::wire;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Predictions of one page.
const PAGE: usize = 100;

/// `GET /predictions/{id}`.
pub(super) async fn get(State(replicate): State<Arc<Replicate>>, Path(id): Path<String>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    if let Err(refused) = authorize(&parts.headers) {
        return refused.into_response();
    }
    let Some(prediction) = replicate.jobs.get(&id) else {
        return errors::not_found().into_response();
    };
    let work = &prediction.work;
    if let Some(handle) = parts.extensions.get::<CallHandle>() {
        handle.note(Provider::Replicate, work.ask.model.id, &Value::Null);
    }
    let faults = work.poll_faults(&replicate.core, prediction.progress().status.is_final());
    faults.wait().await;
    if let Some(refusal) = &faults.refusal {
        return errors::by_fault(refusal).into_response();
    }
    faults.hang().await;
    let base_url = replicate.core.base_url_for(&parts.uri, &parts.headers);
    let response = wire::json(StatusCode::OK, &prediction.body(&base_url, None));
    wire::spoil(response, faults.body).await
}

/// `POST /predictions/{id}/cancel`.
pub(super) async fn cancel(
    State(replicate): State<Arc<Replicate>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    if let Err(refused) = authorize(&parts.headers) {
        return refused.into_response();
    }
    let Some(prediction) = replicate.jobs.get(&id) else {
        return errors::not_found().into_response();
    };
    prediction.cancel().await;
    let base_url = replicate.core.base_url_for(&parts.uri, &parts.headers);
    wire::json(StatusCode::OK, &prediction.body(&base_url, None))
}

#[derive(Deserialize)]
pub(super) struct Page {
    cursor: Option<String>,
}

/// `GET /predictions`, newest first.
pub(super) async fn list(
    State(replicate): State<Arc<Replicate>>,
    Query(page): Query<Page>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    if let Err(refused) = authorize(&parts.headers) {
        return refused.into_response();
    }
    let base_url = replicate.core.base_url_for(&parts.uri, &parts.headers);
    // One more than a page tells whether there is another.
    let mut found = replicate.jobs.newest(page.cursor.as_deref(), PAGE + 1);
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let next = found
        .last()
        .filter(|_| more)
        .map(|last| format!("{base_url}/replicate/v1/predictions?cursor={}", last.work.id));
    let results: Vec<Value> = found
        .iter()
        .map(|prediction| prediction.body(&base_url, None))
        .collect();
    wire::json(
        StatusCode::OK,
        &json!({"previous": null, "next": next, "results": results}),
    )
}

/// `GET /models`.
pub(super) async fn models(headers: HeaderMap) -> Response {
    told(&headers, || Some(models_body()))
}

/// `GET /models/{owner}/{name}`.
pub(super) async fn model(Path((owner, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    told(&headers, || Model::find(&owner, &name).map(model_body))
}

/// `GET /models/{owner}/{name}/versions`.
pub(super) async fn versions(Path((owner, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    told(&headers, || {
        let version = version_body(Model::find(&owner, &name)?);
        Some(json!({"previous": null, "next": null, "results": [version]}))
    })
}

/// `GET /models/{owner}/{name}/versions/{version}`.
pub(super) async fn version(
    Path((owner, name, version)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    told(&headers, || {
        let model = Model::find(&owner, &name)?;
        (model.version_id() == version).then(|| version_body(model))
    })
}

/// `GET /account`.
pub(super) async fn account(headers: HeaderMap) -> Response {
    told(&headers, || {
        Some(json!({"type": "organization", "username": "sandbox", "name": "Sandbox", "github_url": null}))
    })
}

fn told(headers: &HeaderMap, body: impl FnOnce() -> Option<Value>) -> Response {
    match authorize(headers).map(|()| body()) {
        Err(refused) => refused.into_response(),
        Ok(None) => errors::not_found().into_response(),
        Ok(Some(body)) => wire::json(StatusCode::OK, &body),
    }
}
