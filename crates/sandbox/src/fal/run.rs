//! Synchronous runs: the answer is the result, and hanging up ends the work.

use super::Fal;
use super::call::accept;
use super::errors::{respond, stamp};
use super::work::{Outcome, Task};
use crate::wire;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// `POST /fal/run/{endpoint}`.
pub(super) async fn run(State(fal): State<Arc<Fal>>, Path(endpoint): Path<String>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let task = match accept(&fal, &parts, body, &endpoint).await {
        Ok(task) => task,
        Err(refusal) => return refusal,
    };
    let outcome = perform(&fal, &task).await;
    let work = &task.work;
    work.faults.hang().await;
    wire::spoil(outcome_response(&outcome, &work.id), work.faults.body).await
}

async fn perform(fal: &Fal, task: &Task) -> Outcome {
    task.wait_for_start(&fal.core).await?;
    task.perform(&fal.core).await
}

/// A call's end as an HTTP answer, the same for runs and for results of the queue.
pub(super) fn outcome_response(outcome: &Outcome, id: &str) -> Response {
    match outcome {
        Err(refused) => respond(refused.clone(), Some(id)),
        Ok(done) => {
            let kind = HeaderValue::from_static("application/json");
            let mut response = (StatusCode::OK, [(header::CONTENT_TYPE, kind)], done.body.clone()).into_response();
            let units = HeaderValue::from(done.units);
            response.headers_mut().insert("x-fal-billable-units", units);
            stamp(&mut response, Some(id));
            response
        }
    }
}
