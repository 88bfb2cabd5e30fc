//! Creating predictions, with or without waiting for their end.

use super::Replicate;
use super::call::{Named, accept, preferred_wait};
use super::prediction::{Prediction, Status};
use crate::wire;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use std::sync::Arc;
use std::time::Duration;

/// `POST /predictions`.
pub(super) async fn create_by_version(State(replicate): State<Arc<Replicate>>, request: Request) -> Response {
    create(&replicate, request, Named::Version).await
}

/// `POST /models/{owner}/{name}/predictions`.
pub(super) async fn create_by_model(
    State(replicate): State<Arc<Replicate>>,
    Path((owner, name)): Path<(String, String)>,
    request: Request,
) -> Response {
    create(&replicate, request, Named::Model(&owner, &name)).await
}

async fn create(replicate: &Arc<Replicate>, request: Request, named: Named<'_>) -> Response {
    let (parts, body) = request.into_parts();
    let prediction = match accept(replicate, &parts, body, named).await {
        Ok(prediction) => prediction,
        Err(refusal) => return refusal,
    };
    let response = match preferred_wait(&parts.headers) {
        None => created(&prediction, Some(Status::Starting)),
        Some(wait) => wait_for(&prediction, wait).await,
    };
    let faults = &prediction.work.faults;
    faults.hang().await;
    wire::spoil(response, faults.body).await
}

async fn wait_for(prediction: &Prediction, wait: Duration) -> Response {
    match tokio::time::timeout(wait, prediction.ended()).await {
        Ok(()) => created(prediction, None),
        // The official clients take any other status for an end, so that an unfinished one is "starting".
        Err(_) => {
            let body = prediction.body(&prediction.work.base_url, Some(Status::Starting));
            wire::json(StatusCode::ACCEPTED, &body)
        }
    }
}

fn created(prediction: &Prediction, as_status: Option<Status>) -> Response {
    let body = prediction.body(&prediction.work.base_url, as_status);
    wire::json(StatusCode::CREATED, &body)
}
